/*
 * Rounds of a group, for the command line: who its members are, as the configurations say; opening one; asking all of
 * them; watching it to its end. What is decided is decided by the workers (deploy/accord.h).
 */
#pragma once

#include <jansson.h>

#include "app/cli.h"
#include "store/group.h"
#include "store/request.h"

/* Members as [Group] says them, in the order of switching, all GROUP_ABSENT. FAULT_CONFIG: fewer than two, or more than 16. */
int round_members(const char *name, struct group *ret_group, struct error *err);

/* The record; > 0: GROUP_NEVER. */
int round_load(const char *name, struct group *ret_group, struct error *err);

/* Puts the request of one app into the round that is open and waits for it, or into a new one. */
int round_take_part(const char *name, const char *app, struct request *request, struct error *err);

/* Asks all members for what `wish` says, as one. Returns the exit status. */
struct round_errand {
	const struct cli_verb *verb;
	const char *name;
	bool json, no_follow;
	bool if_all; /* only if it may be done unattended: round_is_due */
};
int round_run(const struct round_errand *errand, const struct request *wish);

/*
 * Does a timer install something in all members? Each has Auto=yes, is idle, not held, and its last look found something new that is not known to be
 * bad; and the last round did not begin within the hour. > 0: ROUND_NOT_DUE, why says which of that is not so.
 */
enum { ROUND_NOT_DUE = 1 };
int round_is_due(const char *name, char *ret_why, size_t room, struct error *err);

/* A new reference; NULL without memory. */
json_t *round_json(const char *name, const struct group *group);
