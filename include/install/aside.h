/*
 * A digest of bytes that come piece by piece, each made by a thread of its own while the caller writes the piece, and makes the next one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/error.h"

struct aside;

int aside_new(struct aside **ret_aside, struct error *err);
void aside_free(struct aside *aside); /* waits for what is under way */
CLEANUP_DEFINE(struct aside, aside_free);

/*
 * Adds the bytes to the digest; both are the thread's until aside_settle, or until the next piece is taken. One at a time: waits for the piece
 * before. If no thread is to be had it is done at once.
 */
void aside_add(struct aside *aside, struct digester *digester, const void *bytes, size_t size);

/* Has the thread these bytes still? */
bool aside_holds(const struct aside *aside, const void *bytes);

/* Waits for the last piece. < 0: that one, or one before since the last settling, could not be added. */
int aside_settle(struct aside *aside, struct error *err);
