/*
 * How a transaction ends: exactly one outcome, on disk before anything else is done about it.
 */
#pragma once

#include "deploy/session.h"

/*
 * Any outcome but committed. reason is one line for a person. What follows from the outcome is recorded in the
 * same write: a release that was tried and reverted is remembered as bad.
 */
int ending_end(struct session *session, enum outcome outcome, enum fault fault, const char *reason,
	       struct error *err);

/*
 * The release that was switched to did not pass: REVERTING, or with OnFail=keep, or if its data bars the way back, the end: it stays, as `failed`.
 */
int ending_unhealthy(struct session *session, const char *reason, struct error *err);

/* The same of one whose probes nobody could ask: it goes back to what is known to be good, but is not remembered as bad. */
int ending_unjudged(struct session *session, const char *reason, struct error *err);

/*
 * committed: the target is the known good release from now on, the one before it the fallback. A switch or a
 * rollback that a person asked for also puts a hold, so that no timer undoes it.
 */
int ending_commit(struct session *session, const char *reason, struct error *err);

/* Puts an outcome into the history that is in the state, but not there yet. Idempotent. */
int ending_record(struct session *session, struct error *err);
