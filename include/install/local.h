/*
 * Reading contents that are on the disk, and copying them: what is believed is only the digest of what was read, or of
 * our own copy.
 */
#pragma once

#include <sys/stat.h>

#include "base/digest.h"
#include "release/index.h"

/* Bytes that were read since the last call; < 0 stops with that code. */
typedef int (*local_progress)(void *data, uint64_t bytes, struct error *err);

struct local; /* a buffer and a digester: for one thread */

/* progress may be NULL. */
int local_new(local_progress progress, void *data, struct local **ret_local, struct error *err);
void local_free(struct local *local);
CLEANUP_DEFINE(struct local, local_free);

/* local_copy copies, also where it could reflink. */
void local_share_nothing(struct local *local);

/*
 * Opens a regular file for reading, as fd_open_inside; a device is not even opened. Returns the descriptor and its stat,
 * or -1 with errno set (EBADF: another kind of file).
 */
int local_open(int dirfd, const char *path, struct stat *ret_stat);

/* Is what has that path below dirfd the file of st? dirfd -1: no. */
bool local_is_file(int dirfd, const char *path, const struct stat *st);

/*
 * *ret_digest is that of all that can be read from fd, from its beginning, and *ret_size how much that is. > 0:
 * LOCAL_UNREADABLE.
 */
enum { LOCAL_UNREADABLE = 1, LOCAL_DIFFERS = 2, LOCAL_SPARSE = 3 };
int local_digest(struct local *local, int fd, struct digest *ret_digest, uint64_t *ret_size,
		 struct error *err);

/*
 * The content of `path` below dirfd, which should be the entry's (size, digest), into the empty file fd: reflinked where
 * the file system can, else copied, holes kept. 0: the copy has been verified. > 0: LOCAL_UNREADABLE or LOCAL_DIFFERS,
 * *ret_why (static) says more; the copy is of no use. < 0: it could not be written, or was stopped.
 */
int local_copy(struct local *local, int dirfd, const char *path, const struct index_entry *entry,
	       int fd, const char **ret_why, struct error *err);

/*
 * The same for an entry of at most LOCAL_SHORT bytes, without writing: *ret_bytes are all of it, verified, until the next call.
 * > 0: LOCAL_SPARSE, too: it has holes, and should be copied with them.
 */
#define LOCAL_SHORT ((size_t)256 * 1024)
int local_read(struct local *local, int dirfd, const char *path, const struct index_entry *entry,
	       const void **ret_bytes, const char **ret_why, struct error *err);

/* Can the file system of dirfd reflink? Makes two files without names to find out. */
bool local_can_reflink(int dirfd);
