/*
 * The flip itself: `current` and the unit go to the other slot, in the order of SwitchMode=.
 */
#pragma once

#include "deploy/session.h"
#include "unit/job.h"

/* Makes `current` name the slot and (re)starts the unit, to the job's result. Returns as switching_job. */
int flip_to(struct session *session, enum slot slot, enum job_result *ret_result,
	    struct error *err);
