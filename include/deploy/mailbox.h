/*
 * Requests from outside: deciding on them and answering. Reaches a worker in any phase.
 */
#pragma once

#include "deploy/session.h"

/*
 * Pure: may this request be done now? 0: yes. Otherwise < 0 with the fault and the reason in err.
 */
int mailbox_judge(const struct state *state, const struct request *request, struct error *err);

/*
 * Begins the transaction that the request asks for, from IDLE. unattended: the timer asks, nobody waits for an
 * answer.
 */
int mailbox_begin(struct session *session, const struct request *request, bool unattended,
		  struct error *err);

/*
 * Looks for a request and answers it: the answer, and what was accepted, are in the state on disk
 * when this returns (a rollback has moved the phase to REVERTING then, a cancel to IDLE). Also notices the wish to stop.
 */
int mailbox_serve(struct session *session, struct error *err);

/*
 * For judge_options.interrupt and the like: serves; > 0 if the step that runs must let go, because the phase
 * is not the one that it works on any more, or the worker shall stop. data is the session.
 */
int mailbox_interrupt(void *data);

/* Waits so long, or until something comes. > 0: MAILBOX_LET_GO, as mailbox_interrupt says it. */
enum { MAILBOX_LET_GO = 1 };
int mailbox_pause(struct session *session, uint64_t usec, struct error *err);
