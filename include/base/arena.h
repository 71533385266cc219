/*
 * Many small things that live and die together: one behind the other in a few large pieces (base/bulk.h).
 */
#pragma once

#include "base/bulk.h"

struct arena { /* starts as {} */
	struct arena_piece *last;
	size_t used, room; /* of the last piece */
	size_t whole; /* bytes of all pieces */
};

void arena_done(struct arena *arena);
#define _cleanup_arena_ _cleanup_(arena_done)

/* Zeroes, aligned for a pointer or a number of 64 bits; NULL: no memory. */
void *arena_alloc(struct arena *arena, size_t size);

/* A copy of the text. */
char *arena_text(struct arena *arena, const char *text);
