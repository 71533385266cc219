/*
 * Reading the head of a bundle that starts from the release that runs: what stands in it was made against files of that one.
 */
#pragma once

#include "install/rebuild.h"

struct decode_head {
	int dirfd; /* the app's directory */
	enum slot source; /* the one that runs */
	struct index *source_index; /* of its seal; sorted */
	struct bundle_promise promise;
	const struct rebuild_listener
		*listener; /* is told of a file that is not what its seal says */
};

/* head: verified. > 0: BUNDLE_BASE_DIFFERS. Otherwise as bundle_decode. Nothing is written but a file without a name. */
int decode_head(const struct decode_head *what, const void *head, size_t size,
		struct bundle **ret_bundle, struct error *err);
