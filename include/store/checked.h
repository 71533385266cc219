/*
 * What the last look at the source found: a record file of its own (`checked`, store/record.h), so that a check
 * never writes the state of a transaction. Written by the worker, read by everybody.
 */
#pragma once

#include "store/state.h"

struct checked {
	char id[STATE_ID_MAX]; /* of the request that asked; empty: the timer */
	uint64_t when; /* realtime of the last look; 0: never */
	uint64_t verified; /* realtime of the last one whose metadata was verified: time has reached it */
	uint64_t expires; /* realtime, when the first of the roles ends that were verified then; 0: not known */
	enum fault fault; /* of the last look; FAULT_NONE: it was verified */
	char text[STATE_REASON_MAX]; /* why not, or what should be known all the same */
	struct state_release offer; /* the newest release offered; null digest: none */
	uint64_t min_sequence; /* what is below may not run any more */
	bool news; /* the offer is not what is known good */
	uint64_t day; /* since 1970, by the machine's time zone: the last one on which a release was fetched */
	uint64_t day_bytes; /* that were fetched on it */
};

/* A file that was never written, or is not there yet, gives zeroes. */
int checked_load(int dirfd, struct checked *ret_checked, struct error *err);
int checked_store(int dirfd, const struct checked *checked, struct error *err);
