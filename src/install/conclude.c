#include "install/conclude.h"

#include <errno.h>

#include "install/place.h"
#include "install/scrub.h"
#include "install/sealing.h"
#include "release/names.h"

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

static int check_tree(const void *data, struct error *err)
{
	const struct conclude_options *options = data;
	struct error first = {};
	uint64_t differences = 0;
	const struct scrub_glance glance = {
		.slot_fd = options->slot_fd,
		.other_fd = options->other_fd,
		.owner = options->owner,
		.index = options->index,
		.finding = on_difference,
		.data = &first,
	};
	int r = scrub_tree(&glance, &differences, err);

	if (r < 0 || differences == 0)
		return r;
	return error_set(err, first.fault, "%s", first.text);
}

/* Nothing is written any more: while the disk works, the tree is looked at. */
static int sync_and_check(const struct conclude_options *options, struct descriptor *descriptor,
			  struct text *ret_seal, struct error *err)
{
	const struct sealing sealing = {
		.slot_fd = options->slot_fd,
		.index = options->index,
		.check = check_tree,
		.data = options,
	};
	int r = meter_begin(options->meter, STAGE_SYNC, 1, err);

	descriptor->bytes = 0;
	for (size_t i = 0; i < index_count(options->index); i++)
		descriptor->bytes += index_at(options->index, i)->size;
	if (r == 0)
		r = sealing_sync(&sealing, descriptor, ret_seal, err);
	return r < 0 ? r : meter_end(options->meter, err);
}

int conclude_run(const struct conclude_options *options, struct descriptor *descriptor,
		 struct error *err)
{
	_cleanup_text_ struct text seal = {};
	struct descriptor complete = *descriptor;
	int r = make_links(options, err);

	if (r == 0)
		r = sync_and_check(options, &complete, &seal, err);
	if (r == 0)
		r = seal_put(options->dirfd, options->slot, &seal, err);
	if (r == 0)
		*descriptor = complete;
	return r;
}
