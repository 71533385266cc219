/*
 * Blobs: DIR/blobs/sha256/HEX, immutable. They have their name only when they are whole and on the disk. The caller holds
 * the lock of the repository: what an interrupted one left is removed.
 */
#pragma once

#include "publish/pack.h"

/* Packs the tree into a blob below dirfd (the folder of blobs). One that is there already is left alone. */
int blob_pack(int dirfd, int tree_fd, const struct pack_options *options,
	      struct pack_result *ret_result, struct error *err);

/* A new one, to be written: one at a time. Then it gets its name, or is dropped. */
int blob_begin(int dirfd, int *ret_fd, struct error *err);
int blob_publish(int dirfd, int fd, const struct digest *digest, struct error *err);
void blob_abandon(int dirfd);

/* Opens one for reading. > 0: BLOB_ABSENT */
enum { BLOB_ABSENT = 1 };
int blob_open(int dirfd, const struct digest *digest, int *ret_fd, struct error *err);
