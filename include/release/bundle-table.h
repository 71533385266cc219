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

int bundle_table_add(struct bundle *bundle, const struct bundle_block *block, struct error *err);

/* Once the index has all digests: no content has blocks twice, but for those that were added by themselves. */
int bundle_table_check(const struct bundle *bundle, struct error *err);
