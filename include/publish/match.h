/*
 * How new bytes are made of an old file: which stretches resemble which, and what is new. After Colin Percival's bsdiff
 * ("Naive differences of executable code", 2003): from an exact match on, a stretch goes on forwards and backwards as long as more than
 * half of its bytes agree.
 */
#pragma once

#include "publish/suffix.h"

struct match_step {
	size_t old_at; /* what is copied, with changes */
	size_t copy;
	size_t extra; /* new bytes behind it */
};

/* Steps one by one; all zero: none. list is malloc'ed, and the caller's. */
struct match_steps {
	struct match_step *list;
	size_t n, room;
};
int match_steps_add(struct match_steps *steps, struct match_step step, struct error *err);

/*
 * For `size` bytes, which stand at `position` in the new file: where they may be expected in the old one, too. *ret_steps is malloc'ed.
 */
int match_run(const struct suffix *suffix, const uint8_t *old, size_t old_size,
	      const uint8_t *bytes, size_t size, uint64_t position, struct match_step **ret_steps,
	      size_t *ret_n, struct error *err);
