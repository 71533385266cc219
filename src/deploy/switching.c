#include <string.h>

#include "base/text.h"
#include "deploy/accord.h"
#include "deploy/baseline.h"
#include "deploy/data-helper.h"
#include "deploy/data.h"
#include "deploy/ending.h"
#include "deploy/epoch.h"
#include "deploy/flip.h"
#include "deploy/gate.h"
#include "deploy/growth.h"
#include "deploy/helpers.h"
#include "deploy/imprint.h"
#include "deploy/intact.h"
#include "deploy/mailbox.h"
#include "deploy/preflight.h"
#include "deploy/rehearsal.h"
#include "deploy/shipped.h"
#include "deploy/siblings.h"
#include "deploy/switching.h"
#include "deploy/vacancy.h"
#include "store/layout.h"
#include "unit/proof.h"

#define LOOK_PERIOD_USEC USEC_PER_SEC
#define TELL_PERIOD_USEC (10 * USEC_PER_SEC)
#define QUIET_USEC	 (60 * USEC_PER_SEC) /* that jobs of others are waited for */

static int refuse(struct session *session, const struct preflight *preflight, struct error *err)
{
	char reason[STATE_REASON_MAX];
	size_t n = preflight->n_findings;

	for (size_t i = 0; i < n; i++)
		session_tell(session, EVENT_FINDING, preflight->findings[i].fault, "%s",
			     preflight->findings[i].text);
	(void)text_copy(preflight->findings[0].text, reason, sizeof(reason));
	if (n > 1) {
		size_t size = strnlen(reason, sizeof(reason) - 40);

		(void)snprintf(reason + size, sizeof(reason) - size, " (and %zu more)", n - 1);
	}
	return ending_end(session, OUTCOME_REFUSED, preflight->findings[0].fault, reason, err);
}

/*
 * A job of the unit that is in the queue, as after a boot, is waited for: it is no reason to refuse an
 * update. Not the jobs of systemd's own restarts, of which there may be no end. Ends early when a request or a stop wants something else.
 */
static int let_jobs_end(struct session *session, struct manager *manager, bool start,
			struct error *err)
{
	uint64_t end = clock_monotonic_usec() + QUIET_USEC;

	while (clock_monotonic_usec() < end) {
		_cleanup_unit_ struct unit unit = {};
		int r = unit_query(manager, session->options->unit, &unit, err);

		if (r < 0 || !unit.job_pending || preflight_ignores_job(&unit, start) ||
		    mailbox_interrupt(session) > 0)
			return r;
		r = manager_wait(manager, session->wake_fd, LOOK_PERIOD_USEC / 5, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int ask_preflight(struct session *session, const struct preflight_input *input,
			 struct preflight *ret_preflight, struct error *err)
{
	struct manager *manager = NULL;
	struct error why = {};
	int r = session_manager(session, &manager, &why);

	if (r < 0)
		return preflight_give_up(&why, ret_preflight);
	if (!input->attended_override)
		r = let_jobs_end(session, manager, input->start, &why);
	if (r >= 0)
		r = preflight_run(session->options, input, manager, ret_preflight, &why);
	if (r >= 0)
		r = helpers_preflight(session->options, input, ret_preflight, &why);
	if (r < 0 && session->options->user)
		return preflight_give_up(&why, ret_preflight);
	return r < 0 ? error_set(err, why.fault, "%s", why.text) : 0;
}

int switching_preflight(struct session *session, enum slot target, bool *ret_go, struct error *err)
{
	const struct state_transaction *transaction = &session->state.transaction;
	const struct preflight_input input = {
		.state = &session->state,
		.dirfd = session->dirfd,
		.target = target,
		.current = transaction->origin,
		.start = transaction->start || transaction->verb == VERB_ROLLBACK,
		.attended_override = !verb_stages(transaction->verb),
	};
	struct preflight preflight = {};
	int r;

	*ret_go = false;
	r = ask_preflight(session, &input, &preflight, err);
	if (r < 0 || session->stop || session->state.phase != session->working)
		return r;
	if (preflight.warning[0] && target != SLOT_NONE) /* once is enough */
		session_tell(session, EVENT_WARNING, FAULT_NONE, "%s", preflight.warning);
	*ret_go = preflight.n_findings == 0;
	return *ret_go ? 0 : refuse(session, &preflight, err);
}

/* As the user of the unit that comes, if one does. */
static int rehearse(struct session *session, const struct unit *loaded, struct error *err)
{
	_cleanup_unit_ struct unit shipped = {};
	int r = shipped_unit(session->options, session->dirfd, session->state.transaction.target,
			     loaded, &shipped, err);

	if (r < 0)
		return r;
	return rehearsal_run(session, r == 0 ? &shipped : loaded, err);
}

int switching_prepare(struct session *session, struct error *err)
{
	struct state_transaction *transaction = &session->state.transaction;
	_cleanup_unit_ struct unit unit = {};
	char why[STATE_REASON_MAX];
	struct manager *manager;
	bool go, steady;
	int r;

	r = accord_join(session, err);
	if (r == 0)
		r = gate_pass(session, err);
	if (r != 0)
		return r < 0 ? r : 0;
	r = switching_preflight(session, transaction->target, &go, err);
	if (r < 0 || !go)
		return r;
	r = session_manager(session, &manager, err);
	if (r == 0)
		r = unit_query(manager, session->options->unit, &unit, err);
	if (r == 0)
		r = intact_check(session, &unit, err);
	if (r == 0)
		r = rehearse(session, &unit, err);
	if (r != 0)
		return r < 0 ? r : 0;
	/* only a service that has been up for a while can say which probes are to be excused */
	steady = unit_has_been_up(&unit, SWITCHING_STEADY_USEC);
	if (session->options->baseline && transaction->origin != SLOT_NONE && steady) {
		r = baseline_ask(session, manager, &unit, err);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	r = accord_wait_for_turn(session, err);
	if (r != 0)
		return r < 0 ? r : 0;
	if (steady)
		growth_note(session, &unit);
	vacancy_note(session, &unit);
	r = siblings_note(session, manager, err);
	if (r < 0)
		return r;
	(void)text_copy(unit.invocation, transaction->old_invocation,
			sizeof(transaction->old_invocation));
	if (!transaction->no_way_back && data_is_kept(session->options))
		transaction->data = epoch_bars(session->dirfd, transaction->target,
					       transaction->origin, why, sizeof(why));
	shipped_tell_difference(session, transaction->origin, transaction->target);
	imprint_take(session, &unit);
	return session_enter(session, MACHINE_GO, err); /* the service is touched from here on */
}

uint64_t switching_start_budget(const struct session *session)
{
	uint64_t budget = session->options->start_deadline_usec;

	for (size_t i = 0; i < STATE_STARTS_MAX; i++) {
		if (session->state.starts[i] > budget / 3)
			budget = 3 * session->state.starts[i];
	}
	return budget;
}

struct wait {
	struct session *session;
	const char *unit;
	enum job_type type;
	uint64_t began;
	uint64_t activating_since; /* 0: not seen yet */
	uint64_t spoke; /* when STATUS= changed last */
	char status[256];
	uint64_t told;
};

/*
 * Has the unit been starting for longer than it may? Not while it says that it is getting on: by a new
 * STATUS=, or by EXTEND_TIMEOUT_USEC=, which shows in that systemd still waits though its own timeout
 * has passed.
 */
static bool is_late(struct wait *wait, const struct unit *unit, uint64_t now)
{
	uint64_t alive;

	if (wait->type == JOB_STOP || strcmp(unit->active_state, "activating") != 0)
		return false;
	if (wait->activating_since == 0)
		wait->activating_since = now;
	if (strcmp(unit->status_text, wait->status) != 0) {
		(void)text_copy(unit->status_text, wait->status, sizeof(wait->status));
		wait->spoke = now;
	}
	if (now - wait->activating_since > unit->start_timeout_usec)
		return false;
	alive = wait->spoke > wait->activating_since ? wait->spoke : wait->activating_since;
	return now - alive > switching_start_budget(wait->session);
}

static void tell_wait(struct wait *wait, const struct unit *unit, uint64_t now)
{
	bool activating = strcmp(unit->active_state, "activating") == 0;
	char status[256];
	char took[CLOCK_TEXT_MAX];

	wait->told = now;
	(void)text_escape(unit->status_text, strlen(unit->status_text), status, sizeof(status));
	session_tell(wait->session, EVENT_NOTE, FAULT_NONE, "waiting for %s to %s (%s)%s%s",
		     unit->name, activating ? "start" : "stop",
		     clock_format_span(now - wait->began, took), status[0] ? ": " : "", status);
}

/* While the job lasts: says what is waited for, and ends a start that takes too long. */
static int look_at_wait(struct wait *wait, struct manager *manager, struct error *err)
{
	uint64_t now = clock_monotonic_usec();
	_cleanup_unit_ struct unit unit = {};
	int r;

	r = unit_query(manager, wait->unit, &unit, err);
	if (r < 0)
		return r;
	if (now - wait->told >= TELL_PERIOD_USEC)
		tell_wait(wait, &unit, now);
	return is_late(wait, &unit, now) ? SWITCHING_LATE : 0;
}

static int wait_for_job(struct wait *wait, struct manager *manager, struct job *job,
			enum job_result *ret_result, struct error *err)
{
	struct session *session = wait->session;
	uint64_t looked = wait->began;
	int r;

	for (;;) {
		r = job_wait(job, session->wake_fd, LOOK_PERIOD_USEC, ret_result, err);
		if (r <= 0)
			return r;
		if (mailbox_interrupt(session) > 0)
			return SWITCHING_INTERRUPTED;
		if (clock_monotonic_usec() - looked < LOOK_PERIOD_USEC)
			continue;
		looked = clock_monotonic_usec();
		r = look_at_wait(wait, manager, err);
		if (r != 0)
			return r;
	}
}

int switching_job_of(struct session *session, const char *unit, enum job_type type,
		     enum job_result *ret_result, struct error *err)
{
	struct wait wait = {
		.session = session,
		.unit = unit,
		.type = type,
		.began = clock_monotonic_usec(),
	};
	_cleanup_(job_freep) struct job *job = NULL;
	struct manager *manager;
	int r;

	wait.told = wait.began;
	r = session_manager(session, &manager, err);
	if (r < 0)
		return r;
	r = job_new(manager, type, unit, &job, err);
	if (r < 0)
		return r;
	return wait_for_job(&wait, manager, job, ret_result, err);
}

int switching_job(struct session *session, enum job_type type, enum job_result *ret_result,
		  struct error *err)
{
	return switching_job_of(session, session->options->unit, type, ret_result, err);
}

int switching_runs(struct session *session, enum slot slot, const char *not_invocation,
		   bool *ret_runs, struct error *err)
{
	struct proof_verdict verdict = {};
	_cleanup_unit_ struct unit unit = {};
	enum slot current;
	int r;

	*ret_runs = false;
	r = session_query(session, &unit, err);
	if (r < 0)
		return r;
	r = layout_current(session->dirfd, &current, err);
	if (r < 0)
		return r;
	if (current != slot || !unit_is_running(&unit) || unit.job_pending ||
	    strcmp(unit.invocation, not_invocation) == 0)
		return 0;
	r = proof_find(&unit, session_slot_path(session, slot),
		       session_slot_path(session, slot_other(slot)), session->current_path,
		       &verdict, err);
	if (r < 0)
		return r;
	*ret_runs = verdict.proof == PROOF_STRONG && !verdict.other_slot;
	return 0;
}

/* Whatever a worker before this one did of it: the siblings are restarted (again). */
static int enter_trial(struct session *session, struct manager *manager, struct error *err)
{
	struct state_transaction *transaction = &session->state.transaction;
	_cleanup_unit_ struct unit unit = {};
	char reason[STATE_REASON_MAX];
	int r;

	r = siblings_restart(session, reason, sizeof(reason), err);
	if (r == SIBLINGS_BAD)
		return ending_unhealthy(session, reason, err);
	if (r != 0)
		return r < 0 ? r : 0;
	r = unit_query(manager, session->options->unit, &unit, err);
	if (r < 0)
		return r;
	(void)text_copy(unit.invocation, transaction->invocation, sizeof(transaction->invocation));
	transaction->switched = clock_realtime_usec();
	return session_enter(session, MACHINE_RUNNING, err);
}

int switching_explain(struct session *session, enum job_result result, char *ret_text, size_t room,
		      struct error *err)
{
	_cleanup_unit_ struct unit unit = {};
	struct manager *manager;
	int r;

	r = session_manager(session, &manager, err);
	if (r < 0)
		return r;
	r = unit_query(manager, session->options->unit, &unit, err);
	if (r < 0)
		return r;
	if (result == JOB_RESULT_DEPENDENCY) {
		r = unit_explain_requirement(manager, &unit, ret_text, room, err);
		if (r != UNIT_REQUIRES_NONE)
			return r;
	}
	if (strcmp(unit.load_state, "loaded") != 0)
		(void)text_print(ret_text, room, "systemd does not take its unit file (%s%s%s)",
				 unit.load_state, unit.load_error[0] ? ": " : "", unit.load_error);
	else
		(void)unit_explain(&unit, ret_text, room);
	return 0;
}

/* The job did not do it: a verdict, unless the machine is going down. */
static int give_up(struct session *session, enum job_result result, const char *what,
		   struct error *err)
{
	char reason[STATE_REASON_MAX];
	char why[STATE_REASON_MAX];
	bool stopping;
	int r = session_look_for_shutdown(session, &stopping, err);

	if (r < 0 || stopping)
		return r;
	r = vacancy_wait(session, err);
	if (r != 0) /* the step is run again */
		return r < 0 ? r : 0;
	r = switching_explain(session, result, why, sizeof(why), err);
	if (r < 0)
		return r;
	(void)text_print(reason, sizeof(reason), "%.80s did not start (%s): %s",
			 session->options->unit, what, why);
	vacancy_blame(session, reason, sizeof(reason));
	return ending_unhealthy(session, reason, err);
}

/* It could not be: the new release does not run, the old one is started again. */
static int condemn_without_data(struct session *session, const struct error *why, struct error *err)
{
	char reason[STATE_REASON_MAX];

	(void)text_print(reason, sizeof(reason), "the data could not be kept aside: %s", why->text);
	return session_condemn(session, why->fault, reason, err);
}

/*
 * Keeps the data aside, with the service stopped; not again once `current` names the target: it may have run. > 0: the step ends here, the phase moved
 * on or something else is wanted.
 */
static int keep_data(struct session *session, struct error *err)
{
	const struct state_transaction *transaction = &session->state.transaction;
	enum job_result result = JOB_RESULT_OTHER;
	struct error why = {};
	enum slot current;
	int r;

	if (!transaction->data)
		return 0;
	r = layout_current(session->dirfd, &current, err);
	if (r < 0 || current == transaction->target)
		return r < 0 ? r : 0;
	r = switching_job(session, JOB_STOP, &result, err);
	if (r != 0)
		return r;
	r = data_take(session, &why);
	if (r >= 0)
		return r;
	r = condemn_without_data(session, &why, err);
	return r < 0 ? r : DATA_INTERRUPTED;
}

int switching_run(struct session *session, struct error *err)
{
	enum job_result result = JOB_RESULT_OTHER;
	struct manager *manager;
	bool switched;
	int r;

	r = session_manager(session, &manager, err);
	if (r < 0)
		return r;
	/* the worker before this one may have got as far as restarting the unit */
	r = switching_runs(session, session->state.transaction.target,
			   session->state.transaction.old_invocation, &switched, err);
	if (r < 0)
		return r;
	if (switched)
		return enter_trial(session, manager, err);
	r = keep_data(session, err);
	if (r != 0)
		return r < 0 ? r : 0;
	r = flip_to(session, session->state.transaction.target, &result, err);
	if (r < 0)
		return r;
	if (r == SWITCHING_INTERRUPTED)
		return 0;
	if (r == SWITCHING_LATE)
		return give_up(session, JOB_RESULT_OTHER, "not ready within StartDeadline=", err);
	if (result != JOB_RESULT_DONE)
		return give_up(session, result, job_result_name(result), err);
	return enter_trial(session, manager, err);
}
