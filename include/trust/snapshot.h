/*
 * The snapshot role (TUF specification 4.4, 5.5): which versions of all targets files belong
 * together.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "trust/metadata.h"
#include "trust/metafile.h"
#include "trust/root.h"

struct snapshot {
	struct metadata metadata;
	json_t *meta; /* every member has the form of a METAFILE */
};

/* Signed as the root says (5.5.3), and of its form. */
int snapshot_read(const struct root *root, const void *data, size_t size,
		  struct snapshot **ret_snapshot, struct error *err);
void snapshot_free(struct snapshot *snapshot);
CLEANUP_DEFINE(struct snapshot, snapshot_free);

/*
 * May `next` come after the trusted one (5.5.5)? Every file that is listed there must be listed
 * here, in no lower version; otherwise FAULT_STALE, and the text names the file.
 */
int snapshot_check_update(const struct snapshot *trusted, const struct snapshot *next,
			  struct error *err);

/* What it says of the file of that role. Not listed: FAULT_UNTRUSTED. */
int snapshot_find(const struct snapshot *snapshot, const char *role, struct metafile *ret_metafile,
		  struct error *err);
