/*
 * Digests of files that are written one after the other, made by a thread of its own: what it is given it copies, so that the
 * writer goes on at once. If no thread is to be had, the caller's does it.
 */
#pragma once

#include "base/digest.h"

struct hasher;

int hasher_new(struct hasher **ret_hasher, struct error *err);
void hasher_free(struct hasher *hasher); /* digests that are not settled are never written then */
CLEANUP_DEFINE(struct hasher, hasher_free);

/* The next bytes of the file. */
void hasher_add(struct hasher *hasher, const void *bytes, size_t size);
void hasher_add_zeroes(struct hasher *hasher, uint64_t size);

/* The end of the file, whose digest will be in *ret_digest when hasher_settle returns; the next one begins. */
void hasher_end(struct hasher *hasher, struct digest *ret_digest);

/* Waits for all of them. < 0: some digest could not be made. */
int hasher_settle(struct hasher *hasher, struct error *err);
