/*
 * What in the head of a bundle with a base comes block by block (src/release/bundle-update.c draws it).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

struct update_long {
	const uint8_t *bytes; /* of what it is made against, and of what is made behind them */
	size_t base, size; /* how many of each; size: at least 1 */
	int level; /* of zstd */
	unsigned int threads;
};

/* Appends it; a function of all but the threads. */
int update_long_write(const struct update_long *what, struct text *out, struct error *err);
