/*
 * Making a bundle (release/bundle.h). The bytes are a function of the trees, of the level and of zstd's version.
 *
 * With a base it has the contents that the old tree lacks, in the order of the new index. Without one it has all; those that the
 * release before had come first, changed and new ones last: a device that has the release before, and no bundle from it, fetches
 * one stretch.
 */
#pragma once

#include "publish/spool.h"

struct bundler_request {
	const struct stock *fresh; /* what is published */
	const struct stock *old; /* base; NULL: none */
	struct index *
		before; /* sorted; of the release before, for the order; NULL: none. Not with a base */
	int level; /* of zstd, for the head */
};

struct bundler_result {
	struct digest digest;
	uint64_t length;
	struct digest head_digest;
	uint64_t head_length;
};

/* out_fd: an empty file, open for both. It is read back as a device reads it. Nothing is synced. */
int bundler_run(struct spool *spool, const struct bundler_request *request, int out_fd,
		struct bundler_result *ret_result, struct error *err);
