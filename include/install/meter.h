/*
 * Progress of work that two hands do (base/crew.h): both count, the caller's thread tells.
 */
#pragma once

#include <stdatomic.h>

#include "install/stage.h"

struct meter {
	const struct stage_listener *listener; /* may be NULL */
	enum stage_step step;
	uint64_t total;
	atomic_ullong done;
	atomic_bool stopped;
};

/* Tells the beginning, or the end. */
int meter_begin(struct meter *meter, enum stage_step step, uint64_t total, struct error *err);
int meter_end(struct meter *meter, struct error *err);

/* The other hand shall end. */
void meter_stop(struct meter *meter);

/* As local_progress; data is the meter. meter_tell is for hand 0, meter_count for the other one. */
int meter_tell(void *data, uint64_t bytes, struct error *err);
int meter_count(void *data, uint64_t bytes, struct error *err);
