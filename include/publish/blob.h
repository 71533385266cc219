/*
 * Blobs: DIR/blobs/sha256/HEX, immutable. They have their name only when they are whole and on the disk.
 */
#pragma once

#include "publish/pack.h"

/*
 * Packs the tree into a blob below dirfd (the folder of blobs), whose lock the caller holds: what an interrupted
 * one left is removed. One that is there already is left alone.
 */
int blob_pack(int dirfd, int tree_fd, const struct pack_options *options,
	      struct pack_result *ret_result, struct error *err);
