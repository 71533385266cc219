/*
 * Contents as blocks: encoded once each, side by side on all cores, kept in a file until no bundle needs them any more. What
 * comes out is a function of the contents and the level, not of the threads.
 *
 * Memory: for old files that are compared against (publish/suffix.h) SPOOL_MEMORY_MAX together, or what one alone needs; for each
 * thread one below 4 MiB more, and the blocks under way.
 */
#pragma once

#include "publish/progress.h"
#include "publish/stock.h"
#include "release/bundle.h"

#define SPOOL_MEMORY_MAX ((size_t)384 * 1024 * 1024)

struct spool_options {
	int level; /* of zstd */
	unsigned int threads;
	size_t memory; /* instead of SPOOL_MEMORY_MAX; 0: that */
	struct progress progress; /* bytes of contents, of those that are to be encoded now */
};

struct spool_block {
	enum block_kind kind;
	uint32_t length;
	uint64_t offset; /* in the spool */
	struct bundle_short packed, raw;
};

struct spool_content {
	struct spool_block *blocks;
	size_t n_blocks;
	uint64_t length; /* of all of them */
};

struct spool;

/* fd: an empty file, open for both, copied. */
int spool_new(int fd, const struct spool_options *options, struct spool **ret_spool,
	      struct error *err);
void spool_free(struct spool *spool);
CLEANUP_DEFINE(struct spool, spool_free);

unsigned int spool_threads(const struct spool *spool); /* as in the options */
const struct progress *spool_progress(const struct spool *spool); /* likewise */

/* A file, and the one that it is compared against: old and base NULL: none. The stocks must last for spool_run. */
struct spool_wish {
	const struct stock *fresh;
	const struct index_entry *entry;
	const struct stock *old;
	const struct index_entry *base;
};

/* *ret_content is the spool's, complete when spool_run returns. One that is known already costs nothing. */
int spool_want(struct spool *spool, const struct spool_wish *wish,
	       const struct spool_content **ret_content, struct error *err);

int spool_run(struct spool *spool, struct error *err);

/* The bytes of a block, block->length of them. */
int spool_read(const struct spool *spool, const struct spool_block *block, void *bytes,
	       struct error *err);
