/*
 * The system calls that are left to the fetch helper: reading, its own memory and threads, time, and
 * sockets as a client. All others fail with ENOSYS: none that makes a process, runs a program, sends a
 * signal, looks into another process, or writes, makes or removes a file.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/*
 * For good, for all threads to come; one thread now. local_sockets: stream sockets of AF_UNIX (name
 * look-up by nss-resolve or nscd), which only a helper with a user of its own may have: the
 * service manager of its caller's user would run what it is told there. file_root: openat2.
 */
int fetch_filter_load(bool local_sockets, bool file_root, struct error *err);
