/*
 * The head of a bundle that starts from any of several releases (publish/near.h), from what is known of them.
 */
#pragma once

#include "base/text.h"
#include "publish/contents.h"
#include "publish/near.h"

#define NEAR_BITS 8 /* how pieces are cut (release/chunks.h) */

struct near_base {
	struct digest index;
	uint64_t *keys; /* rising: of the pieces that it has and the new release may need */
	size_t n_keys;
	bool *has; /* by content of the new release */
};

struct near_head {
	const struct stock *fresh;
	const struct contents *all; /* of fresh, in the order of their entries */
	const struct near_base *bases;
	size_t n_bases; /* at least 1 */
	const struct spool_content *const
		*spooled; /* by content: as blocks by themselves; of those that some base lacks */
	int level; /* of zstd */
};

/*
 * Appends the head. ret_behind (by content): its blocks follow the head, in the order of the contents. The bytes are a function of what is given.
 */
int near_head_write(const struct near_head *what, struct text *head, bool *ret_behind,
		    struct error *err);

/* Has each of the releases the content? */
bool near_head_is_known(const struct near_head *what, size_t content);
