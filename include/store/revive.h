/*
 * Files of an app's directory that were there once: `flipslot init` makes them, and nothing of ours removes one. A service that owns its own slots
 * (--user), or somebody's hand, may. What was in them is gone; what else is on the disk says what must be known (deploy/remember.h).
 */
#pragma once

#include "base/error.h"

/*
 * The error for a file that is not there. FAULT_CONFIG: neither is slots/, so the app was never set up. FAULT_CORRUPT: it was
 * removed, and the next worker makes it anew. Returns as error_set.
 */
int revive_complain(int dirfd, const char *name, struct error *err);

/* Makes the file of the lock anew if it was removed. Others may do the same at the same time. */
int revive_lock(int dirfd, struct error *err);

/*
 * Makes anew the files that were removed (empty, as init does), and the records that have another size than theirs; history and outbox of another size are left
 * for a person to look at. Only for the holder of the lock.
 */
int revive_files(int dirfd, struct error *err);
