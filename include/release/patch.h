/*
 * Differences to an old file, in the manner of bsdiff, unpacked: five sections of bytes (src/release/patch.c draws them), and
 * the new bytes that they and the old file make.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "release/guess.h"

enum patch_section {
	PATCH_CONTROL, /* what is copied from where, and how much is new between */
	PATCH_GAPS, /* how many copied bytes stay as they are before the next field that changes */
	PATCH_CHOICES, /* which guess is right for the field */
	PATCH_VALUES, /* by how much it changes, if no guess is */
	PATCH_EXTRA, /* what is new */
	PATCH_SECTION_MAX,
};

enum patch_choice {
	PATCH_NEAR,
	PATCH_FAR,
	PATCH_VALUE,
};

struct patch_bytes {
	const uint8_t *data;
	size_t size;
};

/*
 * Fills out exactly; anything else is FAULT_CORRUPT. guess is room to work in. base_size below 2^32.
 */
int patch_apply(const struct patch_bytes sections[static PATCH_SECTION_MAX], const void *base,
		size_t base_size, struct guess *guess, void *out, size_t out_size,
		struct error *err);

/* LEB128, at most 64 bits, from *bytes, which moves on: false if it is cut or too large. */
bool patch_read_number(struct patch_bytes *bytes, uint64_t *ret_number);

/* Signed numbers as unsigned ones: 0, -1, 1, -2 … as 0, 1, 2, 3 … */
static inline uint64_t patch_fold(int64_t number)
{
	return ((uint64_t)number << 1) ^ (number < 0 ? UINT64_MAX : 0);
}

static inline int64_t patch_unfold(uint64_t number)
{
	return (int64_t)((number >> 1) ^ (0 - (number & 1)));
}
