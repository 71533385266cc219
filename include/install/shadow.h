/*
 * A copy of a service's data beside it, made by its owner: content (shared with the original where the file system can), owner, mode, time of
 * change, the user's extended attributes and ACLs. Follows no link, crosses no mount. Sockets are left out, what is hard-linked
 * becomes files of their own. What could not be put back as it was (devices, files of somebody else) is refused.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define SHADOW_DEPTH_MAX 64

struct shadow_figures {
	uint64_t bytes; /* of content, holes left out */
	uint64_t copied; /* of them not shared: what the disk must have */
	uint64_t entries;
};

struct shadow_limits {
	uint64_t max_copied; /* bytes */
	bool must_share; /* rather fail than copy */
};

/*
 * What is in the directory fd, and what a copy of it would take; `copied` is all or nothing, by a trial with an unnamed file. The limits are not
 * applied.
 */
int shadow_measure(int fd, struct shadow_figures *ret_figures, struct error *err);

/* Fills the empty directory to_fd. FAULT_NO_SPACE: more than max_copied would have to be copied. Nothing is synced. */
int shadow_copy(int from_fd, int to_fd, const struct shadow_limits *limits,
		struct shadow_figures *ret_figures, struct error *err);
