/*
 * Looking at a repository as a device does: with the client of the layer trust, from a root on, and then at every
 * target, offer and blob that it leads to, to the last byte. Needs no key and no lock; nothing of it
 * is written.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "publish/audit-bundles.h"
#include "trust/root.h"

struct audit_result {
	uint64_t version[ROOT_ROLE_MAX];
	uint64_t expires[ROOT_ROLE_MAX]; /* realtime usec */
	uint64_t targets; /* files */
	uint64_t offers; /* of them */
	uint64_t bytes; /* of full archives that were read */
	struct audit_bundles_result bundles;
};

/* root: a file that a device has; NULL: metadata/1.root.json. now: realtime usec. */
int audit_run(int dirfd, const char *root, uint64_t now, struct audit_result *ret_result,
	      struct error *err);
