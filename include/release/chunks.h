/*
 * Pieces of files, cut where their bytes say so (docs/FORMATS.md, "Pieces"): what two files have in common has the same pieces in
 * both, wherever it stands. By them a bundle for several releases (src/release/bundle-near.c) names what a device has already.
 */
#pragma once

#include "base/scratch.h"
#include "release/bundle.h"

#define CHUNKS_BITS_MIN 7
#define CHUNKS_BITS_MAX 12
#define CHUNKS_KEY_SIZE 6 /* bytes: the first ones of the SHA-256 of the piece */

struct chunks_cutter {
	uint32_t gear[256];
	unsigned int bits; /* 2^bits bytes are usual for a piece */
};

/* bits: CHUNKS_BITS_MIN to CHUNKS_BITS_MAX. */
int chunks_cutter_init(struct chunks_cutter *cutter, unsigned int bits, struct error *err);

/* Bytes of the first piece of those `size` (at least 1) ones, of which it begins one. */
size_t chunks_cut(const struct chunks_cutter *cutter, const uint8_t *bytes, size_t size);

/* Its key, as a number: the first byte is the highest. */
int chunks_key(const void *bytes, size_t size, uint64_t *ret_key, struct error *err);
uint64_t chunks_read_key(const uint8_t bytes[static CHUNKS_KEY_SIZE]);

struct chunks_piece {
	uint64_t key;
	uint32_t offset, size; /* in the scratch */
};

/* The pieces of what an older release has and a newer one lacks. */
struct chunks {
	struct scratch *scratch; /* the files, one behind the other */
	size_t bytes; /* of them */
	struct chunks_piece *
		pieces; /* in the order of their keys, of those that are the same in that of the files */
	size_t n;
};

/*
 * Of the files of the source of 1 to BLOCK_SIZE bytes whose content `fresh` (sorted) does not have, in the order of their index, as many as
 * BUNDLE_LONG_MAX bytes hold. > 0: BUNDLE_BASE_DIFFERS. spare: bytes that the scratch has beyond them, from the next
 * multiple of BUNDLE_LONG_ALIGN on.
 */
int chunks_collect(const struct bundle_source *source, const struct index *fresh,
		   const struct chunks_cutter *cutter, size_t spare, struct chunks *ret_chunks,
		   struct error *err);
void chunks_done(struct chunks *chunks);
#define _cleanup_chunks_ _cleanup_(chunks_done)

/* NULL: there is none. */
const struct chunks_piece *chunks_find(const struct chunks *chunks, uint64_t key);
