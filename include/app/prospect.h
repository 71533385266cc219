/*
 * What the source offers, and how it would come: asked now, by the code that updates; nothing is changed but what is known of the source.
 */
#pragma once

#include "deploy/assess.h"
#include "deploy/source.h"

/* What is planned, and how far that got. */
struct prospect {
	const char *app;
	struct session session;
	struct watcher watcher;
	struct source_release release;
	struct assessment assessment;
	struct way_answer answer;
	bool decided;
	char data[300]; /* what is kept aside of it; empty: nothing */
	bool one_way; /* its data could not be taken back */
	struct error why; /* not decided: why */
};

#define PROSPECT_SESSION                                                     \
	{                                                                    \
		.dirfd = -1, .lock_fd = -1, .request_fd = -1, .wake_fd = -1, \
	}

/*
 * prospect->app and session = PROSPECT_SESSION are set, the rest is zero. 0: what is offered is in release. > 0: SOURCE_NONE. FAULT_BUSY: a worker has
 * the app.
 */
int prospect_ask(struct prospect *prospect, const struct deploy_options *options,
		 const struct event_listener *listener, struct error *err);

/* After prospect_ask has found an offer: what each way to it costs is in assessment, and whether one can be gone in decided. */
int prospect_assess(struct prospect *prospect, struct error *err);
void prospect_done(struct prospect *prospect);
