/*
 * Which file of an older release a new file may resemble, by its path.
 */
#pragma once

#include "base/cleanup.h"
#include "release/index.h"

struct candidates;

/* Of the files of an older release, which are neither empty nor larger than max. index: sorted, borrowed. */
int candidates_new(const struct index *index, uint64_t max, struct candidates **ret_candidates,
		   struct error *err);
void candidates_free(struct candidates *candidates);
CLEANUP_DEFINE(struct candidates, candidates_free);

/* The file of the same path. NULL: none. */
const struct index_entry *candidates_same(const struct candidates *candidates,
					  const struct index_entry *wanted);

/*
 * The one whose path agrees most from the end on, the whole name at least, where each word with a digit in it (a version, a digest)
 * is as good as any other; then the one of the nearest size. NULL: none.
 */
const struct index_entry *candidates_alike(const struct candidates *candidates,
					   const struct index_entry *entry);
