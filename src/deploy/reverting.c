#include <string.h>

#include "base/text.h"
#include "deploy/astray.h"
#include "deploy/data.h"
#include "deploy/ending.h"
#include "deploy/flip.h"
#include "deploy/imprint.h"
#include "deploy/resume.h"
#include "deploy/shipped.h"
#include "deploy/reverting.h"
#include "deploy/siblings.h"
#include "deploy/switching.h"
#include "deploy/trial.h"
#include "deploy/vacancy.h"
#include "store/layout.h"

#define RETRY_PAUSE_USEC USEC_PER_SEC
#define LOOK_BACK_USEC	 (2 * USEC_PER_SEC)
#define STOPS_IN_HASTE	 5 /* that are waited for, by as many workers */

/* A first install has nothing to go back to: the unit is stopped, and nothing is left that would start it. */
static int give_up_first(struct session *session, struct error *err)
{
	enum job_result result = JOB_RESULT_OTHER;
	char reason[STATE_REASON_MAX];
	int r;

	r = switching_job(session, JOB_STOP, &result, err);
	if (r != 0)
		return r < 0 ? r : 0;
	r = layout_remove_current(session->dirfd, err);
	if (r < 0)
		return r;
	(void)text_copy(session->state.transaction.reason, reason, sizeof(reason));
	return ending_end(session, OUTCOME_FAILED_FIRST, session->state.transaction.fault, reason,
			  err);
}

static int end(struct session *session, enum outcome outcome, const char *also, struct error *err)
{
	const struct state_transaction *transaction = &session->state.transaction;
	char before[STATE_REASON_MAX / 2 - 10];
	char reason[STATE_REASON_MAX];

	if (also[0])
		(void)text_print(reason, sizeof(reason), "%s; after the rollback: %s",
				 text_clip(transaction->reason, before, sizeof(before)), also);
	else
		(void)text_copy(transaction->reason, reason, sizeof(reason));
	return ending_end(session, outcome, transaction->fault, reason, err);
}

static void exchange_data(struct session *session)
{
	struct error why = { .text = "neither it nor what was kept aside is where it was" };

	if (data_restore(session, &why) != 0)
		session_tell(session, EVENT_WARNING, why.fault,
			     "the data could not be put back: %s", why.text);
}

/*
 * The service is stopped, and its old data is put back: the old code may not be able to read what the new one made of it. What goes wrong
 * here is told, and takes nothing from bringing the service back. > 0: as switching_job.
 */
static int put_data_back(struct session *session, struct error *err)
{
	enum job_result result = JOB_RESULT_OTHER;
	bool back = false;
	int r;

	if (data_is_back(session, &back, NULL) == 0 && back)
		return 0;
	r = switching_job(session, JOB_STOP, &result, err);
	if (r == 0)
		exchange_data(session);
	return r;
}

/* Before the next try. */
static int pause_after(struct session *session, const char *what, const char *why,
		       struct error *err)
{
	session_tell(session, EVENT_WARNING, FAULT_UNHEALTHY,
		     "the release from before %s (%s); trying again", what, why);
	return manager_wait(session->manager, session->wake_fd, RETRY_PAUSE_USEC, err);
}

/*
 * > 0: SWITCHING_INTERRUPTED. *ret_up says whether the unit came up on the old slot, ret_why why not. *failures are counted up to
 * MaxRollbacks=.
 */
static int bring_back(struct session *session, unsigned int *failures, bool *ret_up, char *ret_why,
		      size_t room, struct error *err)
{
	const struct state_transaction *transaction = &session->state.transaction;
	enum job_result result = JOB_RESULT_OTHER;
	int r;

	r = switching_runs(session, transaction->origin, transaction->invocation, ret_up, err);
	if (r == 0 && *ret_up)
		(void)data_is_back(session, ret_up, NULL);
	if (r < 0 || *ret_up)
		return r;
	if (astray_is(session))
		(void)imprint_restore(session);
	for (;;) {
		r = put_data_back(session, err);
		if (r != 0)
			return r;
		r = flip_to(session, transaction->origin, &result, err);
		if (r < 0 || r == SWITCHING_INTERRUPTED)
			return r;
		*ret_up = r == 0 && result == JOB_RESULT_DONE;
		if (*ret_up)
			return 0;
		if (imprint_restore(session))
			continue;
		r = vacancy_wait(session, err);
		if (r == VACANCY_FREE)
			continue;
		if (r != 0)
			return r < 0 ? r : SWITCHING_INTERRUPTED;
		r = switching_explain(session, r == 0 ? result : JOB_RESULT_OTHER, ret_why, room,
				      err);
		vacancy_blame(session, ret_why, room);
		if (r < 0 || ++*failures >= session->options->max_rollbacks)
			return r;
		r = pause_after(session, "did not start either", ret_why, err);
		if (r < 0)
			return r;
	}
}

/*
 * It is looked at until it has been up for a moment. Counted from its start, which outlives this worker: one
 * that is killed again and again must still get to the end.
 */
static int find_end_of_look(struct session *session, uint64_t *ret_end, struct error *err)
{
	uint64_t watch = session->options->watch_usec;
	_cleanup_unit_ struct unit unit = {};
	uint64_t began = clock_monotonic_usec();
	int r = session_query(session, &unit, err);

	if (r < 0)
		return r;
	if (unit.active_enter_usec > 0 && unit.active_enter_usec < began)
		began = unit.active_enter_usec;
	*ret_end = began + (watch < LOOK_BACK_USEC ? watch : LOOK_BACK_USEC);
	return 0;
}

static int look_at_unit(struct session *session, bool *ret_runs, unsigned int *ret_restarts,
			struct error *err)
{
	_cleanup_unit_ struct unit unit = {};
	int r = session_query(session, &unit, err);

	if (r < 0)
		return r;
	*ret_runs = unit_is_running(&unit);
	*ret_restarts = unit.restarts;
	return 0;
}

/*
 * The old release is probed as well, and watched for a moment: "rolled back" is not said of one that dies
 * right away. What failed on it before the flip is no news, nor that systemd has restarted it before this look.
 */
static int probe_old(struct session *session, unsigned int restarts,
		     struct judge_report *ret_report, struct error *err)
{
	const struct state_transaction *transaction = &session->state.transaction;
	struct judge_options judge = {
		.phase = JUDGE_START,
		.deadline = clock_monotonic_usec() + switching_start_budget(session),
		.slot_path = session_slot_path(session, transaction->origin),
		.other_path = session_slot_path(session, transaction->target),
		.exempt = transaction->baseline,
		.restarts = restarts,
		.unasked_usec = JUDGE_UNASKED_USEC,
		.siblings = transaction->siblings,
	};
	int r;

	*ret_report = (struct judge_report){};
	r = trial_judge(session, &judge, ret_report, err);
	if (r != JUDGE_PASSED)
		return r;
	judge.phase = JUDGE_WATCH;
	judge.invocation = ret_report->invocation;
	r = find_end_of_look(session, &judge.deadline, err);
	if (r < 0)
		return r;
	return trial_judge(session, &judge, ret_report, err);
}

/* A verdict, or < 0. *ret_up: bad, but it has stayed up. */
static int look_back(struct session *session, struct judge_report *ret_report, bool *ret_up,
		     struct error *err)
{
	unsigned int before, after;
	int r;

	r = look_at_unit(session, ret_up, &before, err);
	if (r < 0)
		return r;
	r = probe_old(session, before, ret_report, err);
	if (r != JUDGE_BAD)
		return r;
	r = look_at_unit(session, ret_up, &after, err);
	if (r < 0)
		return r;
	*ret_up = *ret_up && after == before;
	return JUDGE_BAD;
}

/* Up to MaxRollbacks= times: one that was killed while it was looked at is no bad release. A verdict, or < 0. */
static int try_old(struct session *session, struct judge_report *ret_report, bool *ret_up,
		   struct error *err)
{
	char why[STATE_REASON_MAX - 30] = "";
	unsigned int failures = 0;
	int r;

	for (;;) {
		char sibling[STATE_REASON_MAX] = "";

		r = bring_back(session, &failures, ret_up, why, sizeof(why), err);
		if (r != 0)
			return r < 0 ? r : JUDGE_INTERRUPTED;
		r = siblings_restart(session, sibling, sizeof(sibling), err);
		if (r < 0 || r == SIBLINGS_INTERRUPTED)
			return r < 0 ? r : JUDGE_INTERRUPTED;
		if (!*ret_up) {
			(void)text_print(ret_report->reason, sizeof(ret_report->reason),
					 "the unit does not start: %s", why);
			return JUDGE_BAD;
		}
		r = look_back(session, ret_report, ret_up, err);
		if (r == JUDGE_BAD && !*ret_up && imprint_restore(session))
			continue;
		if ((r == JUDGE_PASSED || r == JUDGE_UNASKED) && sibling[0]) {
			(void)text_copy(sibling, ret_report->reason, sizeof(ret_report->reason));
			*ret_up = true;
			return JUDGE_BAD;
		}
		if (r != JUDGE_BAD || *ret_up || ++failures >= session->options->max_rollbacks)
			return r;
		r = pause_after(session, "did not stay up", ret_report->reason, err);
		if (r < 0)
			return r;
	}
}

/*
 * The old code must not find what the new one made of the data, whoever dies here. A service that does not stop while a worker lives loses
 * its data while it runs: what it does to it by the name, until its restart has stopped it, it does to the old one. > 0: as switching_job.
 */
static int put_data_back_in_haste(struct session *session, struct error *err)
{
	if (session->state.transaction.attempts <= RESUME_ATTEMPTS_MAX + STOPS_IN_HASTE)
		return put_data_back(session, err);
	exchange_data(session);
	return 0;
}

/*
 * Worker after worker has died in here. What is known at once is recorded; a unit that does not provably run
 * the old release is left to systemd to restart, and to the tick to look after.
 */
static int end_in_haste(struct session *session, struct error *err)
{
	const struct state_transaction *transaction = &session->state.transaction;
	_cleanup_(job_freep) struct job *job = NULL;
	struct manager *manager;
	bool up;
	int r;

	r = switching_runs(session, transaction->origin, transaction->invocation, &up, err);
	if (r == 0 && up)
		(void)data_is_back(session, &up, NULL);
	if (r < 0)
		return r;
	if (up) {
		siblings_restart_in_haste(session);
		return end(session, OUTCOME_ROLLED_BACK_UNHEALTHY,
			   "the old release runs; each worker died before it had probed it", err);
	}
	r = put_data_back_in_haste(session, err);
	if (r != 0)
		return r < 0 ? r : 0;
	r = layout_point_current(session->dirfd, transaction->origin, err);
	if (r == 0)
		r = shipped_reload(session, err);
	if (r < 0)
		return r;
	if (astray_is(session))
		(void)imprint_restore(session);
	r = session_manager(session, &manager, err);
	if (r < 0)
		return r;
	r = unit_reset_failed(manager, session->options->unit, err);
	if (r < 0)
		return r;
	r = job_new(manager, JOB_RESTART, session->options->unit, &job, err);
	if (r < 0)
		return r;
	siblings_restart_in_haste(session);
	return end(session, OUTCOME_BOTH_BAD,
		   "each worker died before the old release was up; it is being restarted", err);
}

/* Worker after worker could not reach the user's manager, and nobody else may help it. */
static int end_unreachable(struct session *session, const struct error *why, struct error *err)
{
	const struct state_transaction *transaction = &session->state.transaction;
	char text[STATE_REASON_MAX];
	int r;

	exchange_data(session);
	if (transaction->origin == SLOT_NONE)
		r = layout_remove_current(session->dirfd, err);
	else
		r = layout_point_current(session->dirfd, transaction->origin, err);
	if (r < 0)
		return r;
	(void)text_print(text, sizeof(text), "%s", why->text);
	return transaction->origin == SLOT_NONE ?
		       ending_end(session, OUTCOME_FAILED_FIRST, FAULT_UNIT, text, err) :
		       end(session, OUTCOME_BOTH_BAD, text, err);
}

static int revert(struct session *session, struct error *err)
{
	struct judge_report report = {};
	bool up = false;
	int r;

	if (session->state.transaction.origin == SLOT_NONE)
		return give_up_first(session, err);
	if (session->state.transaction.attempts > RESUME_ATTEMPTS_MAX)
		return end_in_haste(session, err);
	r = try_old(session, &report, &up, err);
	if (r < 0 || r == JUDGE_INTERRUPTED)
		return r < 0 ? r : 0;
	if (r == JUDGE_PASSED)
		return end(session, OUTCOME_ROLLED_BACK, "", err);
	if (r == JUDGE_UNASKED) /* it was good before, and runs */
		return end(session, OUTCOME_ROLLED_BACK, report.reason, err);
	astray_blame(session, report.reason, sizeof(report.reason));
	return end(session, up ? OUTCOME_ROLLED_BACK_UNHEALTHY : OUTCOME_BOTH_BAD, report.reason,
		   err);
}

int reverting_run(struct session *session, struct error *err)
{
	struct error why = {};
	int r = revert(session, &why);

	if (r >= 0)
		return r;
	if (session->options->user && why.fault == FAULT_UNIT &&
	    session->state.transaction.attempts > RESUME_ATTEMPTS_MAX)
		return end_unreachable(session, &why, err);
	return error_set(err, why.fault, "%s", why.text);
}

int reverting_reassert(struct session *session, struct error *err)
{
	bool both_bad = session->state.transaction.outcome == OUTCOME_BOTH_BAD;
	enum job_result result = JOB_RESULT_OTHER;
	_cleanup_unit_ struct unit unit = {};
	int r;

	if (session->state.phase != PHASE_IDLE || (!both_bad && !session->repointed))
		return 0;
	r = session_query(session, &unit, err);
	if (r < 0 || unit_is_running(&unit) || (!both_bad && unit_may_be_stopped(&unit)))
		return r;
	r = unit_reset_failed(session->manager, session->options->unit, err);
	if (r < 0)
		return r;
	r = switching_job(session, JOB_START, &result, err);
	if (r < 0)
		return r;
	session_tell(session, EVENT_WARNING, FAULT_UNHEALTHY,
		     "%s; %s was found down and started again (%s)",
		     both_bad ? "both releases are bad" : "its release was gone",
		     session->options->unit, job_result_name(result));
	return 0;
}
