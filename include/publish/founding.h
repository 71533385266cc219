/*
 * Which keys a repository has: its first root, and the roots that follow.
 *
 * Keys are given as lists with commas: NAME.pub (the private part is elsewhere: offline), a private key file, or
 * a pkcs11: URI (a comma in one is written %2C). Where the private ones are goes to the settings.
 */
#pragma once

#include "publish/repo.h"

#define FOUNDING_KEEP 0 /* threshold, expiry: as it is */

struct founding {
	const char *keys_dir; /* where keys are made that are not given; made too, 0700; absolute */
	const char *keys_name; /* how the settings call that folder */
	const char *
		keys[ROOT_ROLE_MAX]; /* lists; NULL: one is made (snapshot and timestamp share it) */
	uint64_t threshold[ROOT_ROLE_MAX]; /* FOUNDING_KEEP: 1 */
	uint64_t expires[ROOT_ROLE_MAX]; /* usec; FOUNDING_KEEP: the usual */
};

/* After repo_create: root 1 and targets 1 are pending, the settings are saved; issue_run publishes. */
int founding_init(struct repo *repo, const struct founding *founding, struct error *err);

/* The next root. Lists (NULL: none): keys to add, ids to remove (may be cut). */
struct founding_change {
	enum root_role role;
	const char *add;
	const char *remove;
	uint64_t threshold;
};
int founding_rotate(struct repo *repo, const struct founding_change *change, struct error *err);
