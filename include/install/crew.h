/*
 * Work on many things with two hands: the caller's thread and one more. If no thread is to be had, the
 * caller does it alone.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"

#define CREW_HANDS 2

struct crew_job {
	size_t count;
	/*
	 * Does the i-th thing; hand says which hand's tools to take, 0 is the caller's thread. < 0 ends the
	 * job: things that were begun are still done, then the failure of the lowest hand is the job's.
	 */
	int (*work)(void *data, unsigned int hand, size_t i, struct error *err);
	void *data;
};

int crew_run(const struct crew_job *job, struct error *err);
