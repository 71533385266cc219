/*
 * The contents in the head of a bundle with a base that come block by block (src/release/bundle-update.c draws it).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

struct update_long {
	const uint8_t *bytes; /* of the listed files, and of the contents behind them */
	size_t listed, contents; /* how many of each; contents: at least 1 */
	int level; /* of zstd */
	unsigned int threads;
};

/* Appends what follows the text; a function of all but the threads. */
int update_long_write(const struct update_long *what, struct text *out, struct error *err);
