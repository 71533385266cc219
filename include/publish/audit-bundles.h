/*
 * The bundles of an offer, read as a device reads them (publish/inspect.h). Where one has a base, the older release is unpacked
 * from its full blob into a temporary folder (below $TMPDIR, or /var/tmp).
 */
#pragma once

#include <stdint.h>

#include "release/offer.h"

struct audit_bundles_result {
	uint64_t bundles;
	uint64_t bytes; /* of them */
	uint64_t undecoded; /* of them: the release that they start from is not in the repository any more; only digests were checked */
};

/* dirfd: the repository. Adds to *result. */
int audit_bundles_run(int dirfd, const struct offer *offer, struct audit_bundles_result *result,
		      struct error *err);
