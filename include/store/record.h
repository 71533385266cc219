/*
 * A record that is overwritten in place: a file of two blocks (store/block.h) of 8 KiB, each with the
 * magic "flipslot-record", a sequence number and the payload.
 *
 * The whole one with the higher sequence counts; writing goes to the other one, so that a torn write
 * leaves the record before. Nothing is allocated (durable_overwrite).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define RECORD_BLOCK	   8192
#define RECORD_FILE_SIZE   (2 * RECORD_BLOCK)
#define RECORD_PAYLOAD_MAX 8000 /* bytes */

/*
 * *ret_payload is malloc'ed, NUL-terminated; *ret_sequence may be NULL. No such file: FAULT_CONFIG.
 *
 * > 0: RECORD_EMPTY: nothing was ever stored, or the first store was cut off; nothing is returned.
 *      RECORD_TORN: one of the two is damaged, and the other one is returned. Mostly that is the one
 *      before the newest, after a store that was cut off; that the spare rotted looks the same.
 * Both damaged: FAULT_CORRUPT.
 */
enum { RECORD_EMPTY = 1, RECORD_TORN = 2 };
int record_load(int dirfd, const char *name, char **ret_payload, uint64_t *ret_sequence,
		struct error *err);

/*
 * Writes the payload as the next record. A payload longer than RECORD_PAYLOAD_MAX is FAULT_NO_SPACE.
 * If both are damaged, the file is begun anew: whoever stores over that has judged it before.
 */
int record_store(int dirfd, const char *name, const char *payload, struct error *err);
