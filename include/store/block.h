/*
 * A text in a block of fixed size that tells whether it is whole:
 *
 *     MAGIC 1 <sequence> <length> <SHA-256, hex>\n
 *     <payload: length bytes of text, no NUL>
 *     <zero bytes to the end of the block>
 *
 * where the digest is over the sequence in decimal, a newline and the payload. There is exactly one
 * block for a magic, a sequence and a payload: any other bytes are damaged.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

#define BLOCK_HEADER_MAX 128 /* bytes; a payload may have the size of the block less these */

/* Fills the block. A payload that is too long is FAULT_NO_SPACE. */
int block_make(void *block, size_t size, const char *magic, uint64_t sequence, const char *payload,
	       struct error *err);

/*
 * The bytes of a block of a file. False: the disk cannot read them, now and a moment later: what fails once may be whole, and
 * would be overwritten if it counted as damaged.
 */
bool block_fetch(int fd, off_t offset, void *block, size_t size);

/*
 * Reads the block; *ret_payload is malloc'ed, NUL-terminated. > 0: BLOCK_EMPTY, it is all zeroes;
 * BLOCK_DAMAGED, it is neither empty nor whole.
 */
enum { BLOCK_EMPTY = 1, BLOCK_DAMAGED = 2 };
int block_read(const void *block, size_t size, const char *magic, uint64_t *ret_sequence,
	       char **ret_payload, struct error *err);
