/*
 * Processes that hold a switch off: each has a shared flock(2) on a directory, which anybody who may read it can take, and which
 * goes with the process. Who they are is asked of the kernel; nothing that they have written is believed.
 */
#pragma once

#include "unit/unit.h"

#define INHIBITOR_MAX 8

struct inhibitor {
	pid_t pid;
	char why[128]; /* the --why of its command line: printable, cut; may be empty */
};

struct inhibitors {
	struct inhibitor list[INHIBITOR_MAX];
	size_t n;
};

/* Takes the lock and keeps it until *ret_fd is closed. Somebody who has it for himself is waited for, a second at most. */
int inhibitor_hold(const char *path, int *ret_fd, struct error *err);

/*
 * Those that count: of root, of the unit's User=, of who runs this process, or in the unit's cgroup. dirfd is the directory.
 */
int inhibitor_find(const struct unit *unit, int dirfd, struct inhibitors *ret_inhibitors,
		   struct error *err);

/* "4711 (nightly batch), 4712"; "" if there is none. Returns ret_text. */
char *inhibitor_describe(const struct inhibitors *inhibitors, char *ret_text, size_t room);
