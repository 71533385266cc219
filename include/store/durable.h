/*
 * The only file that calls rename, fsync, fdatasync and syncfs. After each function returned 0,
 * what it did survives a power cut; before that, either the old or the new is found, never a
 * mixture. A name may have several parts (none of them a link, but for the last): then the directory
 * that holds it is the one that is synced. dirfd must be open for reading (fd_open_dir).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/* fsync of a directory: its names are durable. */
int durable_sync_dir(int dirfd, struct error *err);

/* syncfs of the file system that fd lives on: everything written there so far is durable. */
int durable_sync_fs(int fd, struct error *err);

/* Writes a new file (randomly named), syncs it, renames it over `name`, syncs the directory. */
int durable_replace(int dirfd, const char *name, const void *data, size_t size, mode_t mode,
		    struct error *err);

/*
 * The same without syncing anything: a reader finds the old or the new, and after a power cut either or
 * an empty one. For what is made anew soon, and what nothing depends on.
 */
int durable_publish(int dirfd, const char *name, const void *data, size_t size, mode_t mode,
		    struct error *err);

/* Removes a file durably; one that is not there is fine. */
int durable_remove(int dirfd, const char *name, struct error *err);

/* mkdir with mode and owner root (the caller), the entry synced; one that is there is fine. */
int durable_mkdir(int dirfd, const char *name, mode_t mode, struct error *err);

/* The link `name` to `target`, made new or replaced in one step (as durable_replace does). */
int durable_symlink(int dirfd, const char *target, const char *name, struct error *err);

/*
 * Exchanges two names in one step (RENAME_EXCHANGE) and syncs the directory; nothing is allocated.
 * > 0: DURABLE_NO_EXCHANGE, the file system cannot (EINVAL, ENOSYS): nothing was changed.
 */
enum { DURABLE_NO_EXCHANGE = 1 };
int durable_exchange(int dirfd, const char *a, const char *b, struct error *err);

/*
 * A zero-written, synced file of exactly `size` bytes; one of that size there is left alone. On Btrfs without copy-on-write, so
 * that it can be overwritten with no block free.
 */
int durable_preallocate(int dirfd, const char *name, size_t size, mode_t mode, struct error *err);

/* Overwrites bytes inside a preallocated file and fdatasyncs it: no block is allocated. */
int durable_overwrite(int fd, const void *data, size_t size, off_t offset, struct error *err);

/*
 * Removes the temporary files that a killed process left in the directory. Only for the holder of the
 * lock: somebody else's temporary file may be under way.
 */
int durable_tidy(int dirfd, struct error *err);
