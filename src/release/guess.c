#include "release/guess.h"

#include <string.h>

void guess_init(struct guess *guess)
{
	memset(guess, 0, sizeof(*guess));
}

/*
 * A distance is one from behind the field (call, jump, address relative to the program counter on x86). What would lie
 * outside of the file if it were one is taken for an address from the beginning.
 */
static uint32_t find(const struct guess_field *field, uint32_t *ret_moved)
{
	uint32_t target = field->old_at + 4 + field->old_value;

	*ret_moved = field->new_at - field->old_at;
	if (target < field->base_size)
		return target;
	*ret_moved = 0;
	return field->old_value;
}

void guess_ask(const struct guess *guess, const struct guess_field *field,
	       struct guess_answer *ret_answer)
{
	uint32_t moved;
	uint32_t target = find(field, &moved);

	ret_answer->near = guess->near[(target >> GUESS_NEAR_SHIFT) % GUESS_SLOTS] - moved;
	ret_answer->far = guess->far[(target >> GUESS_FAR_SHIFT) % GUESS_SLOTS] - moved;
}

void guess_learn(struct guess *guess, const struct guess_field *field, uint32_t difference)
{
	uint32_t moved;
	uint32_t target = find(field, &moved);

	guess->near[(target >> GUESS_NEAR_SHIFT) % GUESS_SLOTS] = difference + moved;
	guess->far[(target >> GUESS_FAR_SHIFT) % GUESS_SLOTS] = difference + moved;
}
