#include "install/sealing.h"

#include "base/clock.h"
#include "base/crew.h"
#include "store/durable.h"

struct work {
	const struct sealing *sealing;
	struct descriptor *descriptor;
	struct text *seal;
};

static int make_seal(const struct work *work, struct error *err)
{
	const struct sealing *sealing = work->sealing;
	int r = sealing->check ? sealing->check(sealing->data, err) : 0;

	if (r < 0)
		return r;
	work->descriptor->files = index_count(sealing->index);
	work->descriptor->installed = clock_realtime_usec();
	return seal_make(work->descriptor, sealing->index, work->seal, err);
}

static int sync_or_make_seal(void *data, unsigned int hand, size_t i, struct error *err)
{
	const struct work *work = data;

	return i == 0 ? durable_sync_fs(work->sealing->slot_fd, err) : make_seal(work, err);
}

int sealing_sync(const struct sealing *sealing, struct descriptor *descriptor,
		 struct text *ret_seal, struct error *err)
{
	struct work work = { sealing, descriptor, ret_seal };

	return crew_run(&(struct crew_job){ .count = 2, .work = sync_or_make_seal, .data = &work },
			err);
}
