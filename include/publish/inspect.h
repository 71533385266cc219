/*
 * Reading a bundle to its last byte as a device does: head, table, each block verified and decoded, each file verified.
 */
#pragma once

#include "publish/stock.h"

struct inspect_bundle {
	int fd;
	uint64_t length;
	struct digest digest; /* of the whole */
	uint64_t head_length;
	struct digest head_digest;
	struct digest index; /* of the release */
	const struct stock *base; /* the release that it starts from; NULL: it has no base */
	bool is_whole; /* it must have all that the base lacks */
};

/* What does not fit is FAULT_CORRUPT or FAULT_UNTRUSTED. */
int inspect_run(const struct inspect_bundle *bundle, struct error *err);
