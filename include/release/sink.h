/*
 * Who reads a tree (archive.h, directory.h) tells a sink what is in it, entry by entry; and what a reader
 * is told to allow.
 */
#pragma once

#include "release/index.h"

struct archive_options {
	unsigned int
		strip_components; /* leading parts of each name to drop; entries with fewer vanish */
	bool allow_setuid; /* also setgid and file capabilities */
	uint64_t max_bytes; /* unpacked, of all files (apparent size) */
	uint64_t max_files; /* entries */
	unsigned int max_depth; /* parts of a name; never above WALK_DEPTH_MAX */
	unsigned int max_ratio; /* unpacked bytes per byte of archive, above 16 MiB; 0: no limit */
};

struct archive_sink {
	/* A new entry; the sink may keep nothing of it after the call but what it copies. */
	int (*entry)(void *data, const struct index_entry *entry, struct error *err);
	/* Content of the file announced last, in rising order of offset; what is skipped is a hole. */
	int (*content)(void *data, const void *bytes, size_t size, uint64_t offset,
		       struct error *err);
	/* The file announced last is complete, with `size` bytes; what content did not reach is a hole. */
	int (*end)(void *data, uint64_t size, struct error *err);
	/*
	 * Instead of content: shares the blocks of the regular file fd. > 0: SINK_NO_CLONE, it cannot be
	 * done here and nothing was changed. May be NULL.
	 */
	int (*clone)(void *data, int fd, struct error *err);
};

enum { SINK_NO_CLONE = 1 };
