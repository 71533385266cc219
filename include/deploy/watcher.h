/*
 * What a person sees of a staging that is under way, and whom it listens to meanwhile.
 */
#pragma once

#include "deploy/session.h"

struct watcher {
	struct session *session;
	enum stage_step step; /* the last one that was heard of */
	bool aloof; /* answers no requests: nothing is under way */
	bool touched; /* the slot may not be what it was any more */
	uint64_t looked; /* monotonic, for requests */
	bool got_on; /* since this start of the worker */

	/* deploy/allowance */
	uint64_t fetched, requests; /* so far */
	uint64_t unsettled; /* bytes that are not counted on disk yet */
	uint64_t settled; /* monotonic, when they were last */
	bool exhausted; /* MaxBytesPerDay= is used up: the transaction waits */
};

/* For stage_listener: tells, several times a second. -ECANCELED: a request or a stop wants it to end. */
int watcher_progress(void *data, enum stage_step step, uint64_t done, uint64_t total,
		     struct error *err);

/* Something was verified and is kept: this start of the worker was not in vain, whatever happens next. */
int watcher_got_on(struct watcher *watcher, struct error *err);
