/*
 * Several apps that are updated as one: the record of their round, in STATE/NAME.group/record (store/record.h), written by whoever holds
 * `lock` beside it. It alone says how the round ends: for all or for none. Each member's worker says in it how far it has come;
 * the record that has all of them at GROUP_PASSED is the one that has the verdict GROUP_ALL, in the same write.
 */
#pragma once

#include "store/state.h"

#define GROUP_MEMBERS_MAX 16
#define GROUP_SUFFIX	  ".group"
#define GROUP_JOIN_USEC	  (600 * USEC_PER_SEC) /* that a member may take until it takes part */

enum group_step {
	GROUP_ABSENT, /* not asked yet, or it has not answered */
	GROUP_JOINED, /* its transaction has begun */
	GROUP_STAGED, /* all is ready for its switch */
	GROUP_RUNNING, /* its start probes were passed */
	GROUP_PASSED, /* its watch window was passed; it runs on, watched */
	GROUP_ENDED, /* its outcome is recorded */
	GROUP_STEP_MAX,
};

enum group_verdict {
	GROUP_OPEN,
	GROUP_ALL, /* every member commits: the commit point of the group */
	GROUP_NONE, /* every member goes back, or ends untouched */
	GROUP_VERDICT_MAX,
};

struct group_member {
	char app[STATE_GROUP_MAX];
	unsigned int step; /* enum group_step */
};

struct group {
	char round[STATE_ID_MAX]; /* empty: there was none yet */
	uint64_t began; /* realtime */
	char who[STATE_WHO_MAX];
	unsigned int verdict; /* enum group_verdict */
	char culprit[STATE_GROUP_MAX]; /* GROUP_NONE: the member for whose sake */
	enum fault fault;
	char reason[STATE_REASON_MAX];
	struct group_member
		members[GROUP_MEMBERS_MAX]; /* in the order of switching; an empty name ends them */
};

const char *group_step_name(unsigned int step);
const char *group_verdict_name(unsigned int verdict);

/* Makes the directory of the group below `state` (an absolute path) and what is in it, durably; idempotent. */
int group_create(const char *state, const char *name, struct error *err);

/* > 0: GROUP_NEVER, there is no such directory. */
enum { GROUP_NEVER = 1 };
int group_open_dir(const char *state, const char *name, int *ret_dirfd, struct error *err);

int group_lock(int dirfd, int *ret_lock_fd, struct error *err); /* waits; FAULT_BUSY in the end */
int group_load(int dirfd, struct group *ret_group, struct error *err);
int group_store(int dirfd, const struct group *group, struct error *err); /* by who has the lock */

/* Of one member; NULL: it is none. */
struct group_member *group_find(struct group *group, const char *app);

bool group_has_come(const struct group *group, const char *app, enum group_step step);

/* Is nobody at work in it any more? Only then another round may take its place. */
bool group_is_over(const struct group *group);

/* Notes how far a member has come (never back); has everybody passed, it is GROUP_ALL. Returns whether anything changed. */
bool group_advance(struct group *group, const char *app, enum group_step step);

/* GROUP_NONE, if nothing is decided yet. Returns whether that changed anything. */
bool group_veto(struct group *group, const char *app, enum fault fault, const char *reason);

/* Is it this member's turn: everybody ready, all before it running? Never without the verdict still open. */
bool group_may_switch(const struct group *group, const char *app);

/* The first member that has not come that far (yet); NULL: none. */
const struct group_member *group_find_behind(const struct group *group, enum group_step step);
