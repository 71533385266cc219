/*
 * The root role (TUF specification 4.3, 5.2, 5.3): who signs for the four roles, itself among them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "trust/metadata.h"
#include "trust/signers.h"

enum root_role {
	ROOT_ROLE_ROOT,
	ROOT_ROLE_TIMESTAMP,
	ROOT_ROLE_SNAPSHOT,
	ROOT_ROLE_TARGETS,
	ROOT_ROLE_MAX,
};

/* "root", "timestamp", "snapshot", "targets" */
const char *root_role_name(enum root_role role);

/* Is it one of these names? Nobody may delegate to a role that is called so. */
bool root_is_role_name(const char *name);

struct root {
	struct metadata metadata;
	bool consistent; /* "consistent_snapshot" (6.2) */
	struct signers *signers[ROOT_ROLE_MAX]; /* none is NULL */
};

/*
 * A root that is trusted because of where it came from. It must still be signed as it says of
 * itself (FAULT_UNTRUSTED); whether it has expired does not matter (5.2).
 */
int root_load(const void *data, size_t size, struct root **ret_root, struct error *err);

/*
 * The successor of a trusted root: signed by the threshold of the old and of the new keys (5.3.4),
 * and of exactly the next version (5.3.5). Nothing of it is interpreted before the old keys have
 * vouched.
 */
int root_update(const struct root *trusted, const void *data, size_t size, struct root **ret_root,
		struct error *err);

void root_free(struct root *root);
CLEANUP_DEFINE(struct root, root_free);

/*
 * Have keys of timestamp or snapshot been taken away? Then what they signed is forgotten (5.3.11).
 */
bool root_rotated(const struct root *before, const struct root *after);
