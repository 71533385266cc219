/*
 * What one role says of another role's file (TUF specification 4.4, METAFILES):
 *
 *     { "version": ≥ 1, ("length": bytes,) ("hashes": HASHES) }
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "trust/hashes.h"

struct metafile {
	uint64_t version;
	bool has_length;
	bool has_hashes;
	uint64_t length; /* bytes */
	struct hashes hashes;
};

/* The member `name` of the object `meta`. Not there or of a wrong form: FAULT_CORRUPT. */
int metafile_read(const json_t *meta, const char *name, struct metafile *ret_metafile,
		  struct error *err);

/* Are these the bytes, as far as length and hashes are known? Otherwise FAULT_UNTRUSTED. */
int metafile_check(const struct metafile *metafile, const void *data, size_t size,
		   struct error *err);
