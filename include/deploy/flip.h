/*
 * The flip itself: `current` and the unit go to the other slot, in the order of SwitchMode=.
 */
#pragma once

#include "deploy/session.h"
#include "unit/job.h"

/*
 * What an earlier failure left that would stand in the way of a start of that unit. Before the job: else the start
 * limit may refuse it; after it NRestarts would be lost. > 0: as switching_job.
 */
int flip_clear_the_way(struct session *session, const char *name, struct error *err);

/* One job of the unit to its result; again if it was pushed out of the queue. Returns as switching_job. */
int flip_job(struct session *session, const char *unit, enum job_type type,
	     enum job_result *ret_result, struct error *err);

/* Makes `current` name the slot and (re)starts the unit, to the job's result. Returns as switching_job. */
int flip_to(struct session *session, enum slot slot, enum job_result *ret_result,
	    struct error *err);
