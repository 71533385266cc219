/*
 * Reading, writing and opening by directory descriptor. Every open has O_CLOEXEC | O_NOFOLLOW.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* Opens the directory `name` (may be a path of several parts) below dirfd (or AT_FDCWD). */
int fd_open_dir(int dirfd, const char *name, int *ret_fd, struct error *err);

/*
 * Opens `path` strictly below dirfd by openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
 * RESOLVE_NO_MAGICLINKS); flags as for open(2), O_CLOEXEC | O_NOFOLLOW is added. Returns the
 * descriptor, or -1 with errno set. ELOOP and EXDEV say that the path wants to leave.
 */
int fd_open_beneath(int dirfd, const char *path, int flags, mode_t mode);

/* The same for what exists, and no mount is crossed either (EXDEV). */
int fd_open_inside(int dirfd, const char *path, int flags);

/*
 * The same for what exists, but links are followed as long as they stay below dirfd (EXDEV: one does
 * not; no /proc links either).
 */
int fd_open_resolved(int dirfd, const char *path, int flags);

/*
 * As fd_open_inside, and reading leaves the time of access as it is where the kernel allows that (to the file's owner and
 * to root): else each file that is read is an inode that is written.
 */
int fd_open_unseen(int dirfd, const char *path, int flags);

/*
 * A file in dirfd that has no name yet, for reading and writing: whatever happens, nothing of it stays before fd_give_name. -1 with errno: also
 * where the file system cannot. fd_give_name: 0, or -1 with errno, EEXIST if the name is taken.
 */
int fd_open_nameless(int dirfd, mode_t mode);
int fd_give_name(int fd, int dirfd, const char *name);

/* Reads until size bytes or the end: the bytes read, or -1 with errno set; EINTR is retried. */
ssize_t fd_read_full(int fd, void *buf, size_t size);
ssize_t fd_pread_full(int fd, void *buf, size_t size, off_t offset);

/* Writes all bytes or fails: 0, or -1 with errno set. */
int fd_write_full(int fd, const void *buf, size_t size);
int fd_pwrite_full(int fd, const void *buf, size_t size, off_t offset);

/*
 * The same behind all that the file has: of 64 KiB of zeroes, counted from `offset`, a hole is made, and the file ends behind what
 * was written. It is written in pieces of that size, for which the kernel finds memory where it would have to make some for more.
 */
int fd_pwrite_sparse(int fd, const void *buf, size_t size, off_t offset);

/*
 * Reads the regular file `name` below dirfd, at most max bytes (more: FAULT_CORRUPT). *ret_data is
 * malloc'ed, ends with a NUL that *ret_size (may be NULL) does not count, and is the caller's.
 * > 0: FD_ABSENT, there is no such file.
 */
enum { FD_ABSENT = 1 };
int fd_read_file(int dirfd, const char *name, size_t max, char **ret_data, size_t *ret_size,
		 struct error *err);

/* The same with memory of base/bulk.h, for files that have all of their size. */
int fd_read_bulk(int dirfd, const char *name, size_t max, char **ret_data, size_t *ret_size,
		 struct error *err);

/*
 * Makes the process's table of descriptors large enough for `count` of them, if RLIMIT_NOFILE allows that many. Before any thread is
 * started: from then on the kernel waits, each time that the table grows, for a grace period of RCU, some 10 ms.
 */
void fd_make_room(int count);

/* Closes all descriptors above 2 but those listed (for a child process). */
void fd_close_all_but(const int *keep, size_t n_keep);
