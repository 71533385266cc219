/*
 * The end of the packer's pipe: bytes in, zstd to a file, its SHA-256 and those of its 1 MiB pieces.
 *
 * The compressed bytes are a function of the bytes that come in and the level, and of nothing else: always
 * zstd's multi-threaded way with jobs of a fixed size, be it by one thread or by many; how the bytes are cut
 * into calls does not matter. One frame, with checksum, window of at most 8 MiB.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/error.h"

#define OUTPUT_WINDOW_LOG 23 /* 8 MiB: what a device must have to unpack */
#define OUTPUT_LEVEL_MAX  19 /* above, the window would not suffice for the time it takes */

struct output;

/* fd is borrowed, empty, written from its beginning. threads ≥ 1. */
int output_new(int fd, int level, unsigned int threads, struct output **ret_output,
	       struct error *err);
void output_free(struct output *output);
CLEANUP_DEFINE(struct output, output_free);

int output_write(struct output *output, const void *data, size_t size, struct error *err);

/* Ends the frame: its digest, length, and pieces, *ret_pieces malloc'ed. Only free may follow. */
struct output_result {
	struct digest digest;
	uint64_t length;
	struct digest *pieces;
	size_t n_pieces;
};
int output_finish(struct output *output, struct output_result *ret_result, struct error *err);
