/*
 * Getting the full blob of an offer onto the disk: every piece is verified before it is written, what an earlier try
 * left is verified and kept. The file lies in the app's `staging` directory and in the way of nothing.
 */
#pragma once

#include "deploy/watcher.h"
#include "release/offer.h"

struct blob_listener {
	/* Bytes done of all; < 0 stops with that code. Called several times a second. */
	int (*progress)(void *data, uint64_t done, uint64_t total, struct error *err);
	/* So many bytes from the beginning of fd are verified now, whole pieces or all. May be NULL. */
	int (*verified)(void *data, int fd, uint64_t bytes, struct error *err);
	void *data;
};

/*
 * *ret_fd is open for reading at its beginning. FAULT_NO_SPACE before the first byte if the blob and what it unpacks
 * to do not fit beside the reserve; FAULT_UNTRUSTED: a piece is not what was promised; FAULT_NETWORK; -EDQUOT: the
 * day's bytes are used up.
 */
int blob_get(struct watcher *watcher, const struct offer *offer, enum slot target,
	     const struct blob_listener *listener, int *ret_fd, struct error *err);

/* Removes what blob_get left; fine if there is nothing. */
int blob_drop(struct session *session, struct error *err);

/* Bytes that are there already, as far as their number says it. */
uint64_t blob_count_kept(const struct session *session, const struct offer *offer);
