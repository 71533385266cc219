/*
 * The head of a bundle that starts from any of several releases (src/release/bundle-near.c draws it).
 */
#pragma once

#include "release/bundle.h"

#define BUNDLE_NEAR_FORM \
	0x40 /* the first byte of such a head; those of other bundles begin otherwise */
#define BUNDLE_NEAR_DIGEST	8 /* bytes that there are of a digest which each of the releases knows */
#define BUNDLE_NEAR_RECIPES_MAX (8U * 1024 * 1024) /* bytes */

/*
 * Fills the bundle, whose lengths are set. > 0: BUNDLE_BASE_DIFFERS, the files of the source do not make what they should. What comes with the head
 * is verified: it is what the index says.
 */
int bundle_near_read(struct bundle *bundle, const void *head, const struct bundle_source *source,
		     const struct digest *expected, struct error *err);
