/*
 * What looks like a copy with changes, and is not: a stretch within it of which hardly a byte agrees costs less as new bytes. Whether
 * it does is for the caller to measure: where addresses were guessed it may not.
 */
#pragma once

#include "publish/match.h"

/* The same bytes by more steps, malloc'ed. > 0: SPLIT_NOTHING, there is none. */
enum { SPLIT_NOTHING = 1 };
int split_run(const struct match_step *steps, size_t n, const uint8_t *old, const uint8_t *bytes,
	      struct match_step **ret_steps, size_t *ret_n, struct error *err);

/* The other way round: copies of a few bytes, which cost more than these, become new bytes. By fewer steps, otherwise the same. */
int split_join(const struct match_step *steps, size_t n, struct match_step **ret_steps,
	       size_t *ret_n, struct error *err);
