/*
 * What a person sees of a staging that is under way, and whom it listens to meanwhile.
 */
#pragma once

#include "deploy/session.h"

struct watcher {
	struct session *session;
	enum stage_step step; /* the last one that was heard of */
	bool touched; /* the slot may not be what it was any more */
	uint64_t looked; /* monotonic, for requests */
};

/* For stage_listener: tells, several times a second. -ECANCELED: a request or a stop wants it to end. */
int watcher_progress(void *data, enum stage_step step, uint64_t done, uint64_t total,
		     struct error *err);
