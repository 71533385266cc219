/*
 * Where each file of a new release has its content from, as the index of a bundle with a base says it (release/outline.h).
 */
#pragma once

#include "release/bundle.h"
#include "release/outline.h"

/* A file that is packed together with others in the head. */
struct marks_solid {
	uint32_t entry; /* of the new index */
	uint32_t base; /* of the old index; BUNDLE_NO_BASE: none */
};

struct marks_request {
	const struct index *fresh, *old; /* sorted */
	const struct marks_solid *solids; /* by rising entry */
	size_t n_solids;
	const struct bundle_block *blocks; /* of all other contents that the old index lacks */
	size_t n_blocks;
	uint64_t room; /* bytes of files to be listed, to be filled with those that the new tree lacks; 0: bases of solids only */
	size_t align; /* that each of them is taken for a multiple of */
};

/* *ret_marks (malloc'ed) has one for each entry, as does *ret_listed for each of the old index: is it listed? */
int marks_make(const struct marks_request *request, struct outline_mark **ret_marks,
	       bool **ret_listed, struct error *err);
