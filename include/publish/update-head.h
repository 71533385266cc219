/*
 * Writing the head of a bundle with a base (release/bundle.h): the smallest of its forms.
 */
#pragma once

#include "publish/marks.h"
#include "publish/stock.h"

struct update_head {
	const struct stock *fresh, *old;
	const struct marks_solid *solids; /* as in publish/marks.h; each of a file of its own */
	size_t n_solids;
	const struct bundle_block
		*blocks; /* in the order of the table; with bytes where is_inlined */
	size_t n_blocks;
	bool is_long; /* the solids come block by block; there is one at least */
	bool is_wide; /* old files that the new tree lacks are listed, too, as many as may be */
	int level; /* of zstd */
	unsigned int threads;
};

/* *ret_head is malloc'ed; a function of the arguments. It is not read back. */
int update_head_write(const struct update_head *what, void **ret_head, size_t *ret_size,
		      struct error *err);
