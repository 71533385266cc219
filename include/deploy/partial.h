/*
 * The front of a block, or of a head (deploy/head.h), that was still on its way when the worker ended: one file in staging/ for each stream, so that on a slow line
 * not even that is fetched twice. Nothing of it is believed: the whole block is verified when it is complete. All of it is a
 * favour; where it fails the block is fetched from its beginning.
 *
 *     16 bytes           the block's name: bundle.h's `packed`
 *     fewer than length  its first bytes as they travel
 */
#pragma once

#include "release/bundle.h"
#include "transfer/fetcher.h"

#define PARTIAL_MAX	    FETCHER_FETCHES_MAX
#define PARTIAL_PERIOD_USEC (50 * USEC_PER_MSEC) /* what is here in less than that is not saved */

struct partial {
	int fd; /* -1: no file yet */
	unsigned int number; /* of the file */
	struct bundle_short name;
	size_t size; /* bytes of the block that are there */
	const struct bundle_block *block; /* that is on its way now */
	uint64_t saved; /* monotonic usec: it, or the beginning of that block */
};

/* What an earlier run left; partial_done closes. dirfd is the app's directory. */
void partial_load(int dirfd, struct partial partials[static PARTIAL_MAX]);
void partial_done(struct partial partials[static PARTIAL_MAX]);

/* How much there is of the block: some bytes, not all. The file becomes partials[i]. */
size_t partial_find(struct partial partials[static PARTIAL_MAX], size_t i,
		    const struct bundle_block *block);

/* The first n bytes, as partial_find promised them. */
bool partial_read(const struct partial *partial, void *bytes, size_t n);

/* So many bytes of the block have come; `last`: and no more do. True: they were saved. */
bool partial_save(int dirfd, struct partial *partial, const struct bundle_block *block,
		  const void *bytes, size_t n, bool last);

/* The block is kept elsewhere: the disk has it once. */
void partial_clear(struct partial *partial, const struct bundle_block *block);

int partial_drop(int dirfd, struct error *err);
