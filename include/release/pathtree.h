/*
 * Entries by path in whatever order they come, found in logarithmic time whatever names an enemy chose: a treap, whose priorities nobody knows.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "release/index.h"

#define PATHTREE_MAX UINT32_MAX /* entries, and one less */

struct pathtree {
	struct pathtree_node *nodes; /* by number, in the order in which they came */
	uint32_t count, room;
	uint32_t root;
	uint64_t seed;
};

int pathtree_init(struct pathtree *tree, struct error *err);
void pathtree_done(struct pathtree *tree);

/* Adds an entry, borrowed, of a path that is not there. False: no memory. */
bool pathtree_put(struct pathtree *tree, struct index_entry *entry);

/* NULL: there is none. */
struct index_entry *pathtree_find(const struct pathtree *tree, const char *path);

/* All of them in order of path, into an array that has room for them. */
void pathtree_list(const struct pathtree *tree, struct index_entry **ret_entries);
