#include "install/conclude.h"

#include <errno.h>

#include "base/clock.h"
#include "install/crew.h"
#include "install/place.h"
#include "install/scrub.h"
#include "release/names.h"
#include "store/durable.h"

struct conclusion {
	const struct conclude_options *options;
	struct descriptor descriptor; /* complete once the seal is */
	struct text seal;
};

static int make_links(const struct conclude_options *options, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < index_count(options->index); i++) {
		const struct index_entry *entry = index_at(options->index, i);

		if (entry->type == INDEX_SYMLINK || entry->type == INDEX_HARDLINK)
			r = place_link(options->place, entry, err);
	}
	return r < 0 ? r : 0;
}

static void on_difference(void *data, const char *path, const char *what)
{
	struct error *first = data;
	char shown[NAMES_SHOWN_MAX];

	if (!*first->text)
		(void)error_set(first, FAULT_BUSY, "%s: %s: somebody else writes into the slot",
				names_show(path, shown), what);
}

static int check_tree(const struct conclude_options *options, struct error *err)
{
	struct error first = {};
	uint64_t differences = 0;
	int r = scrub_tree(options->slot_fd, options->owner, options->index, on_difference, &first,
			   &differences, err);

	if (r < 0 || differences == 0)
		return r;
	return error_set(err, first.fault, "%s", first.text);
}

static int make_seal(struct conclusion *conclusion, struct error *err)
{
	struct index *index = conclusion->options->index;
	struct descriptor *descriptor = &conclusion->descriptor;

	descriptor->bytes = 0;
	for (size_t i = 0; i < index_count(index); i++)
		descriptor->bytes += index_at(index, i)->size;
	descriptor->files = index_count(index);
	descriptor->installed = clock_realtime_usec();
	return seal_make(descriptor, index, &conclusion->seal, err);
}

static int check_and_make_seal(struct conclusion *conclusion, struct error *err)
{
	int r = check_tree(conclusion->options, err);

	return r < 0 ? r : make_seal(conclusion, err);
}

static int sync_or_check(void *data, unsigned int hand, size_t i, struct error *err)
{
	struct conclusion *conclusion = data;

	return i == 0 ? durable_sync_fs(conclusion->options->slot_fd, err) :
			check_and_make_seal(conclusion, err);
}

/* Nothing is written any more: while the disk works, the tree is looked at. */
static int sync_and_check(struct conclusion *conclusion, struct error *err)
{
	const struct conclude_options *options = conclusion->options;
	const struct crew_job job = {
		.count = 2,
		.work = sync_or_check,
		.data = conclusion,
	};
	int r = meter_begin(options->meter, STAGE_SYNC, 1, err);

	if (r == 0)
		r = crew_run(&job, err);
	return r < 0 ? r : meter_end(options->meter, err);
}

int conclude_run(const struct conclude_options *options, struct descriptor *descriptor,
		 struct error *err)
{
	struct conclusion conclusion = { .options = options, .descriptor = *descriptor };
	int r = make_links(options, err);

	if (r == 0)
		r = sync_and_check(&conclusion, err);
	if (r == 0)
		r = seal_put(options->dirfd, options->slot, &conclusion.seal, err);
	if (r == 0)
		*descriptor = conclusion.descriptor;
	text_done(&conclusion.seal);
	return r;
}
