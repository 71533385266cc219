/*
 * Memory for what grows with the number of files of a release. As long as all of it is little, it is the process's own. What goes beyond lies in files
 * without a name (base/scratch.h) in the directory that bulk_settle named, which the kernel writes out when memory is short. Where there is no such
 * directory, or it has no room to spare, it is the process's own all the same: nothing fails for want of disk.
 *
 * For any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

/* Bytes that a process has of its own before files are made; and that, with what is claimed. */
#define BULK_OWN ((size_t)5 * 1024 * 1024)
#define BULK_ALL ((size_t)7 * 1024 * 1024)

/* The directory for such files from now on, of which a copy is kept; -1: none, as at the beginning. What is there already stays. */
void bulk_settle(int dirfd);

/* Can such files be made there, at all? */
bool bulk_has_files(void);

/* n times `size` zeroes, aligned for anything; NULL: no memory, and errno says so. */
void *bulk_alloc(size_t n, size_t size);

/* What grows may move; what is new of it is not set. NULL: no memory, and what was there is as it was. bytes: NULL is as nothing. */
void *bulk_resize(void *bytes, size_t n, size_t size);

/* NULL is fine. */
void bulk_free(void *bytes);

/* So many bytes for a buffer that can be done without. False: they are in use. bulk_return gives them back. */
bool bulk_claim(size_t size);
void bulk_return(size_t size);

static inline void cleanup_bulk(void *p)
{
	bulk_free(*(void **)p);
}
#define _cleanup_bulk_ _cleanup_(cleanup_bulk)
