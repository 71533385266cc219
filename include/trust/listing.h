/*
 * Which target files match a TargetPattern= (trust/target-pattern.h), in all of a repository's targets
 * roles, from the top: a role counts for a path only if every delegation on the way to it may speak about that
 * path. No file is touched: the caller brings the roles, as for trust/search.h.
 *
 * What comes out are names, no verdicts: who speaks for a path, and what it says, is found by a search.
 *
 * Roles that surely cannot speak about a path of the pattern are passed over. More than LISTING_ROLES_MAX
 * others, or more than LISTING_NAMES_MAX names: FAULT_NO_SPACE.
 */
#pragma once

#include "base/cleanup.h"
#include "base/error.h"
#include "trust/signers.h"
#include "trust/target-pattern.h"
#include "trust/targets.h"

#define LISTING_ROLES_MAX 256 /* delegated roles that are entered; one may be by several ways */
#define LISTING_DEPTH_MAX 32
#define LISTING_NAMES_MAX 10000

struct listing_name {
	char *path;
	char version[TARGET_PATTERN_VERSION_MAX];
};

struct listing;

/* `top`, the top-level role, must live until listing_next says END. The pattern is an expanded, open one. */
int listing_new(const struct targets *top, const char *pattern, struct listing **ret_listing,
		struct error *err);
void listing_free(struct listing *listing);
CLEANUP_DEFINE(struct listing, listing_free);

/* Call again and again until it says END. > 0 is always one of these: */
enum {
	LISTING_END = 1, /* listing_names has them all */
	LISTING_NEED, /* bring the role listing_role, signed by listing_signers, to listing_enter */
};
int listing_next(struct listing *listing, struct error *err);

/* The role that is needed. Lent until the next call. */
const char *listing_role(const struct listing *listing);
const struct signers *listing_signers(const struct listing *listing);

/* Takes the role that was asked for. */
void listing_enter_consume(struct listing *listing, struct targets *targets);

/* Each path once, the newest version first (target_pattern_compare), equally new ones in order of path. */
const struct listing_name *listing_names(const struct listing *listing, size_t *ret_n);
