/*
 * The smallest form of a block (release/block.h) that is found, each of them tried where it may pay.
 */
#pragma once

#include "publish/suffix.h"
#include "release/block.h"

#define ENCODER_PREFIX_MAX (32U * 1024 * 1024) /* bytes of an old file that is tried as prefix */

struct encoder_base {
	const uint8_t *data;
	size_t size;
	const struct suffix *suffix; /* of all of it, or its beginning; NULL: no patch is tried */
	size_t prefix_max; /* bytes that are tried as prefix */
};

struct encoder_block {
	enum block_kind kind;
	uint8_t *data; /* malloc'ed */
	size_t size;
};

/*
 * bytes: 1 to BLOCK_SIZE of them, which stand at `position` in the file. base: NULL: none. level: of zstd. The result is a
 * function of the arguments.
 */
int encoder_run(const uint8_t *bytes, size_t size, uint64_t position,
		const struct encoder_base *base, int level, struct encoder_block *ret_block,
		struct error *err);
