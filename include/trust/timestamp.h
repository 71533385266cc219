/*
 * The timestamp role (TUF specification 4.6, 5.4): which snapshot is the latest.
 */
#pragma once

#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "trust/metadata.h"
#include "trust/metafile.h"
#include "trust/root.h"

struct timestamp {
	struct metadata metadata;
	struct metafile snapshot;
};

/* Signed as the root says (5.4.2), and of its form. Not compared with older ones or a clock yet. */
int timestamp_read(const struct root *root, const void *data, size_t size,
		   struct timestamp **ret_timestamp, struct error *err);
void timestamp_free(struct timestamp *timestamp);
CLEANUP_DEFINE(struct timestamp, timestamp_free);

/*
 * May `next` come after the trusted one (5.4.3)? A lower version is FAULT_STALE.
 * > 0: TIMESTAMP_SAME, it is of the same version: the trusted one stays.
 */
enum { TIMESTAMP_SAME = 1 };
int timestamp_check_version(const struct timestamp *trusted, const struct timestamp *next,
			    struct error *err);

/* The same of the version that it names for the snapshot: lower is FAULT_STALE. */
int timestamp_check_snapshot(const struct timestamp *trusted, const struct timestamp *next,
			     struct error *err);
