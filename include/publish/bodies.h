/*
 * The bodies of metadata that this publisher writes (TUF specification 4.3 to 4.6), and editing them. Values in,
 * values out: no file, no clock, no key.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "trust/root.h"

/* New ones, of version 1; NULL: no memory. The root has no keys yet, thresholds of 1. */
json_t *bodies_root(uint64_t expires);
json_t *bodies_targets(uint64_t expires);
json_t *bodies_snapshot(uint64_t expires);
json_t *bodies_timestamp(uint64_t expires);

/* A copy of the next version. NULL: no memory. */
json_t *bodies_next(const json_t *body, uint64_t expires);

/* Of a root. */
int bodies_add_key(json_t *root, enum root_role role, const json_t *key, struct error *err);
/* The key id may be cut, if only one of the role's begins so. A key that no role has any more goes. */
int bodies_remove_key(json_t *root, enum root_role role, const char *keyid, struct error *err);
int bodies_set_threshold(json_t *root, enum root_role role, uint64_t threshold, struct error *err);
const json_t *bodies_keyids(const json_t *root, enum root_role role); /* lent; an array of texts */
uint64_t bodies_threshold(const json_t *root, enum root_role role);
/* Every role has at least as many keys as its threshold? Otherwise FAULT_CONFIG. */
int bodies_check_root(const json_t *root, struct error *err);

/* Length and SHA-256 of the bytes, as the file `name` of "meta" or "targets". */
int bodies_set_meta(json_t *body, const char *name, uint64_t version, const void *data, size_t size,
		    struct error *err);
int bodies_set_target(json_t *targets, const char *path, const void *data, size_t size,
		      struct error *err);
/* The version that "meta" gives for the file; 0: none. */
uint64_t bodies_meta_version(const json_t *body, const char *name);
