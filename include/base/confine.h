/*
 * A process gives away what it could do harm with, once and for all: limits, then who it is. What it may
 * ask the kernel for (seccomp, Landlock) is settled after that, by the layer that knows what it needs.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define CONFINE_NOBODY "65534"

/* No file written, no core; a limit that is lower already stays. */
struct confine_limits {
	unsigned int descriptors;
	unsigned int processes; /* all of that user, threads too; 0: any number */
	uint64_t address_space; /* bytes; 0: any */
	uint64_t data; /* bytes of its own that it may write: memory that it can take; 0: any */
};

int confine_limits(const struct confine_limits *limits, struct error *err);

/* When memory is short, the kernel ends this process first, however its parent is protected. As far as it can be said. */
void confine_go_first(void);

/* The user (name or number) if the user database has it and it is not root, else CONFINE_NOBODY. */
const char *confine_user_or_nobody(const char *user);

/*
 * Becomes a user (name or number; "" and "root": root stays root) and loses all capabilities, for good.
 * group "": the user's own. The other groups are those of `also` (NULL-terminated) that exist, or with NULL
 * all of the user's. Where the process is not root, it stays who it is.
 */
int confine_become(const char *user, const char *group, const char *const *also, struct error *err);
