/*
 * Finding the longest match of some bytes in an old file: a suffix array (libdivsufsort), with a table of where each beginning
 * of two or three bytes starts in it. Memory: five bytes for each byte of the file, with the file itself, and up to 64 MiB.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

#define SUFFIX_MAX	 (512U * 1024 * 1024) /* bytes of a file: 2.6 GB of memory */
#define SUFFIX_MATCH_MAX 65536U /* a longer match is found in parts */

struct suffix;

size_t suffix_memory(size_t size); /* bytes, with the file */

/* data is borrowed, size 1 to SUFFIX_MAX. */
int suffix_new(const uint8_t *data, size_t size, struct suffix **ret_suffix, struct error *err);
void suffix_free(struct suffix *suffix);
CLEANUP_DEFINE(struct suffix, suffix_free);

/* The length of the longest match, at most SUFFIX_MATCH_MAX, and where it is; less than 3 bytes are no match: 0. */
size_t suffix_find(const struct suffix *suffix, const uint8_t *bytes, size_t size,
		   size_t *ret_position);
