/*
 * Digests of files that are written one after the other, made by a thread of its own, which also writes and completes those that it is
 * given: what it is given it copies, so that the caller goes on at once. If no thread is to be had, the caller's does it.
 *
 * Small files are many, and most of their time goes into the kernel: one thread creates them, this one does the rest.
 */
#pragma once

#include "base/digest.h"
#include "release/index.h"

struct hasher;

int hasher_new(struct hasher **ret_hasher, struct error *err);
void hasher_free(struct hasher *hasher); /* what is not settled may be left undone */
CLEANUP_DEFINE(struct hasher, hasher_free);

/* `file` lives until the next hasher_settle or hasher_free. */
void hasher_begin(struct hasher *hasher, struct index_entry *file);

/* The next bytes of the file. fd: they are written there, at `offset`, too; -1: the caller has written them. */
void hasher_add(struct hasher *hasher, const void *bytes, size_t size, int fd, uint64_t offset);
void hasher_add_zeroes(struct hasher *hasher, uint64_t size); /* a hole: never written */

/* Its end: its digest will be in file->digest when hasher_settle returns. fd (-1: none) is given the file's attributes, and closed. */
void hasher_end_consume(struct hasher *hasher, int fd);

/* < 0: something has failed meanwhile, so that nothing more is to be gained. */
int hasher_check(struct hasher *hasher, struct error *err);

/* Waits for all of them. < 0: some file could not be written, or some digest not be made. */
int hasher_settle(struct hasher *hasher, struct error *err);
