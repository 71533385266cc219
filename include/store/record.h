/*
 * A record that is overwritten in place: a file of two 4 KiB records, each
 *
 *     flipslot-record 1 <sequence> <length> <SHA-256, hex>\n
 *     <payload: length bytes of text>
 *     <zero bytes up to 4096>
 *
 * where the digest is over the sequence in decimal, a newline and the payload.
 * The valid one with the higher sequence counts; writing goes to the other one, so that a torn
 * write leaves the record before. Nothing is allocated (durable_overwrite).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define RECORD_BLOCK	   4096
#define RECORD_FILE_SIZE   (2 * RECORD_BLOCK)
#define RECORD_PAYLOAD_MAX 3900 /* bytes */

/*
 * *ret_payload is malloc'ed, NUL-terminated. > 0: RECORD_EMPTY, both are all zeroes (just made);
 * RECORD_TORN, the older one was taken because the newer one is damaged: the payload is returned
 * and the caller says it. Both damaged: FAULT_CORRUPT. *ret_sequence may be NULL.
 */
enum { RECORD_EMPTY = 1, RECORD_TORN = 2 };
int record_load(int dirfd, const char *name, char **ret_payload, uint64_t *ret_sequence,
		struct error *err);

/* Writes the payload as the next record. */
int record_store(int dirfd, const char *name, const char *payload, struct error *err);
