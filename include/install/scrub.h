/*
 * Is the slot what its seal says? Reads every byte.
 */
#pragma once

#include "install/seal.h"
#include "release/pieces.h"

/* Called for each difference, in order of path: "content differs", "missing", "not in the seal", … */
typedef void (*scrub_finding)(void *data, const char *path, const char *what);

/*
 * *ret_differences: 0 is an intact slot. progress (may be NULL) counts bytes read of bytes in all.
 * > 0: SEAL_ABSENT.
 */
int scrub_slot(int dirfd, enum slot slot, scrub_finding finding, pieces_progress progress, void *data,
	       uint64_t *ret_differences, struct error *err);
