/*
 * STAGED and SWITCHING: from the last look before anything is touched to the unit running the other slot.
 */
#pragma once

#include "deploy/session.h"
#include "unit/job.h"

#define SWITCHING_STEADY_USEC \
	(5 * USEC_PER_SEC) /* up for that long, a service may excuse probes (baseline) */

/*
 * Runs preflight and tells of each finding. With findings the transaction has ended with `refused` and
 * *ret_go is false.
 */
int switching_preflight(struct session *session, enum slot target, bool *ret_go, struct error *err);

/* STAGED: preflight on the staged slot, the baseline; ends in SWITCHING or refused. */
int switching_prepare(struct session *session, struct error *err);

/* SWITCHING: flips, restarts, waits for the job; ends in TRIAL or REVERTING. */
int switching_run(struct session *session, struct error *err);

/*
 * Runs one job of the unit to its end, telling of long waits. > 0: SWITCHING_INTERRUPTED (a request or a stop),
 * SWITCHING_LATE: the unit has been starting for longer than the start budget without saying that it gets
 * on (STATUS=, EXTEND_TIMEOUT_USEC=).
 */
enum { SWITCHING_INTERRUPTED = 1, SWITCHING_LATE = 2 };
int switching_job(struct session *session, enum job_type type, enum job_result *ret_result,
		  struct error *err);

/* The same for another unit of the same manager. */
int switching_job_of(struct session *session, const char *unit, enum job_type type,
		     enum job_result *ret_result, struct error *err);

/* One line for a person why the unit is not up after a job with that result. */
int switching_explain(struct session *session, enum job_result result, char *ret_text, size_t room,
		      struct error *err);

/* How long a start may take: the configured deadline, or three times the longest remembered start. */
uint64_t switching_start_budget(const struct session *session);

/*
 * Does `current` name the slot, and does the unit provably run it, under another invocation than the given one?
 * Then nothing is left to be restarted.
 */
int switching_runs(struct session *session, enum slot slot, const char *not_invocation,
		   bool *ret_runs, struct error *err);
