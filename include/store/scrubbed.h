/*
 * What the last reading of the slots found (`scrub`, store/record.h): a record file of its own, as it is not the holder of the
 * app's lock who reads them for hours. Written by whoever holds the lock `scrub.lock`, read by everybody.
 */
#pragma once

#include "store/state.h"

#define SCRUBBED_FIRST_MAX 160 /* bytes with the final NUL */

struct scrubbed_slot {
	struct digest
		digest; /* of the index that the slot was compared with; null: its seal is damaged */
	uint64_t installed; /* realtime, from its seal: the same release put there again is another one */
	uint64_t when; /* realtime of the reading; 0: never */
	uint64_t differences; /* 0: every byte is as it was sealed */
	char first[SCRUBBED_FIRST_MAX]; /* of them: "lib/x: content differs" */
	char id[STATE_ID_MAX]; /* of what was found, for alerts; empty: nothing */
	bool told; /* it was told, and alerted */
	uint64_t tried; /* realtime, when its repair was tried last; 0: not yet */
	char text[STATE_REASON_MAX]; /* why it could not be repaired */
	uint64_t mended; /* realtime; 0: never */
};

struct scrubbed {
	uint64_t when; /* realtime, when all that is of use was read last; 0: never */
	struct scrubbed_slot slots[SLOT_MAX];
};

/* A file that was never written, is damaged, or is not there yet, gives zeroes: the slots are read again. */
int scrubbed_load(int dirfd, struct scrubbed *ret_scrubbed, struct error *err);

/* Makes the file of an app that has none yet. */
int scrubbed_store(int dirfd, const struct scrubbed *scrubbed, struct error *err);

/*
 * Only one process reads slots, or repairs one, at a time. > 0: SCRUBBED_BUSY, another one does. Closing the descriptor gives
 * the lock back.
 */
enum { SCRUBBED_BUSY = 1 };
int scrubbed_lock(int dirfd, int *ret_fd, struct error *err);
