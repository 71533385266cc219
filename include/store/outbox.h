/*
 * Alerts that are not delivered yet: a preallocated file of OUTBOX_PLACES places, each two blocks
 * (store/block.h) of 2 KiB; the magic is "flipslot-outbox", the payload is fields (store/fields.h).
 *
 * Of a place the whole block with the higher sequence counts, and writing goes to the other one, so that
 * a torn write leaves what was there. What was delivered stays until its place is needed: an alert that is
 * appended again is known. Writers hold the lock `outbox.lock`, for one write at a time.
 */
#pragma once

#include "store/state.h"

#define OUTBOX_BLOCK	    2048
#define OUTBOX_PLACES	    64
#define OUTBOX_FILE_SIZE    (2 * OUTBOX_BLOCK * OUTBOX_PLACES)
#define OUTBOX_RECEIVER_MAX 32 /* bytes with the final NUL */
#define OUTBOX_ERROR_MAX    200

struct outbox_entry {
	uint64_t number; /* set by outbox_append: who came first */
	char id[STATE_ID_MAX]; /* of what happened; the same at each retry and for each receiver */
	char receiver[OUTBOX_RECEIVER_MAX];
	uint64_t created; /* realtime */
	unsigned int attempts;
	uint64_t next; /* realtime: not before; 0: at once */
	uint64_t delivered; /* realtime; 0: not yet */
	/* alerts of the receiver that were dropped undelivered since the last that it got; set by append */
	unsigned int dropped;
	bool damaged; /* a slot is not what was installed: neither is there an outcome */
	bool late; /* the unit failed when nothing was under way: there is no outcome */
	char transaction[STATE_ID_MAX]; /* empty: none */
	enum verb verb;
	enum outcome outcome;
	enum fault fault;
	char from_version[STATE_VERSION_MAX];
	char to_version[STATE_VERSION_MAX];
	char reason[STATE_REASON_MAX];
	char error[OUTBOX_ERROR_MAX]; /* why the last attempt failed */
};

/*
 * Appends durably, unless the receiver has (or had) an alert with that id. The place is one that is empty
 * or delivered; without any the oldest alert of the receiver goes, or else the oldest of all, and
 * `dropped` of the new one counts it. Strings are cut to fit. No such file (an app that was set up by an
 * older flipslot): FAULT_CONFIG. > 0: OUTBOX_DROPPED, it is there, and one that was not delivered is gone.
 */
enum { OUTBOX_DROPPED = 1 };
int outbox_append(int dirfd, const struct outbox_entry *entry, struct error *err);

/* Overwrites the one with that number. > 0: OUTBOX_GONE, it was dropped meanwhile. */
enum { OUTBOX_GONE = 1 };
int outbox_update(int dirfd, const struct outbox_entry *entry, struct error *err);

/* Those not delivered, oldest first; *ret_entries is malloc'ed. No such file: none. */
int outbox_load(int dirfd, struct outbox_entry **ret_entries, size_t *ret_n, struct error *err);
