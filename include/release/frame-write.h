/*
 * Packing a frame (release/frame.h), for who publishes.
 */
#pragma once

#include "base/text.h"

/* Appends plain as a frame that goes on from prefix. level: of zstd. The bytes are a function of the arguments. */
int frame_write_pack(const struct text *plain, const struct text *prefix, int level,
		     struct text *out, struct error *err);
