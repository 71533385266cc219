/* LDFLAGS: @tests/deploy/systemd.flags */
/* The trial and the watch: what the verdict makes of the transaction. */
#include "deploy/trial.h"

#include "systemd.h"

static struct session session;

static void a_passed_trial_is_watched(void **unused)
{
	struct state after;

	systemd_open(&session, PHASE_TRIAL);
	session.job_began = systemd.now - 5000;
	after = app_step(&session, trial_run);
	assert_int_equal(after.phase, PHASE_WATCHING);
	assert_true(after.transaction.downtime >= 5000 &&
		    after.transaction.downtime < USEC_PER_SEC);
	assert_string_equal(after.transaction.invocation, systemd.invocation);
}

/* A worker that took over does not know when the job began. */
static void downtime_is_not_guessed(void **unused)
{
	systemd_open(&session, PHASE_TRIAL);
	assert_int_equal(app_step(&session, trial_run).transaction.downtime, 0);
}

static void a_failed_trial_is_reverted(void **unused)
{
	struct state after;

	systemd.slots[SLOT_B].sick = true;
	systemd_open(&session, PHASE_TRIAL);
	after = app_step(&session, trial_run);
	assert_int_equal(after.phase, PHASE_REVERTING);
	assert_int_equal(after.transaction.fault, FAULT_UNHEALTHY);
	assert_non_null(strstr(after.transaction.reason, "start deadline"));
}

/* The deadline counts from when the phase began, not from when this worker came. */
static void a_worker_that_takes_over_grants_no_more_time(void **unused)
{
	uint64_t came = systemd.now;

	systemd.slots[SLOT_B].sick = true;
	systemd_open(&session, PHASE_TRIAL);
	session.state.transaction.phase_began_monotonic -= 20 * USEC_PER_SEC;
	assert_int_equal(app_step(&session, trial_run).phase, PHASE_REVERTING);
	assert_int_equal(systemd.now - came, 10 * USEC_PER_SEC);
}

static void on_fail_keep_leaves_it_running(void **unused)
{
	struct history_entry newest = {};
	struct state after;

	app_options.keep = true;
	systemd.slots[SLOT_B].sick = true;
	systemd_open(&session, PHASE_TRIAL);
	after = app_step(&session, trial_run);
	assert_int_equal(after.phase, PHASE_IDLE);
	assert_int_equal(app_current(), SLOT_B);
	assert_int_equal(app_history(&newest), 1);
	assert_int_equal(newest.outcome, OUTCOME_FAILED);
	assert_string_equal(after.good.version, "1.0");
}

static void a_quiet_window_commits(void **unused)
{
	struct history_entry newest = {};
	uint64_t came = systemd.now;
	struct state after;

	systemd_open(&session, PHASE_WATCHING);
	after = app_step(&session, trial_watch);
	assert_int_equal(after.phase, PHASE_IDLE);
	assert_string_equal(after.good.version, "2.0");
	assert_int_equal(app_history(&newest), 1);
	assert_int_equal(newest.outcome, OUTCOME_COMMITTED);
	assert_non_null(strstr(newest.reason, "proof: strong"));
	assert_true(systemd.now - came >= app_options.watch_usec);
}

static void what_the_old_release_left_running_is_said(void **unused)
{
	systemd.left = 4711;
	systemd.left_in = SLOT_A;
	systemd_open(&session, PHASE_WATCHING);
	assert_int_equal(app_step(&session, trial_watch).transaction.outcome, OUTCOME_COMMITTED);
	assert_int_equal(app_told(EVENT_WARNING, "from slot a, with the code of 1.0: 4711 (run)"),
			 1);
}

static void meddle(void)
{
	app_point(SLOT_A);
}

/* Somebody put `current` back by hand: what is committed is what it names. */
static void what_is_committed_is_current(void **unused)
{
	systemd_open(&session, PHASE_WATCHING);
	systemd.on_wait = meddle;
	assert_int_equal(app_step(&session, trial_watch).transaction.outcome, OUTCOME_COMMITTED);
	assert_int_equal(app_current(), SLOT_B);
}

static void who_dies_in_the_window_is_reverted(void **unused)
{
	systemd.slots[SLOT_B].dies_after_usec = 50 * USEC_PER_SEC;
	systemd_open(&session, PHASE_WATCHING);
	assert_int_equal(app_step(&session, trial_watch).phase, PHASE_REVERTING);
}

/* Somebody stopped it: it is started again, but not for ever. */
static void a_stopped_unit_is_started_twice(void **unused)
{
	systemd.slots[SLOT_B].stops_after_usec = 15 * USEC_PER_SEC;
	systemd_open(&session, PHASE_WATCHING);
	assert_int_equal(app_step(&session, trial_watch).phase, PHASE_REVERTING);
	assert_string_equal(systemd.jobs, "start b, start b, ");
	assert_int_equal(app_told(EVENT_NOTE, "started again"), 2);
	assert_non_null(strstr(app_load().transaction.reason,
			       "gw.service is down: is not started; it was started again 2 times"));
}

static void a_unit_that_was_rewritten_is_told(void **unused)
{
	systemd_open(&session, PHASE_WATCHING);
	assert_int_equal(app_step(&session, trial_watch).phase, PHASE_IDLE);
	assert_int_equal(app_told(EVENT_WARNING, "the next start will run something else"), 0);
	systemd.is_rewritten = true;
	systemd_open(&session, PHASE_WATCHING);
	assert_int_equal(app_step(&session, trial_watch).phase, PHASE_IDLE);
	assert_int_equal(app_told(EVENT_WARNING, "the next start will run something else"), 1);
}

static void stop_at_forty(void)
{
	if (systemd.now < 40 * USEC_PER_SEC + systemd.since || systemd.jobs[0])
		return;
	systemd_set("inactive", "dead");
}

static void stopped_once_is_forgiven(void **unused)
{
	uint64_t began;

	systemd_open(&session, PHASE_WATCHING);
	began = systemd.now;
	systemd.on_wait = stop_at_forty;
	assert_int_equal(app_step(&session, trial_watch).phase, PHASE_IDLE);
	assert_string_equal(systemd.jobs, "start b, ");
	assert_in_range(systemd.now - began, 100 * USEC_PER_SEC, 105 * USEC_PER_SEC); /* anew */
}

static void who_leaves_by_itself_is_reverted(void **unused)
{
	systemd.slots[SLOT_B].ends_after_usec = 40 * USEC_PER_SEC;
	systemd_open(&session, PHASE_WATCHING);
	assert_int_equal(app_step(&session, trial_watch).phase, PHASE_REVERTING);
	assert_string_equal(systemd.jobs, "");
}

static void a_start_that_fails_then_is_a_verdict(void **unused)
{
	struct state after;

	systemd.slots[SLOT_B].stops_after_usec = 40 * USEC_PER_SEC;
	systemd.slots[SLOT_B].start[0] = JOB_RESULT_FAILED;
	systemd_open(&session, PHASE_WATCHING);
	after = app_step(&session, trial_watch);
	assert_int_equal(after.phase, PHASE_REVERTING);
	assert_non_null(strstr(after.transaction.reason, "did not start"));
}

static void ask_to_stop(void)
{
	session.stop = systemd.waits > 5;
}

static void a_stop_leaves_it_under_way(void **unused)
{
	struct history_entry newest = {};

	systemd.on_wait = ask_to_stop;
	systemd_open(&session, PHASE_WATCHING);
	assert_int_equal(app_step(&session, trial_watch).phase, PHASE_WATCHING);
	assert_int_equal(app_history(&newest), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		systemd_test(a_passed_trial_is_watched),
		systemd_test(downtime_is_not_guessed),
		systemd_test(a_failed_trial_is_reverted),
		systemd_test(a_worker_that_takes_over_grants_no_more_time),
		systemd_test(on_fail_keep_leaves_it_running),
		systemd_test(a_quiet_window_commits),
		systemd_test(what_the_old_release_left_running_is_said),
		systemd_test(what_is_committed_is_current),
		systemd_test(who_dies_in_the_window_is_reverted),
		systemd_test(a_stopped_unit_is_started_twice),
		systemd_test(a_unit_that_was_rewritten_is_told),
		systemd_test(stopped_once_is_forgiven),
		systemd_test(who_leaves_by_itself_is_reverted),
		systemd_test(a_start_that_fails_then_is_a_verdict),
		systemd_test(a_stop_leaves_it_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
