/*
 * A job in the manager's queue, from the call to its result (signal JobRemoved).
 */
#pragma once

#include "unit/manager.h"

enum job_type {
	JOB_START,
	JOB_STOP,
	JOB_RESTART,
};

enum job_result {
	JOB_RESULT_DONE,
	JOB_RESULT_CANCELED, /* pushed out of the queue by somebody else's job */
	JOB_RESULT_TIMEOUT,
	JOB_RESULT_FAILED,
	JOB_RESULT_DEPENDENCY,
	JOB_RESULT_SKIPPED,
	JOB_RESULT_OTHER,
	JOB_RESULT_MAX,
};

const char *job_result_name(enum job_result result);

struct job; /* owned by the caller, freed before its manager; freeing does not cancel the job */

/* Listens for the result, then enqueues with mode "replace". */
int job_new(struct manager *manager, enum job_type type, const char *unit, struct job **ret_job,
	    struct error *err);

/*
 * The same for a call that is already written and answers with a job's path (StartTransientUnit). `call`
 * is of manager_bus(), is sent once and stays the caller's.
 */
int job_new_by_call(struct manager *manager, const char *unit, sd_bus_message *call,
		    struct job **ret_job, struct error *err);
void job_free(struct job *job);
CLEANUP_DEFINE(struct job, job_free);

uint64_t job_began(const struct job *job); /* monotonic */

/*
 * Waits at most timeout_usec, or until fd (-1: none) is readable. > 0: JOB_PENDING, not yet. When the
 * signal was lost with the connection, the result is found out from the queue: a job that is gone
 * without a signal seen is JOB_RESULT_DONE if its unit runs, and began to since; JOB_RESULT_OTHER otherwise.
 */
enum { JOB_PENDING = 1 };
int job_wait(struct job *job, int fd, uint64_t timeout_usec, enum job_result *ret_result,
	     struct error *err);

/* Starts a unit and does not wait for anything but the manager's "enqueued". */
int job_start_and_forget(struct manager *manager, const char *unit, struct error *err);
/* The same, of any type. No such unit is fine for JOB_STOP. */
int job_forget(struct manager *manager, enum job_type type, const char *unit, struct error *err);
