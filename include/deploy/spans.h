/*
 * Which ranges of a bundle to ask for: those with wanted blocks, joined over gaps that cost less than a request.
 */
#pragma once

#include "release/bundle.h"

#define SPAN_GAP \
	(16U * 1024) /* bytes that are fetched in vain rather than making one more request */

struct span {
	size_t begin, end; /* blocks of the bundle, by number; both ends are wanted ones */
	uint64_t offset, length; /* in the blob */
};

struct spans {
	struct span *spans; /* in the order of the blob */
	size_t n_spans;
	bool *wanted; /* of each block of the bundle */
	uint64_t bytes; /* of all spans */
	uint64_t n_wanted;
};

/* wants: is that block wanted? */
int spans_make(const struct bundle *bundle,
	       bool (*wants)(void *data, const struct bundle_block *block), void *data,
	       struct spans *ret_spans, struct error *err);
void spans_done(struct spans *spans);
#define _cleanup_spans_ _cleanup_(spans_done)
