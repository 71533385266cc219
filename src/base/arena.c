#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define FIRST_PIECE ((size_t)4 * 1024)
#define LAST_PIECE  ((size_t)4 * 1024 * 1024)
#define PART	    4 /* of what there is, that the next piece has: so little lies idle */
#define ALIGN	    sizeof(uint64_t)

struct arena_piece {
	struct arena_piece *before;
	_Alignas(uint64_t) uint8_t bytes[];
};

void arena_done(struct arena *arena)
{
	while (arena->last) {
		struct arena_piece *before = arena->last->before;

		bulk_free(arena->last);
		arena->last = before;
	}
	*arena = (struct arena){};
}

static bool add_piece(struct arena *arena, size_t least)
{
	size_t size = arena->whole / PART;
	struct arena_piece *piece;

	if (size < FIRST_PIECE)
		size = FIRST_PIECE;
	if (size > LAST_PIECE)
		size = LAST_PIECE;
	if (size < least)
		size = least;
	piece = bulk_alloc(1, sizeof(*piece) + size);
	if (!piece)
		return false;
	piece->before = arena->last;
	arena->whole += size;
	arena->last = piece;
	arena->used = 0;
	arena->room = size;
	return true;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	void *bytes;

	size = (size + ALIGN - 1) / ALIGN * ALIGN;
	if (size > arena->room - arena->used && !add_piece(arena, size))
		return NULL;
	bytes = arena->last->bytes + arena->used;
	arena->used += size;
	return bytes;
}

char *arena_text(struct arena *arena, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = arena_alloc(arena, size);

	return copy ? memcpy(copy, text, size) : NULL;
}
