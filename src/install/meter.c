#include "install/meter.h"

#include <errno.h>

void meter_stop(struct meter *meter)
{
	atomic_store(&meter->stopped, true);
}

static int tell(struct meter *meter, struct error *err)
{
	const struct stage_listener *listener = meter->listener;
	uint64_t done = atomic_load(&meter->done);
	int r;

	if (!listener || !listener->progress)
		return 0;
	if (done > meter->total)
		done = meter->total;
	r = listener->progress(listener->data, meter->step, done, meter->total, err);
	if (r < 0)
		meter_stop(meter);
	return r;
}

int meter_begin(struct meter *meter, enum stage_step step, uint64_t total, struct error *err)
{
	meter->step = step;
	meter->total = total;
	atomic_store(&meter->done, 0);
	atomic_store(&meter->stopped, false);
	return tell(meter, err);
}

int meter_end(struct meter *meter, struct error *err)
{
	atomic_store(&meter->done, meter->total);
	return tell(meter, err);
}

int meter_tell(void *data, uint64_t bytes, struct error *err)
{
	struct meter *meter = data;

	atomic_fetch_add(&meter->done, bytes);
	return tell(meter, err);
}

int meter_count(void *data, uint64_t bytes, struct error *err)
{
	struct meter *meter = data;

	atomic_fetch_add(&meter->done, bytes);
	return atomic_load(&meter->stopped) ? error_code(err, -ECANCELED, "reading files") : 0;
}
