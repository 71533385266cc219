/*
 * A release into the slot by a bundle that was assessed: what is wanted is fetched, what there is is used.
 */
#pragma once

#include "deploy/assess.h"

/*
 * > 0: this way does not lead to the end, *ret_why says why; what was taken stays. The assessment is used up in any case.
 */
enum { DELTA_SHORT = 1 };
int delta_stage(struct assessment *assessment, enum way_kind kind, struct descriptor *descriptor,
		const char **ret_why, struct error *err);
