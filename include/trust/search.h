/*
 * The search for the role that speaks for a target (TUF specification 5.6.7): depth first, a role
 * before those that it delegates to, delegations in their order. No file is touched: the caller
 * brings the roles.
 *
 *     targets ── A ── C
 *        └────── B (terminating)
 *                └── C
 *
 * A role that was visited is skipped, by whatever way it is reached again (5.6.7.1): here C is not
 * asked for by B.
 *
 * A terminating delegation that matches takes all that is still waiting off the list, on all
 * levels. At most SEARCH_ROLES_MAX delegated roles are entered; after that the target is not
 * found.
 */
#pragma once

#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "trust/signers.h"
#include "trust/targets.h"

#define SEARCH_ROLES_MAX 32

struct search;

/* `top`, the top-level role, must live as long as the search. */
int search_new(const struct targets *top, const char *path, struct search **ret_search,
	       struct error *err);
void search_free(struct search *search);
CLEANUP_DEFINE(struct search, search_free);

/* Call again and again until it says FOUND or END. > 0 is always one of these: */
enum {
	SEARCH_FOUND = 1, /* search_file and search_role tell */
	SEARCH_END, /* nobody who may speak for it lists it */
	SEARCH_NEED, /* bring the role search_role, signed by search_signers, to search_enter */
};
int search_next(struct search *search, struct error *err);

/* The role that is needed, or that was found in. Lent until the next call. */
const char *search_role(const struct search *search);
const struct signers *search_signers(const struct search *search);
const char *search_path(const struct search *search);
const struct targets_file *search_file(const struct search *search);

/* Takes the role that was asked for. */
void search_enter_consume(struct search *search, struct targets *targets);
