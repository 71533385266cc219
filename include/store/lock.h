/*
 * The lock of an app: flock on its `lock` file (mode 0600). Held by the one process that may change
 * the app's directory; the kernel drops it when that process dies.
 */
#pragma once

#include "base/error.h"

/* Takes the lock: *ret_fd holds it; closing gives it back. > 0: LOCK_TAKEN, by somebody else. */
enum { LOCK_TAKEN = 1 };
int lock_take(int dirfd, const char *name, int *ret_fd, struct error *err);

/* The same, waiting at most timeout_usec (polled every 20 ms). */
int lock_wait(int dirfd, const char *name, unsigned long long timeout_usec, int *ret_fd,
	      struct error *err);
