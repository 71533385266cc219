/*
 * Is each slot still what its seal says, byte by byte? What was found last stands in the record `scrub` (store/scrubbed.h), from
 * where deploy/mend.h takes it: told, alerted, repaired.
 *
 * Who reads the slots in the background does not hold the app's lock for that, so that nobody waits for it: it stops as soon as a
 * transaction is under way, and what it has read of a slot counts only if that slot has the same seal before and after.
 */
#pragma once

#include "deploy/options.h"
#include "release/descriptor.h"
#include "store/scrubbed.h"

struct soundness_listener {
	/* Each difference, as it is found. May be NULL. */
	void (*finding)(void *data, enum slot slot, const char *path, const char *what);
	/* Bytes read of bytes in all of this slot; < 0 stops with that code. May be NULL. */
	pieces_progress progress;
	void *data;
};

/*
 * Reads a slot. A seal that is damaged is a difference, and what the disk cannot read too. *ret_found keeps of what it was only
 * when the slot was mended. > 0: SEAL_ABSENT.
 */
int soundness_look(int dirfd, enum slot slot, const struct soundness_listener *listener,
		   struct scrubbed_slot *ret_found, struct error *err);

/* Keeps what was found of one slot, unless somebody else reads the slots at the moment. */
void soundness_keep(int dirfd, enum slot slot, const struct scrubbed_slot *found);

/*
 * Reads all that is of use (what is current, known good, or to be gone back to), and keeps what was found. *ret_damaged: something
 * is. > 0: SOUNDNESS_BUSY, a transaction is under way or came between, or another process reads; nothing was kept.
 */
enum { SOUNDNESS_BUSY = 1 };
int soundness_scrub(int dirfd, const struct soundness_listener *listener, bool *ret_damaged,
		    struct error *err);

/* Has a worker told of all that was found, or mended it? */
bool soundness_is_told(int dirfd);

/* Is it time to read them again? period 0: never. A last time in the future was a wrong clock's. */
bool soundness_is_due(int dirfd, uint64_t period_usec);

/* Was the slot built, or read and found whole, within that time? */
bool soundness_is_fresh(int dirfd, enum slot slot, uint64_t period_usec);

/* What was found last of what is in the slot now. > 0: SOUNDNESS_UNKNOWN. */
enum { SOUNDNESS_UNKNOWN = 1 };
int soundness_find(int dirfd, enum slot slot, struct scrubbed_slot *ret_found);

/* Starts flipslot-scrub@APP.service, and does not wait for it. */
int soundness_wake(struct manager *manager, const char *app, struct error *err);
