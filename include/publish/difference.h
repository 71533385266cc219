/*
 * The five sections of a patch (release/patch.h), from the steps that make the new bytes.
 */
#pragma once

#include "base/text.h"
#include "publish/match.h"
#include "release/patch.h"

struct difference {
	struct text sections[PATCH_SECTION_MAX];
};

void difference_done(struct difference *difference);
#define _cleanup_difference_ _cleanup_(difference_done)

/* bytes stand at `position` in the new file. Starts as `struct difference d = {}`. */
int difference_make(struct difference *difference, const struct match_step *steps, size_t n,
		    const uint8_t *old, size_t old_size, const uint8_t *bytes, uint64_t position,
		    struct error *err);
