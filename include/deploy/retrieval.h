/*
 * The archive that an installed release came in, once more from the source. Nobody promises that it has it still.
 */
#pragma once

#include "deploy/watcher.h"
#include "release/descriptor.h"

/* May the release be fetched again? FAULT_CONFIG: it came from no source, or there is none; FAULT_STALE: its publisher bars it. */
int retrieval_check(const struct session *session, const struct descriptor *descriptor,
		    struct error *err);

/* Before the first of so many bytes, which have room: what is counted against MaxBytesPerDay= is known. FAULT_NO_SPACE. */
int retrieval_prepare(struct session *session, uint64_t bytes, struct error *err);

/*
 * *ret_fd is open for reading, a file without a name in staging/. It is not verified: whoever reads it holds it to
 * descriptor->source. As both above; FAULT_NETWORK.
 */
int retrieval_get(struct watcher *watcher, const struct descriptor *descriptor, int *ret_fd,
		  struct error *err);
