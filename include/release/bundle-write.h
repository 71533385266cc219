/*
 * Writing the head of a bundle without a base (release/bundle.h), for who publishes.
 */
#pragma once

#include "release/bundle.h"

/*
 * *ret_head is malloc'ed. blocks in the order in which they will follow; their offsets are not looked at. level: of zstd. The
 * bytes are a function of the arguments. What bundle_decode would not take is FAULT_INTERNAL.
 */
int bundle_write_head(struct index *index, const struct bundle_block *blocks, size_t n_blocks,
		      int level, void **ret_head, size_t *ret_size, struct error *err);
