/*
 * Reading the table of a bundle (release/bundle.h).
 */
#pragma once

#include "release/bundle.h"

/*
 * Fills the blocks of a bundle whose index and lengths are set, from the lines of its table. base: the old index; NULL: the bundle has
 * none. What does not fit is FAULT_CORRUPT.
 */
int bundle_table_read(struct bundle *bundle, const struct index *base, const char *text,
		      size_t size, struct error *err);

/* All blocks of a file whose bytes came with the head: they must last. */
int bundle_table_add_bytes(struct bundle *bundle, uint32_t entry, const uint8_t *bytes,
			   struct error *err);

/*
 * The digests of all files whose blocks were added by that, from the block `first` on, into the index. Of each block for itself none is made: whoever
 * asks what it is has its bytes.
 */
int bundle_table_digest(struct bundle *bundle, size_t first, struct error *err);

/* Once the index has all digests: no content has blocks twice, but for those that were added by themselves. */
int bundle_table_check(const struct bundle *bundle, struct error *err);
