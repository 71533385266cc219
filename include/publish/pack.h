/*
 * Packing a tree: a solid .tar.zst that tar can open, and the figures of it that an offer needs.
 *
 * The tree passes the rules and the policy of release/intake.h and release/treecheck.h, and the archive is read
 * back as a device reads it: what packs also installs, as the release that its index names.
 *
 * The bytes are a function of the index and of the level, of nothing else: the names of each directory in
 * bytewise order, the policy's modes, owner root (0:0), whole seconds of time; directories and links, whose
 * times are not in the index, have that of the latest file. A file with several names is stored once. Holes are
 * stored as zeroes, which compress to next to nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/error.h"
#include "publish/progress.h"
#include "release/index.h"

#define PACK_MTIME_KEEP (-1)
#define PACK_FILES_MAX	4000000 /* entries */

struct pack_options {
	int level; /* 1 to OUTPUT_LEVEL_MAX */
	unsigned int threads;
	int64_t mtime; /* of all files, seconds since 1970; PACK_MTIME_KEEP: their own */
	int64_t latest; /* younger ones are given this time (SOURCE_DATE_EPOCH); PACK_MTIME_KEEP: none */
	bool allow_setuid; /* also setgid and file capabilities; the device must allow it too */
	struct progress progress; /* bytes of the tree, while the archive is made */
};

struct pack_result {
	struct index *tree; /* sorted */
	struct digest index; /* of the tree */
	uint64_t bytes, files; /* unpacked */
	struct digest digest; /* of the archive */
	uint64_t length;
	struct digest *pieces;
	size_t n_pieces;
};

void pack_result_done(struct pack_result *result);

/* dirfd is the tree, open for reading; out_fd an empty file, open for both. Nothing is synced. */
int pack_tree(int dirfd, const struct pack_options *options, int out_fd,
	      struct pack_result *ret_result, struct error *err);

/* Only the index that the tree would have, packed by these options: sorted, the caller's. */
int pack_measure(int dirfd, const struct pack_options *options, struct index **ret_index,
		 struct error *err);
