/*
 * What the bodies of all roles have in common (TUF specification 4.3):
 *
 *     "_type": TYPE, "spec_version": "1.…", "version": ≥ 1, "expires": "2030-01-01T00:00:00Z"
 *
 * Members that are not known are ignored; they are signed with the rest.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"

struct metadata {
	uint64_t version;
	uint64_t expires; /* realtime usec; nobody has compared it with a clock yet */
};

/* Another type, another major version of the specification, wrong form: FAULT_CORRUPT. */
int metadata_read(const json_t *body, const char *type, struct metadata *ret_metadata,
		  struct error *err);

/* Is it the version that was promised? Lower is FAULT_STALE, higher FAULT_UNTRUSTED. */
int metadata_check_version(const struct metadata *metadata, uint64_t promised, struct error *err);
