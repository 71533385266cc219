/*
 * Contents in the head of a bundle with a base that come block by block, since they are many (src/release/bundle-update.c draws it).
 */
#pragma once

#include "base/scratch.h"
#include "release/bundle.h"
#include "release/patch.h"

struct bundle_long {
	struct scratch *scratch; /* the listed files, and behind them the contents */
	size_t listed, contents; /* bytes of each */
};

void bundle_long_done(const struct bundle_long *all);

/* Reads the listed files, of `bytes` bytes. > 0: BUNDLE_BASE_DIFFERS. */
int bundle_long_list(struct bundle_long *all, const bool *listed, size_t bytes,
		     const struct bundle_source *source, struct error *err);

/* Takes the contents from *left, which moves on. */
int bundle_long_take(struct bundle_long *all, struct patch_bytes *left, struct error *err);

uint8_t *bundle_long_contents(const struct bundle_long *all);
