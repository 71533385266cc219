/*
 * What the head of a bundle with a base has of one sort when it is much: block by block (src/release/bundle-update.c draws it).
 */
#pragma once

#include "base/scratch.h"
#include "release/bundle.h"
#include "release/frame.h"
#include "release/patch.h"

#define BUNDLE_LONG_ALIGN    512U /* bytes: each file begins at a multiple; zeroes lie between */
#define BUNDLE_LONG_TEXT_MAX (64U * 1024 * 1024)

static inline uint64_t bundle_long_align(uint64_t size)
{
	return (size + BUNDLE_LONG_ALIGN - 1) / BUNDLE_LONG_ALIGN * BUNDLE_LONG_ALIGN;
}

struct bundle_long {
	struct scratch *scratch; /* what it is decoded against, and behind that what is decoded */
	size_t base, size; /* bytes of each */
};

void bundle_long_done(const struct bundle_long *all);

/*
 * The contents. What is listed is taken from the beginning of the text, and is *ret_listed then (release/listing.h); that is read, and what
 * was made against it is taken from *left, which moves on. > 0: BUNDLE_BASE_DIFFERS.
 */
int bundle_long_contents(struct bundle_long *all, const struct bundle_source *source,
			 struct frame *text, bool **ret_listed, struct patch_bytes *left,
			 struct error *err);

/* Takes all blocks from *left, which moves on. */
int bundle_long_take(struct bundle_long *all, struct patch_bytes *left, size_t max,
		     struct error *err);

uint8_t *bundle_long_bytes(const struct bundle_long *all); /* that were decoded */

/* The same of a text, all at once. *ret_text is malloc'ed. */
int bundle_long_text(const void *base, size_t base_size, struct patch_bytes *left, char **ret_text,
		     size_t *ret_size, struct error *err);
