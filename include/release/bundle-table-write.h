/*
 * Writing the table of a bundle (release/bundle.h), for who publishes.
 */
#pragma once

#include "base/text.h"
#include "release/bundle.h"

/* Appends the line of the block. index: of the new release. */
void bundle_table_write_line(struct text *text, const struct index *index,
			     const struct bundle_block *block);
