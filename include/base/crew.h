/*
 * Work on many things with two hands: the caller's thread and one more. If no thread is to be had, the
 * caller does it alone.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"

#define CREW_HANDS 2

struct crew;

struct crew_job {
	size_t count;
	/*
	 * Does the i-th thing; hand says which hand's tools to take, 0 is the caller's thread. < 0 ends the
	 * job: things that were begun are still done, then the failure of the lowest hand is the job's.
	 */
	int (*work)(void *data, unsigned int hand, size_t i, struct error *err);
	void *data;
	/*
	 * The caller's hand goes from the first thing on, the other one from the last back: for files in the order of a tree, lest
	 * both hands wait for each other at the lock of one directory, and each walks to all of them.
	 */
	bool from_both_ends;
};

int crew_run(const struct crew_job *job, struct error *err);

/*
 * The same, with a caller that has something else to do, too: the other hand begins at once, and the caller's hand does one
 * thing with each step. > 0: CREW_DONE, all is done. After a failure, and before the end, only crew_free may follow, which
 * waits for what the other hand has begun.
 */
enum { CREW_DONE = 1 };
int crew_new(const struct crew_job *job, struct crew **ret_crew, struct error *err);
int crew_step(struct crew *crew, struct error *err);
void crew_free(struct crew *crew);
CLEANUP_DEFINE(struct crew, crew_free);
