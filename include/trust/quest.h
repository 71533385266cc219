/*
 * What a client looks for in the targets roles: one target (trust/search.h), or the names of a pattern
 * (trust/listing.h). Both ask for roles in the same way.
 */
#pragma once

#include "trust/found.h"
#include "trust/listing.h"
#include "trust/search.h"

struct quest;

/* `top`, the top-level role, must live until quest_next says END. */
int quest_new_search(const struct targets *top, const char *path, struct quest **ret_quest,
		     struct error *err);
int quest_new_listing(const struct targets *top, const char *pattern, struct quest **ret_quest,
		      struct error *err);
void quest_free(struct quest *quest);
CLEANUP_DEFINE(struct quest, quest_free);

/* > 0 is always one of these: */
enum {
	QUEST_END = 1,
	QUEST_NEED, /* bring the role quest_role, signed by quest_signers, to quest_enter */
};
int quest_next(struct quest *quest, struct error *err);
const char *quest_role(const struct quest *quest);
const struct signers *quest_signers(const struct quest *quest);
void quest_enter_consume(struct quest *quest, struct targets *targets);

/*
 * After END: what was found, in *ret_found (NULL: no such target), or the listing, in *ret_listing;
 * the other one is left alone. Both are the caller's; what was there before is freed.
 */
int quest_take(struct quest *quest, bool consistent, struct found **ret_found,
	       struct listing **ret_listing, struct error *err);
