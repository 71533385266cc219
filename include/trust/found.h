/*
 * A target file that a search has found: what the metadata says of it, and where it is served.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "trust/hashes.h"
#include "trust/targets.h"

struct found {
	char *path;
	char *role; /* who says so */
	char *file; /* its name below where targets are served (trust/filename.h) */
	uint64_t length; /* bytes, exactly */
	struct hashes hashes; /* at least one is known; trust/hashes.h checks them */
	char *custom; /* JSON of "custom", or NULL */
};

/*
 * Consistent snapshots (6.2): its hash stands in the file's name. No hash that is known:
 * FAULT_UNTRUSTED; a path that cannot be fetched: FAULT_CORRUPT.
 */
int found_new(const char *path, const char *role, const struct targets_file *file, bool consistent,
	      struct found **ret_found, struct error *err);
int found_copy(const struct found *found, struct found **ret_found, struct error *err);
void found_free(struct found *found);
CLEANUP_DEFINE(struct found, found_free);
