/*
 * Guessing by how much an address in a binary has changed, from those near it that were seen before.
 *
 * When code is inserted, everything behind it moves by the same distance, and so does every address of it, wherever it
 * stands: as a number from the beginning of the file, or, in code, as a distance from where it stands. Both sides of a
 * patch (release/patch.h) ask and tell the same guesser in the same order, so what it guesses right need not travel.
 */
#pragma once

#include <stdint.h>

#define GUESS_NEAR_SHIFT 12 /* targets of one page move together, mostly */
#define GUESS_FAR_SHIFT	 18
#define GUESS_SLOTS	 4096U

struct guess {
	uint32_t near[GUESS_SLOTS]; /* by how much what stands there has moved, by its old page */
	uint32_t far[GUESS_SLOTS];
};

void guess_init(struct guess *guess);

/* A field of four bytes: where it was, where it will be (both from the beginning of their files), and what it held. */
struct guess_field {
	uint32_t old_at, new_at;
	uint32_t old_value;
	uint32_t base_size;
};

struct guess_answer {
	uint32_t near, far; /* what may be to add to the old value, modulo 2^32 */
};

void guess_ask(const struct guess *guess, const struct guess_field *field,
	       struct guess_answer *ret_answer);

/* What was added to it. */
void guess_learn(struct guess *guess, const struct guess_field *field, uint32_t difference);
