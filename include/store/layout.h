/*
 * The directory of one app (slots-layout/README.md is the normative text): making it, finding out
 * what `current` names, flipping it.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "store/slot.h"

#define LAYOUT_STATE	   "state"
#define LAYOUT_REQUEST	   "request"
#define LAYOUT_HISTORY	   "history"
#define LAYOUT_CHECKED	   "checked"
#define LAYOUT_SCRUB	   "scrub"
#define LAYOUT_SCRUB_LOCK  "scrub.lock"
#define LAYOUT_OUTBOX	   "outbox"
#define LAYOUT_OUTBOX_LOCK "outbox.lock"
#define LAYOUT_TRUST	   "trust"
#define LAYOUT_LOCK	   "lock"
#define LAYOUT_CURRENT	   "current"
#define LAYOUT_PREVIOUS	   "previous"
#define LAYOUT_STAGING	   "staging"
#define LAYOUT_UNIT_BEFORE "unit.before"

/*
 * Makes what is missing of the layout in the directory dirfd: slots/, both slot directories, the
 * preallocated files, lock. Never touches `current`. Idempotent; a crash in it is mended by the
 * next call.
 */
int layout_create(int dirfd, struct error *err);

/* Makes only the files that are not there. */
int layout_create_missing(int dirfd, struct error *err);

/*
 * Removes temporary files that a killed process left, and makes a slot directory anew that was removed (its seal goes). Only for
 * the holder of the lock.
 */
int layout_tidy(int dirfd, struct error *err);

/*
 * Which slot `current` (or `previous`) resolves to, by device and inode of the directory, not by
 * the link's text. > 0: LAYOUT_ABSENT (no such link, or it dangles), *ret_slot is then SLOT_NONE. A
 * link that resolves to anything but one of the slots is FAULT_CORRUPT.
 */
enum { LAYOUT_ABSENT = 1 };
int layout_current(int dirfd, enum slot *ret_slot, struct error *err);
int layout_previous(int dirfd, enum slot *ret_slot, struct error *err);

/*
 * Makes `current` name `slot` (and `previous` the other one) durably. Does nothing but sync if it
 * does already. Uses the exchange where both links exist and the file system can: nothing is
 * allocated then. A link that leads elsewhere is replaced; FAULT_CORRUPT: `current` is no link.
 */
int layout_point_current(int dirfd, enum slot slot, struct error *err);

/* Removes `current` durably (only for a first install that failed). */
int layout_remove_current(int dirfd, struct error *err);

/* Opens the directory of a slot. */
int layout_open_slot(int dirfd, enum slot slot, int *ret_fd, struct error *err);

/*
 * Empties the slot directory (never the one that `current` resolves to: that is FAULT_INTERNAL),
 * its seal first and durably; the directory itself stays, with mode 0755 (sweep_directory).
 */
int layout_clear_slot(int dirfd, enum slot slot, struct error *err);
