/*
 * A transaction as a part of its group's round (store/group.h): the worker says in the group's record how far it has come, waits for
 * the others, and ends as the record says. Without a group nothing of this does anything.
 *
 * Whoever has come to GROUP_PASSED leaves only by the record: it commits once the verdict is GROUP_ALL, and reverts
 * only after it was GROUP_NONE, on disk. So there is no moment at which one member can commit and another one revert.
 */
#pragma once

#include "deploy/resume.h"
#include "deploy/session.h"
#include "store/group.h"

bool accord_is_bound(const struct session *session);

/* Joins the round, before anything is staged. > 0: ACCORD_ENDED, it may not: the transaction has ended (refused). */
enum { ACCORD_ENDED = 1 };
int accord_join(struct session *session, struct error *err);

/*
 * All is ready for the switch. > 0: ACCORD_WAIT, others are not, or it was waited: look at everything again; or something
 * else is wanted.
 */
enum { ACCORD_WAIT = 1 };
int accord_wait_for_turn(struct session *session, struct error *err);

/* Notes the step. *ret_group is the record as it is then. */
int accord_note(struct session *session, enum group_step step, struct group *ret_group,
		struct error *err);

/* The watch window was passed. > 0: ACCORD_WAIT, not by all of them yet: it is watched on. */
int accord_pass(struct session *session, struct error *err);

/*
 * This member will not commit: GROUP_NONE. > 0: ACCORD_ALL, too late, the group has committed. reason is of this
 * app alone.
 */
enum { ACCORD_ALL = 1 };
int accord_veto(struct session *session, enum fault fault, const char *reason, struct error *err);

/* From the worker's waits: has another member spoilt it? Then this one ends, or reverts. */
int accord_look(struct session *session, struct error *err);

/* After a restart of worker or machine: what the record says comes before what resume_judge said. */
int accord_resume(struct session *session, enum resume_verdict *verdict, char *reason, size_t room,
		  struct error *err);

/* Is it for the sake of another member that this one goes back? Then its release is not a bad one. */
bool accord_is_spared(const struct session *session);
