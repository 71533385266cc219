/* LDFLAGS: @tests/deploy/systemd.flags */
/* The way back, and what is said when there is none. */
#include "deploy/reverting.h"

#include "deploy/resume.h"

#include "systemd.h"

static struct session session;

static void open_failed_trial(void)
{
	struct state state = app_under_way(PHASE_REVERTING);

	systemd_run(SLOT_B);
	systemd_set("failed", "failed");
	(void)text_copy("inv-2", state.transaction.invocation,
			sizeof(state.transaction.invocation));
	(void)text_copy("it was sick", state.transaction.reason, sizeof(state.transaction.reason));
	state.transaction.fault = FAULT_UNHEALTHY;
	app_open(&session, &state);
}

static struct history_entry revert(void)
{
	struct history_entry newest = {};
	struct error err = {};

	if (reverting_run(&session, &err) < 0)
		fail_msg("%s", err.text);
	session_close(&session);
	(void)app_history(&newest);
	return newest;
}

static void the_old_release_comes_back(void **unused)
{
	struct history_entry ended;

	open_failed_trial();
	ended = revert();
	assert_int_equal(ended.outcome, OUTCOME_ROLLED_BACK);
	assert_string_equal(ended.reason, "it was sick");
	assert_int_equal(ended.fault, FAULT_UNHEALTHY);
	assert_string_equal(systemd.jobs, "restart a, ");
	assert_int_equal(app_current(), SLOT_A);
	assert_int_equal(systemd.runs, SLOT_A);
	assert_string_equal(app_load().bad[0].version, "2.0");
}

/* The worker before this one brought it back already. */
static void what_is_back_is_not_restarted(void **unused)
{
	open_failed_trial();
	app_point(SLOT_A);
	systemd_run(SLOT_A);
	assert_int_equal(revert().outcome, OUTCOME_ROLLED_BACK);
	assert_string_equal(systemd.jobs, "");
}

/* Nor looked at for longer than is left: a worker that is killed each second gets on all the same. */
static void the_look_back_outlives_the_worker(void **unused)
{
	uint64_t up;

	open_failed_trial();
	app_point(SLOT_A);
	systemd_run(SLOT_A);
	up = systemd.now;
	systemd.now += 3 * USEC_PER_SEC / 2;
	assert_int_equal(revert().outcome, OUTCOME_ROLLED_BACK);
	assert_in_range(systemd.now - up, 2 * USEC_PER_SEC, 9 * USEC_PER_SEC / 4);
}

static void workers_that_die_here_are_counted(void **unused)
{
	open_failed_trial();
	session.state.transaction.attempts = RESUME_ATTEMPTS_MAX + 1;
	assert_int_equal(revert().outcome, OUTCOME_BOTH_BAD);
	assert_string_equal(systemd.jobs, "restart a, ");
	assert_int_equal(app_current(), SLOT_A);
}

static void and_what_runs_is_left_alone(void **unused)
{
	open_failed_trial();
	app_point(SLOT_A);
	systemd_run(SLOT_A);
	session.state.transaction.attempts = RESUME_ATTEMPTS_MAX + 1;
	assert_int_equal(revert().outcome, OUTCOME_ROLLED_BACK_UNHEALTHY);
	assert_string_equal(systemd.jobs, "");
}

static void a_second_attempt_may_do_it(void **unused)
{
	systemd.slots[SLOT_A].start[0] = JOB_RESULT_FAILED;
	open_failed_trial();
	assert_int_equal(revert().outcome, OUTCOME_ROLLED_BACK);
	assert_string_equal(systemd.jobs, "restart a, restart a, ");
	assert_int_equal(app_told(EVENT_WARNING, "trying again"), 1);
}

static void neither_starts(void **unused)
{
	struct history_entry ended;

	for (size_t i = 0; i < 4; i++)
		systemd.slots[SLOT_A].start[i] = JOB_RESULT_FAILED;
	open_failed_trial();
	ended = revert();
	assert_int_equal(ended.outcome, OUTCOME_BOTH_BAD);
	assert_non_null(strstr(ended.reason, "it was sick; after the rollback: "));
	assert_int_equal(systemd.starts[SLOT_A], app_options.max_rollbacks);
	assert_int_equal(app_current(), SLOT_A);
}

/* The failed release has written the unit anew. */
static void a_unit_that_was_rewritten_is_in_the_reason(void **unused)
{
	systemd.is_rewritten = true;
	systemd.slots[SLOT_A].start[0] = systemd.slots[SLOT_A].start[1] = JOB_RESULT_FAILED;
	systemd.slots[SLOT_A].start[2] = JOB_RESULT_FAILED;
	open_failed_trial();
	assert_non_null(strstr(revert().reason, "; ExecStart= of gw.service does not go through "));
}

static void the_old_one_is_up_but_sick(void **unused)
{
	systemd.slots[SLOT_A].sick = true;
	open_failed_trial();
	assert_int_equal(revert().outcome, OUTCOME_ROLLED_BACK_UNHEALTHY);
}

/* Sick before the flip as well: that is as good as it was. */
static void what_failed_before_is_no_news(void **unused)
{
	systemd.slots[SLOT_A].sick = true;
	open_failed_trial();
	(void)text_copy("unit,", session.state.transaction.baseline,
			sizeof(session.state.transaction.baseline));
	assert_int_equal(revert().outcome, OUTCOME_ROLLED_BACK);
}

/* "rolled back" is not said of one that dies right away. */
static void the_old_one_dies_at_once(void **unused)
{
	systemd.slots[SLOT_A].dies_after_usec = USEC_PER_SEC;
	open_failed_trial();
	assert_int_equal(revert().outcome, OUTCOME_BOTH_BAD);
}

static void restart_by_systemd(void)
{
	unsigned int restarts = systemd.restarts + 1;

	systemd_run(SLOT_A);
	systemd.restarts = restarts;
}

/* Somebody kills it while it is looked at, and systemd has it up again at once. */
static void kill_once(void)
{
	if (systemd.restarts == 0 && systemd.runs == SLOT_A &&
	    systemd.now - systemd.since > USEC_PER_SEC)
		restart_by_systemd();
}

static void one_that_was_killed_is_looked_at_again(void **unused)
{
	open_failed_trial();
	systemd.on_wait = kill_once;
	assert_int_equal(revert().outcome, OUTCOME_ROLLED_BACK);
	assert_string_equal(systemd.jobs, "restart a, "); /* it runs: left alone */
	assert_int_equal(systemd.restarts, 1);
	assert_int_equal(app_told(EVENT_WARNING, "did not stay up"), 1);
}

static void and_may_be_sick(void **unused)
{
	systemd.slots[SLOT_A].sick = true;
	open_failed_trial();
	app_point(SLOT_A);
	restart_by_systemd();
	assert_int_equal(revert().outcome, OUTCOME_ROLLED_BACK_UNHEALTHY);
}

/* And again: nobody waits for that for ever. */
static void kill_each_time(void)
{
	if (systemd.runs == SLOT_A && systemd.now - systemd.since > USEC_PER_SEC)
		restart_by_systemd();
}

static void one_that_never_stays_up_is_bad(void **unused)
{
	open_failed_trial();
	systemd.on_wait = kill_each_time;
	assert_int_equal(revert().outcome, OUTCOME_BOTH_BAD);
	assert_int_equal(app_told(EVENT_WARNING, "did not stay up"), app_options.max_rollbacks - 1);
}

static void a_first_install_has_no_way_back(void **unused)
{
	struct history_entry ended;

	open_failed_trial();
	session.state.transaction.origin = SLOT_NONE;
	ended = revert();
	assert_int_equal(ended.outcome, OUTCOME_FAILED_FIRST);
	assert_string_equal(systemd.jobs, "stop b, ");
	assert_int_equal(app_current(), SLOT_NONE);
	assert_string_equal(ended.reason, "it was sick");
}

static void ask_to_stop(void)
{
	session.stop = true;
}

static void a_stop_leaves_it_under_way(void **unused)
{
	open_failed_trial();
	systemd.on_wait = ask_to_stop;
	assert_string_equal(revert().id, "");
	assert_int_equal(app_load().phase, PHASE_REVERTING);
	assert_int_equal(app_current(), SLOT_A);
}

static void reassert(enum phase phase, enum outcome outcome)
{
	struct state state = app_under_way(phase);

	state.transaction.outcome = outcome;
	app_open(&session, &state);
	assert_int_equal(reverting_reassert(&session, NULL), 0);
	session_close(&session);
}

static void after_both_bad_the_unit_is_kept_running(void **unused)
{
	reassert(PHASE_IDLE, OUTCOME_BOTH_BAD);
	assert_string_equal(systemd.jobs, ""); /* it runs */
	systemd.restarts = 1;
	reassert(PHASE_IDLE, OUTCOME_BOTH_BAD);
	assert_string_equal(systemd.jobs, ""); /* so it does */
	systemd_set("failed", "failed");
	reassert(PHASE_IDLE, OUTCOME_ROLLED_BACK);
	reassert(PHASE_TRIAL, OUTCOME_BOTH_BAD);
	assert_string_equal(systemd.jobs, ""); /* nobody asked for that */
	reassert(PHASE_IDLE, OUTCOME_BOTH_BAD);
	assert_string_equal(systemd.jobs, "start a, ");
	assert_int_equal(app_told(EVENT_WARNING, "started again (done)"), 1);
}

/* Scope=user:NAME: nobody may help a manager that hangs; worker after worker tries, and then it is said. */
static void a_users_manager_that_never_answers(void **unused)
{
	struct history_entry ended;
	struct manager *manager;
	struct error err = {};

	open_failed_trial();
	assert_int_equal(session_manager(&session, &manager, NULL), 0);
	app_options.user = "ada";
	systemd.gone = true;
	session.state.transaction.attempts = RESUME_ATTEMPTS_MAX;
	check_error(reverting_run(&session, &err), &err, FAULT_UNIT, "no manager");
	session.state.transaction.attempts = RESUME_ATTEMPTS_MAX + 1;
	ended = revert();
	assert_int_equal(ended.outcome, OUTCOME_BOTH_BAD);
	assert_string_equal(ended.reason, "it was sick; after the rollback: no manager");
	assert_int_equal(app_current(), SLOT_A);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		systemd_test(the_old_release_comes_back),
		systemd_test(what_is_back_is_not_restarted),
		systemd_test(the_look_back_outlives_the_worker),
		systemd_test(workers_that_die_here_are_counted),
		systemd_test(and_what_runs_is_left_alone),
		systemd_test(a_second_attempt_may_do_it),
		systemd_test(neither_starts),
		systemd_test(a_unit_that_was_rewritten_is_in_the_reason),
		systemd_test(the_old_one_is_up_but_sick),
		systemd_test(what_failed_before_is_no_news),
		systemd_test(the_old_one_dies_at_once),
		systemd_test(one_that_was_killed_is_looked_at_again),
		systemd_test(and_may_be_sick),
		systemd_test(one_that_never_stays_up_is_bad),
		systemd_test(a_first_install_has_no_way_back),
		systemd_test(a_stop_leaves_it_under_way),
		systemd_test(after_both_bad_the_unit_is_kept_running),
		systemd_test(a_users_manager_that_never_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
