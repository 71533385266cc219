/*
 * The head of a bundle: fetched, verified by the offer, and kept in `staging/`, so that a second try does not fetch it again.
 */
#pragma once

#include "deploy/watcher.h"
#include "release/offer.h"
#include "transfer/download.h"

struct head {
	void *bytes; /* verified */
	size_t size;
	bool found; /* in staging/: nothing was fetched */
	struct download *
		rest; /* gives the bytes of the blob behind the head; NULL: it was not asked for more than the head */
	bool resumed; /* it, or its front, was in staging/ */
};

void head_done(struct head *head);
#define _cleanup_head_ _cleanup_(head_done)

struct head_options {
	struct watcher *watcher;
	struct fetcher *fetcher; /* outlives the head */
	const struct offer_bundle *bundle;
	const char *url; /* of the blob */
	bool update; /* it starts from the release that runs: it is kept apart from the one that starts from none */
	bool whole; /* ask for the whole blob, and leave the rest to be read: no range is needed */
	bool fresh; /* even if it is in staging/: the rest is needed */
	bool keep; /* in staging/ */
	uint64_t room; /* bytes that it may take there: one that is larger is not asked for */
};

/*
 * Without whole, > 0: HEAD_NO_RANGE, the server gives no ranges. > 0: HEAD_ABSENT, it lacks the blob. FAULT_UNTRUSTED: it is not what
 * the offer promises. -EDQUOT: the day's bytes are used up. > 0: HEAD_NO_ROOM.
 */
enum { HEAD_ABSENT = 1, HEAD_NO_RANGE, HEAD_NO_ROOM };
int head_get(const struct head_options *options, struct head *ret_head, struct error *err);

/* Of an outcome > 0, why there is none. */
const char *head_why_none(int outcome);

/* Removes what was kept; fine if there is nothing. Durable with the next sync of staging/, as by blob_drop. */
int head_drop(struct session *session, struct error *err);
