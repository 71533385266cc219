/*
 * Writing a tree below a directory: an archive_sink that trusts no name (openat2 beneath, no symlinks),
 * opens no existing file for writing, and keeps the digest of what it wrote in an index.
 *
 * Modes are exact whatever the umask is; holes stay holes. Nothing is synced.
 */
#pragma once

#include "release/sink.h"

struct tree;

/* dirfd (borrowed) is an empty directory. */
int tree_new(int dirfd, struct tree **ret_tree, struct error *err);
void tree_free(struct tree *tree);
CLEANUP_DEFINE(struct tree, tree_free);

extern const struct archive_sink tree_sink; /* its data is the struct tree */

/* Sets the times of directories, checks the index as a whole; *ret_index is the caller's. */
int tree_finish(struct tree *tree, struct index **ret_index, struct error *err);
