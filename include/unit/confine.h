/*
 * A process gives away what it could do harm with, once and for all: limits, then who it is.
 * unit/filter comes after that.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* No files written, no core, at most so many descriptors and (0: any) bytes of address space. */
int confine_limits(unsigned int descriptors, uint64_t address_space, struct error *err);

/* Does the user database have this name (or number)? */
bool confine_user_exists(const char *user);

/*
 * Becomes a user (name or number; "" and "root": root stays root) and loses all capabilities, for good.
 * group "": the user's own. The other groups are those of `also` (NULL-terminated) that exist, or with NULL
 * all of the user's. Where the process is not root, it stays who it is.
 */
int confine_become(const char *user, const char *group, const char *const *also, struct error *err);
