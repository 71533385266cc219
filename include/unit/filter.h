/*
 * The last gift of a helper: from here on it can only read, wait and talk (seccomp(2)).
 */
#pragma once

#include "base/error.h"

/* What a process can open after that, beside files to read. */
enum filter_sockets {
	FILTER_NO_SOCKETS,
	FILTER_UNIX, /* unix sockets */
	FILTER_NETWORK, /* and IPv4, IPv6, and netlink as the resolver needs it */
};

/*
 * From here on nothing can be executed, signalled, mounted, traced or opened for writing; trying the worst of it kills. A system call that is not known fails with ENOSYS, so
 * that a newer C library falls back to an older one. The process dies with its parent. A kernel without such
 * filters goes without.
 */
int filter_install(enum filter_sockets sockets, struct error *err);
