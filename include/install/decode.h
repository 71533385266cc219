/*
 * Decoding blocks of a bundle with the files of the slot that runs as bases.
 */
#pragma once

#include "release/bundle.h"

struct decode;

/* source: the index of the slot source_fd, both borrowed; -1 and NULL: none. */
int decode_new(int source_fd, const struct index *source, struct decode **ret_decode,
	       struct error *err);
void decode_free(struct decode *decode);
CLEANUP_DEFINE(struct decode, decode_free);

/* BLOCK_SIZE bytes, into which the next block is decoded. */
void *decode_buffer(struct decode *decode);

/* Another one from here on, so that what is in this one stays until the turn after the next; the same one, if memory is short. */
void decode_turn(struct decode *decode);

/*
 * The block, whose bytes are verified, into the buffer. > 0: DECODE_NO_BASE, its base has not the size that it should have
 * (decode_take_finding says so), or cannot be mapped. If what is in it is not what it should be, nor is what is in the buffer.
 */
enum { DECODE_NO_BASE = 1 };
int decode_block(struct decode *decode, const struct bundle_block *block, const void *bytes,
		 size_t size, size_t raw_size, struct error *err);

/* Is the base of that block what it should be? Reads all of it. > 0: DECODE_NO_BASE. */
int decode_check_base(struct decode *decode, const struct bundle_block *block, struct error *err);

/*
 * All of a file of the source, verified; any thread may call it, whatever others do with the decoder. > 0: DECODE_NO_BASE, it is not what it should
 * be, *ret_why (static) says how.
 */
int decode_read_base(const struct decode *decode, uint32_t number, void *ret_bytes,
		     const char **ret_why, struct error *err);

/* What was wrong with the base (static), once for each base; NULL: nothing, or said already. */
const char *decode_take_finding(struct decode *decode);
