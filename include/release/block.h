/*
 * One block of a file's content as it travels: at most BLOCK_SIZE bytes, each decoded by itself, in memory.
 *
 * A file of S bytes has ceil(S / BLOCK_SIZE) blocks, all but the last of BLOCK_SIZE bytes; an empty file has none. How the
 * bytes of a block look is drawn in src/release/block.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

#define BLOCK_SIZE	   (4U * 1024 * 1024)
#define BLOCK_PACKED_MAX   (BLOCK_SIZE + 64U * 1024)
#define BLOCK_SECTIONS_MAX BLOCK_PACKED_MAX /* bytes of a patch, unpacked */
#define BLOCK_BASE_MAX	   (1ULL << 31) /* bytes of an old file that a block may refer to */

enum block_kind {
	BLOCK_PLAIN, /* zstd */
	BLOCK_PREFIX, /* zstd, with the whole old file as what came before (RFC 8878, raw content dictionary) */
	BLOCK_PATCH, /* differences to the old file, in the manner of bsdiff */
	BLOCK_STORED, /* the bytes as they are */
	BLOCK_KIND_MAX,
};

static inline bool block_needs_base(enum block_kind kind)
{
	return kind == BLOCK_PREFIX || kind == BLOCK_PATCH;
}

struct block_decoder; /* keeps its memory from block to block */
int block_decoder_new(struct block_decoder **ret_decoder, struct error *err);
void block_decoder_free(struct block_decoder *decoder);
CLEANUP_DEFINE(struct block_decoder, block_decoder_free);

/*
 * Decodes `size` verified bytes into `out`, which they must fill exactly. base is the old file, mapped (NULL, 0 where
 * none is needed). All that does not fit is FAULT_CORRUPT; nothing outside of out is written, nothing outside of base read.
 */
int block_decode(struct block_decoder *decoder, enum block_kind kind, const void *bytes,
		 size_t size, const void *base, size_t base_size, void *out, size_t out_size,
		 struct error *err);
