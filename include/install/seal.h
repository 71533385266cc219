/*
 * The proof beside a slot of what it holds: slots/a.seal, drawn in src/install/seal.c.
 *
 * A seal is only ever written over a tree that syncfs has made durable.
 */
#pragma once

#include "base/text.h"
#include "release/descriptor.h"
#include "release/index.h"
#include "store/slot.h"

#define SEAL_MAX (512ULL * 1024 * 1024)

struct seal {
	struct descriptor descriptor;
	struct index *index;
};

void seal_done(struct seal *seal);
#define _cleanup_seal_ _cleanup_(seal_done)

/* What could not be read back must not get into a seal: FAULT_CORRUPT. */
int seal_check(const struct descriptor *descriptor, struct error *err);

/* The bytes of a seal. Sets descriptor->index from the index. */
int seal_make(struct descriptor *descriptor, struct index *index, struct text *ret_seal,
	      struct error *err);

/* Writes them, once what they are over is synced. dirfd is the app's directory. */
int seal_put(int dirfd, enum slot slot, const struct text *seal, struct error *err);

/* > 0: SEAL_ABSENT. A damaged one: FAULT_CORRUPT. */
enum { SEAL_ABSENT = 1 };
int seal_load(int dirfd, enum slot slot, struct seal *ret_seal, struct error *err);

/*
 * Like seal_load, but only the descriptor is kept: the checksum is verified all the same, in memory of
 * constant size.
 */
int seal_peek(int dirfd, enum slot slot, struct descriptor *ret_descriptor, struct error *err);

/* The bytes of a seal (what seal_load reads). */
int seal_decode(const char *bytes, size_t size, struct seal *ret_seal, struct error *err);
