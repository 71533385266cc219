/*
 * The archive that an installed release came in, once more from the source. Nobody promises that it has it still.
 */
#pragma once

#include "deploy/watcher.h"
#include "release/descriptor.h"

/*
 * *ret_fd is open for reading, a file without a name in staging/. It is not verified: whoever reads it holds it to
 * descriptor->source. FAULT_CONFIG: it came from no source, or there is none; FAULT_STALE: its publisher bars it; FAULT_NETWORK;
 * FAULT_NO_SPACE.
 */
int retrieval_get(struct watcher *watcher, const struct descriptor *descriptor, int *ret_fd,
		  struct error *err);
