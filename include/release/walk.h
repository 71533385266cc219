/*
 * Walks a tree of files: parents before what is in them, the names of one directory in bytewise order.
 * No link is followed; a directory that is another file system's is visited but not entered.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"

#define WALK_DEPTH_MAX 200 /* parts of a path; each is an open descriptor on the way */

struct walk_entry {
	int dirfd; /* the directory that it is in */
	const char *name; /* its name there */
	const char *path; /* from the top */
	const struct stat *stat; /* not followed */
	bool is_mount; /* a directory on another file system than the top */
};

/* A negative return ends the walk with that code; > 0: WALK_PASS, a directory is not entered. */
enum { WALK_PASS = 1 };
typedef int (*walk_visit)(void *data, const struct walk_entry *entry, struct error *err);

/* Walks what is below dirfd. Deeper than WALK_DEPTH_MAX is FAULT_CORRUPT. */
int walk_tree(int dirfd, walk_visit visit, void *data, struct error *err);
