/*
 * Which files of its base the head of a bundle lists (src/release/bundle-update.c draws it).
 */
#pragma once

#include "release/bundle.h"
#include "release/patch.h"

/*
 * Takes `<n> <gap>…` from the beginning of *bytes, which moves on. max: bytes that the files may have together; *ret_bytes: that
 * they have, each taken for a multiple of `align`. *ret_listed (malloc'ed) has one for each entry of the base's index, which is sorted.
 */
int listing_take(struct patch_bytes *bytes, const struct index *base, uint64_t max, size_t align,
		 bool **ret_listed, size_t *ret_bytes, struct error *err);

/* The content of each, one after the other, from a multiple of `align` on; what lies between stays. > 0: BUNDLE_BASE_DIFFERS. */
int listing_read(const bool *listed, const struct bundle_source *source, size_t align,
		 uint8_t *ret_bytes, struct error *err);
