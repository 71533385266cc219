/*
 * Putting a release into the inactive slot: verify, scan, plan, clear, write, sync, seal. Up to the
 * clearing nothing is written at all; the slot has no seal from the clearing to the end.
 */
#pragma once

#include "install/plan.h"
#include "install/seal.h"
#include "release/archive.h"

enum stage_step {
	STAGE_VERIFY, /* reading the archive for its digest */
	STAGE_SCAN,   /* reading it for its names and sizes */
	STAGE_WRITE,  /* unpacking */
	STAGE_SYNC,
	STAGE_MAX,
};

const char *stage_step_name(enum stage_step step);

struct stage_listener {
	/* done of total bytes in this step; < 0 stops the staging with that code (cancelled). */
	int (*progress)(void *data, enum stage_step step, uint64_t done, uint64_t total,
			struct error *err);
	void *data;
};

struct stage_options {
	struct archive_options archive;
	uint64_t max_archive_bytes;
	uint64_t reserve_bytes;
};

/*
 * From an archive (fd borrowed). descriptor comes in with app, version, origin, source (the expected
 * digest; null only with ORIGIN_TRUST_ME) and goes out complete. The slot must not be the one that `current` names.
 */
int stage_archive(int dirfd, enum slot slot, int archive_fd, const struct stage_options *options,
		  const struct stage_listener *listener, struct descriptor *descriptor,
		  struct error *err);

/* From a directory that exists: copied (reflinked where possible) with the same rules and policy. */
int stage_directory(int dirfd, enum slot slot, int source_fd, const struct stage_options *options,
		    const struct stage_listener *listener, struct descriptor *descriptor,
		    struct error *err);
