/*
 * Delegations of a targets role (TUF specification 4.5, and 4.1 of TAP 15 for "succinct_roles",
 * which python-tuf, go-tuf and RSTUF write too):
 *
 *     { "keys": { KEYID: KEY, … },
 *       "roles": [ { "name": ROLE, "keyids": […], "threshold": n, ("terminating": bool,)
 *                    ("paths": [PATHPATTERN, …] | "path_hash_prefixes": [hex, …]) }, … ] }
 *
 *     { "keys": { … }, "succinct_roles": { "keyids": […], "threshold": n, "bit_length": 1..32,
 *                                          "name_prefix": PREFIX } }
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "trust/signers.h"

struct delegation;

/* The path of a target and the SHA-256 of it, which delegations are asked about. */
struct delegation_path {
	const char *path;
	unsigned char hash[32];
};

int delegation_path_init(struct delegation_path *ret_path, const char *path, struct error *err);

/*
 * The "delegations" object; NULL is none at all. Wrong form, both ways at once, two roles of one
 * name, an empty name or that of a top-level role: FAULT_CORRUPT.
 */
int delegation_read(const json_t *object, struct delegation **ret_delegation, struct error *err);
void delegation_free(struct delegation *delegation);
CLEANUP_DEFINE(struct delegation, delegation_free);

/*
 * The next role that may speak about the path, from *at on, which begins at 0 and is moved behind
 * it: true, and its name (malloc'ed, the caller's), whether it is terminating, and a place to ask
 * for its signers. A role with neither paths nor prefixes speaks about nothing.
 */
struct delegation_role {
	char *name;
	bool terminating;
	const json_t *json; /* lent */
};

/* > 0: DELEGATION_END, there is no more. */
enum { DELEGATION_END = 1 };
int delegation_next(const struct delegation *delegation, size_t *at,
		    const struct delegation_path *path, struct delegation_role *ret_role,
		    struct error *err);

/* The same for every role there is, whatever it may speak about. */
int delegation_next_of_all(const struct delegation *delegation, size_t *at,
			   struct delegation_role *ret_role, struct error *err);

/* May the role speak about the path? */
int delegation_may_speak(const struct delegation *delegation, const struct delegation_role *role,
			 const char *path, bool *ret_may, struct error *err);

/* False: it surely may speak about no path that begins with these bytes. */
bool delegation_may_begin(const struct delegation *delegation, const struct delegation_role *role,
			  const char *prefix, size_t size);

/* Who signs for the role, by this delegation. */
int delegation_signers(const struct delegation *delegation, const struct delegation_role *role,
		       struct signers **ret_signers, struct error *err);

void delegation_role_done(struct delegation_role *role);
