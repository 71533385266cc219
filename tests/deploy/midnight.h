/* A range that the day clips, and midnight before all of it has come. Needs -Wl,--wrap=allowance_range. */
#pragma once

#include "deploy/allowance.h"

uint64_t __real_allowance_range(const struct session *of, uint64_t length);
uint64_t __wrap_allowance_range(const struct session *of, uint64_t length);

static uint64_t
	evening; /* bytes that the day still allows when the next range is asked for; 0: it does not end */

uint64_t __wrap_allowance_range(const struct session *of, uint64_t length)
{
	uint64_t left = __real_allowance_range(of, length);

	if (evening > 0 && evening < left)
		left = evening;
	evening = 0;
	return left;
}
