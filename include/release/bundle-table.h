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
