/*
 * The contents of a tree: each of its files' once, whatever the number of names, by digest.
 */
#pragma once

#include "release/index.h"

struct content {
	struct digest digest;
	uint32_t entry; /* of the index: the first file that has it */
};

struct contents {
	struct content *items; /* in the order of the digests */
	size_t n;
};

void contents_done(struct contents *contents);
#define _cleanup_contents_ _cleanup_(contents_done)

/* index sorted. Empty files have none. */
int contents_list(const struct index *index, struct contents *ret_contents, struct error *err);

/* NULL: not in it. */
const struct content *contents_look_up(const struct contents *contents,
				       const struct digest *digest);
