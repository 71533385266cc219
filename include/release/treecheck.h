/*
 * The rules for a tree as a whole: what no single entry shows.
 *
 *  - every parent is a directory of the tree (missing ones are added, with 0755); nothing lies below a
 *    file or a link;
 *  - a hard link names a file of the tree (which is then marked as linked); of all names of a file
 *    the least is the file's and the others are links to it (they are exchanged if need be);
 *  - no symlink leaves the tree, resolved part by part through the tree's own links as the kernel
 *    would, at most 40 hops; one that dangles inside the tree is fine.
 */
#pragma once

#include "release/index.h"

/* FAULT_CORRUPT names the entry and the rule. The index is sorted afterwards. */
int treecheck_run(struct index *index, struct error *err);
