/*
 * An archive that somebody else may change while we read it: its digest is verified in one read, which
 * keeps the digests of its 1 MiB pieces; every later read verifies each piece before a byte of it is
 * given out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/error.h"

#define PIECES_SIZE (1024 * 1024)

/* Called now and then with bytes done of bytes in all; a negative return stops with that code. */
typedef int (*pieces_progress)(void *data, uint64_t done, uint64_t total, struct error *err);

struct pieces;

/*
 * Reads the regular file fd once (at most max_bytes, else FAULT_NO_SPACE; size is fixed at the start).
 * If expected is not NULL and differs: FAULT_UNTRUSTED. fd is borrowed and must outlive *ret_pieces.
 * progress may be NULL.
 */
int pieces_new(int fd, const struct digest *expected, uint64_t max_bytes, pieces_progress progress,
	       void *data, struct pieces **ret_pieces, struct error *err);

/*
 * The same for a file of ours that another thread still writes, and verifies before it does: of `bytes` in the
 * end. A read waits until its piece has arrived; it is not hashed again. There is no digest of the whole. fd is borrowed.
 */
int pieces_new_arriving(int fd, uint64_t bytes, struct pieces **ret_pieces, struct error *err);

/* By that thread: so many bytes from the beginning are there, whole pieces or all. */
void pieces_arrived(struct pieces *pieces, uint64_t bytes);

/* No more will come: whoever waits, or comes to wait, gets -ECANCELED. */
void pieces_stop(struct pieces *pieces);

void pieces_free(struct pieces *pieces);
CLEANUP_DEFINE(struct pieces, pieces_free);

const struct digest *pieces_digest(const struct pieces *pieces);
uint64_t pieces_bytes(const struct pieces *pieces);

/*
 * Reads piece i (below pieces_bytes / PIECES_SIZE, rounded up) into a buffer of ours and verifies it
 * there; asked again for the same piece, it gives the same buffer. *ret_data is valid until the next
 * call. A piece that changed: FAULT_CORRUPT "… changed while it was being read".
 */
int pieces_read(struct pieces *pieces, uint64_t i, const void **ret_data, size_t *ret_size,
		struct error *err);
