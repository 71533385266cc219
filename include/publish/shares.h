/*
 * What of a bundle with a base stands in its head (release/bundle.h): packed together with other files, as blocks of its own, or not.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define SHARES_INLINED_MAX \
	(256U *            \
	 1024) /* bytes of blocks in a head, which is fetched anew as a whole after an interruption */

#define SHARES_LONG_PACKED_MAX \
	(4U * 1024 *           \
	 1024) /* bytes that files in a head may have, each packed for itself, where they are many */

enum share {
	SHARE_BLOCKS, /* behind the head, each with a digest */
	SHARE_INLINED, /* in the head */
	SHARE_SOLID, /* in the head, together with others */
};

enum shares_policy {
	SHARES_SOLID, /* together as much as may be */
	SHARES_MIXED, /* not what has a patch of its own */
	SHARES_APART, /* nothing together */
	SHARES_WIDE, /* as SHARES_SOLID, next to all old files that the new tree lacks */
	SHARES_LONG, /* likewise, as much as may be in a head whose contents come block by block */
	SHARES_POLICY_MAX,
};

struct shares_part {
	uint64_t size; /* of the file */
	uint64_t packed; /* of its blocks, each for itself */
	uint64_t base; /* size of the file that they are against; 0: none */
	uint64_t solid_base; /* of the one that it would be packed against together with others */
	bool is_patch;
	enum share share; /* chosen */
};

/* A function of the parts and their order, within the bounds of release/bundle.h. */
int shares_choose(struct shares_part *parts, size_t n, enum shares_policy policy,
		  struct error *err);
