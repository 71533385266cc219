#include <string.h>

#include "base/text.h"
#include "deploy/accord.h"
#include "deploy/astray.h"
#include "deploy/ending.h"
#include "deploy/growth.h"
#include "deploy/mailbox.h"
#include "deploy/switching.h"
#include "deploy/trial.h"
#include "deploy/vacancy.h"
#include "store/layout.h"
#include "unit/occupant.h"

#define STARTS_MAX 2 /* by us, of a unit that stopped without failing */
#define AGAIN_USEC USEC_PER_SEC

/* Starts the unit (again) and takes its new invocation for the one under judgement. > 0: a verdict. */
static int start_again(struct session *session, struct judge_options *judge,
		       struct judge_report *report, struct error *err)
{
	enum job_result result = JOB_RESULT_OTHER;
	_cleanup_unit_ struct unit unit = {};
	struct manager *manager;
	char why[STATE_REASON_MAX];
	int r;

	r = session_manager(session, &manager, err);
	if (r < 0)
		return r;
	r = unit_reset_failed(manager, session->options->unit, err);
	if (r < 0)
		return r;
	r = switching_job(session, JOB_START, &result, err);
	if (r < 0)
		return r;
	if (r == SWITCHING_INTERRUPTED)
		return JUDGE_INTERRUPTED;
	r = unit_query(manager, session->options->unit, &unit, err);
	if (r < 0)
		return r;
	if (result != JOB_RESULT_DONE) {
		r = switching_explain(session, result, why, sizeof(why), err);
		if (r < 0)
			return r;
		(void)text_print(report->reason, sizeof(report->reason), "%.80s did not start: %s",
				 unit.name, why);
		return JUDGE_BAD;
	}
	(void)text_copy(unit.invocation, report->invocation, sizeof(report->invocation));
	judge->invocation = report->invocation;
	return 0;
}

static uint64_t later(uint64_t moment, uint64_t span)
{
	return span < USEC_INFINITY - moment ? moment + span : USEC_INFINITY;
}

static uint64_t deadline(const struct session *session, uint64_t span)
{
	return later(session->state.transaction.phase_began_monotonic, span);
}

static uint64_t anew(const struct session *session, enum judge_phase phase)
{
	return later(clock_monotonic_usec(), phase == JUDGE_WATCH ?
						     session->options->watch_usec :
						     switching_start_budget(session));
}

/* Not its fault, if a port was not free: then it is started again, and judged anew. Returns 0 for that, or as trial_judge. */
static int start_when_free(struct session *session, struct judge_options *judge,
			   struct judge_report *report, struct error *err)
{
	int r = vacancy_wait(session, err);

	if (r == 0)
		vacancy_blame(session, report->reason, sizeof(report->reason));
	if (r <= 0)
		return r < 0 ? r : JUDGE_BAD;
	if (r == VACANCY_INTERRUPTED)
		return JUDGE_INTERRUPTED;
	judge->deadline = anew(session, judge->phase);
	return start_again(session, judge, report, err);
}

int trial_judge(struct session *session, struct judge_options *judge,
		struct judge_report *ret_report, struct error *err)
{
	struct manager *manager;
	int r;

	judge->current_path = session->current_path;
	judge->before = session->vacancy.was_up ? &session->vacancy.ports : NULL;
	judge->interrupt = mailbox_interrupt;
	judge->interrupt_data = session;
	judge->wake_fd = session->wake_fd;
	for (unsigned int starts = 0;; starts++) {
		r = session_manager(session, &manager, err);
		if (r < 0)
			return r;
		r = judge_run(session->options, judge, manager, session->listener, &session->state,
			      ret_report, err);
		if (r == JUDGE_BAD) {
			r = start_when_free(session, judge, ret_report, err);
			if (r != 0)
				return r;
			continue;
		}
		if (r != JUDGE_STOPPED)
			return r;
		if (starts >= STARTS_MAX) {
			text_append(ret_report->reason, sizeof(ret_report->reason),
				    "; it was started again %u times", starts);
			return JUDGE_BAD;
		}
		session_tell(session, EVENT_NOTE, FAULT_NONE, "%s; it is started again",
			     ret_report->reason);
		r = start_again(session, judge, ret_report, err);
		if (r != 0)
			return r;
		if (judge->phase == JUDGE_WATCH) /* probation begins anew */
			judge->deadline = anew(session, judge->phase);
	}
}

static struct judge_options judge_target(const struct session *session)
{
	const struct state_transaction *transaction = &session->state.transaction;

	return (struct judge_options){
		.slot_path = session_slot_path(session, transaction->target),
		.other_path = session_slot_path(session, slot_other(transaction->target)),
		.exempt = transaction->baseline,
		.siblings = transaction->siblings,
		.invocation = transaction->invocation,
		.unasked_usec = verb_stages(transaction->verb) ? JUDGE_UNASKED_NEW_USEC :
								 JUDGE_UNASKED_USEC,
	};
}

/*
 * Nobody could ask its probes. One that was good before may stay, since it runs; a new one goes back, as nobody can say that it is good.
 * 0: it stays. > 0: it has been sent back.
 */
enum { UNJUDGED_GOES = 1 };
static int settle_unjudged(struct session *session, const char *reason, struct error *err)
{
	int r;

	if (!verb_stages(session->state.transaction.verb)) {
		session_tell(session, EVENT_WARNING, FAULT_UNIT,
			     "%s; it was good before, and stays", reason);
		return 0;
	}
	r = ending_unjudged(session, reason, err);
	return r < 0 ? r : UNJUDGED_GOES;
}

int trial_run(struct session *session, struct error *err)
{
	struct state_transaction *transaction = &session->state.transaction;
	struct judge_options judge = judge_target(session);
	struct judge_report report = {};
	int r;

	judge.phase = JUDGE_START;
	judge.patience = switching_start_budget(session);
	judge.deadline = deadline(session, judge.patience);
	r = trial_judge(session, &judge, &report, err);
	if (r < 0 || r == JUDGE_INTERRUPTED)
		return r < 0 ? r : 0;
	if (r == JUDGE_BAD)
		return ending_unhealthy(session, report.reason, err);
	if (r == JUDGE_UNASKED) {
		r = settle_unjudged(session, report.reason, err);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	(void)text_copy(report.invocation, transaction->invocation,
			sizeof(transaction->invocation));
	if (session->job_began > 0)
		transaction->downtime = clock_monotonic_usec() - session->job_began;
	return session_enter(session, MACHINE_PASSED, err);
}

/* What the old release left running is said now; the next install would empty the slot under it. */
static void tell_leftovers(struct session *session)
{
	const struct state_transaction *transaction = &session->state.transaction;
	_cleanup_unit_ struct unit unit = {};
	struct occupants occupants;
	char who[256];

	if (transaction->origin == SLOT_NONE || session_query(session, &unit, NULL) < 0 ||
	    occupant_find(&unit, session_slot_path(session, transaction->origin), &occupants,
			  NULL) < 0 ||
	    occupants.n == 0)
		return;
	session_tell(session, EVENT_WARNING, FAULT_NONE,
		     "still running from slot %s, with the code of %s: %s",
		     slot_name(transaction->origin), transaction->from_version,
		     occupant_describe(&occupants, occupants.n, who, sizeof(who)));
}

/*
 * One watch window; or, once it was passed, a moment more while the group waits for others. > 0: it was passed.
 */
enum { WATCH_PASSED = 1 };
static int watch(struct session *session, bool again, struct judge_report *ret_report,
		 bool *ret_unasked, struct error *err)
{
	struct judge_options judge = judge_target(session);
	char reason[STATE_REASON_MAX];
	int r;

	judge.phase = JUDGE_WATCH;
	judge.deadline = again ? clock_monotonic_usec() + AGAIN_USEC :
				 deadline(session, session->options->watch_usec);
	r = trial_judge(session, &judge, ret_report, err);
	if (r < 0 || r == JUDGE_INTERRUPTED)
		return r < 0 ? r : 0;
	if (r == JUDGE_BAD)
		return ending_unhealthy(session, ret_report->reason, err);
	if (r == JUDGE_UNASKED) {
		r = settle_unjudged(session, ret_report->reason, err);
		if (r != 0)
			return r < 0 ? r : 0;
		*ret_unasked = true;
	}
	r = again ? 0 : growth_judge(session, reason, sizeof(reason), err);
	if (r != 0)
		return r < 0 ? r : ending_unhealthy(session, reason, err);
	r = accord_pass(session, err);
	return r == 0 ? WATCH_PASSED : r < 0 ? r : 0;
}

int trial_watch(struct session *session, struct error *err)
{
	struct judge_report report = {};
	char reason[STATE_REASON_MAX];
	char span[CLOCK_TEXT_MAX], remark[80];
	struct group group = {};
	bool again, unasked = false;
	int r;

	r = accord_note(session, GROUP_RUNNING, &group, err);
	if (r < 0)
		return r;
	again = group_has_come(&group, session->options->app, GROUP_PASSED);
	if (group.verdict != GROUP_ALL) {
		r = watch(session, again, &report, &unasked, err);
		if (r != WATCH_PASSED)
			return r;
	}
	/* whatever was done to `current` meanwhile: what is committed is what it names */
	r = layout_point_current(session->dirfd, session->state.transaction.target, err);
	if (r < 0)
		return r;
	tell_leftovers(session);
	astray_warn(session);
	(void)snprintf(
		reason, sizeof(reason), "%s for %s (proof: %s)%s",
		unasked ? "nobody could ask its probes; it ran" : "passed its probes and was well",
		clock_format_span(session->options->watch_usec, span),
		proof_name(report.proof.proof), vacancy_remark(session, remark, sizeof(remark)));
	return ending_commit(session, reason, err);
}
