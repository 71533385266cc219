/*
 * Putting a release into the inactive slot: verify, scan, plan, clear, write, sync, seal.
 *
 *     verify, scan, plan   nothing is written at all; a failure leaves the slot as it was
 *     clear                the seal goes first; the slot has none from here to the end
 *     write, sync          a failure leaves a half-built tree without a seal, which the next staging
 *                          clears; only for lack of space is it cleared at once
 *     seal                 the release is staged
 */
#pragma once

#include "install/plan.h"
#include "install/seal.h"
#include "release/archive.h"

enum stage_step {
	STAGE_CLONE, /* taking files from the slot that runs (install/rebuild.h) */
	STAGE_FETCH, /* getting the archive from a server (deploy/source.h) */
	STAGE_VERIFY, /* reading the archive for its digest */
	STAGE_SCAN, /* reading it for its names and sizes */
	STAGE_WRITE, /* unpacking, or copying */
	STAGE_SYNC,
	STAGE_MAX,
};

const char *stage_step_name(enum stage_step step); /* "fetch", "verify", … */

struct stage_listener {
	/*
	 * done of total bytes in this step, at least at its beginning and its end; < 0 stops the
	 * staging with that code (cancelled). May be NULL.
	 */
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
 * From an archive (fd borrowed). descriptor comes in with app, version, sequence, origin and source
 * (the expected digest; null only with ORIGIN_TRUST_ME) and goes out complete, also as it is in the
 * seal. The slot must not be the one that `current` names.
 */
int stage_archive(int dirfd, enum slot slot, int archive_fd, const struct stage_options *options,
		  const struct stage_listener *listener, struct descriptor *descriptor,
		  struct error *err);

/*
 * From the archive of a published release that is still arriving (pieces_new_arriving, borrowed). descriptor comes in
 * with all that the metadata promises: index, bytes and files, too. The metadata vouches for the archive, so there is no
 * scan: once its first piece is there the slot is cleared, and written as it comes. What is refused after all
 * (FAULT_CORRUPT: a rule is broken, or it is another tree than promised) leaves a half-built tree without a seal.
 * Whether there is room is for the caller to ask before.
 */
int stage_arriving(int dirfd, enum slot slot, struct pieces *pieces,
		   const struct stage_options *options, const struct stage_listener *listener,
		   struct descriptor *descriptor, struct error *err);

/*
 * From a directory that exists: copied (reflinked where possible) with the same rules and policy.
 * source_fd must be open for reading. What changes while it is copied is FAULT_BUSY.
 */
int stage_directory(int dirfd, enum slot slot, int source_fd, const struct stage_options *options,
		    const struct stage_listener *listener, struct descriptor *descriptor,
		    struct error *err);
