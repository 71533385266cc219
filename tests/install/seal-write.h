/* A seal over what is there, with nothing to be synced before. */
#pragma once

#include "install/seal.h"

static int seal_write(int dirfd, enum slot slot, struct descriptor *descriptor, struct index *index,
		      struct error *err)
{
	_cleanup_text_ struct text text = {};
	int r = seal_make(descriptor, index, &text, err);

	return r < 0 ? r : seal_put(dirfd, slot, &text, err);
}
