/* LDFLAGS: @tests/deploy/systemd.flags */
/* The trial and the watch: what the verdict makes of the transaction. */
#include "deploy/trial.h"

#include "systemd.h"

static struct session session;

static void open_at(enum phase phase)
{
	struct state state = {};

	systemd_run(SLOT_B);
	state = app_under_way(phase);
	(void)text_copy(systemd.invocation, state.transaction.invocation,
			sizeof(state.transaction.invocation));
	state.transaction.switched = 1;
	app_open(&session, &state);
}

static struct state run(int (*step)(struct session *, struct error *))
{
	struct error err = {};

	if (step(&session, &err) < 0)
		fail_msg("%s", err.text);
	session_close(&session);
	return app_load();
}

static void a_passed_trial_is_watched(void **unused)
{
	struct state after;

	open_at(PHASE_TRIAL);
	session.job_began = systemd.now - 5000;
	after = run(trial_run);
	assert_int_equal(after.phase, PHASE_WATCHING);
	assert_true(after.transaction.downtime >= 5000 &&
		    after.transaction.downtime < USEC_PER_SEC);
	assert_string_equal(after.transaction.invocation, systemd.invocation);
}

/* A worker that took over does not know when the job began. */
static void downtime_is_not_guessed(void **unused)
{
	open_at(PHASE_TRIAL);
	assert_int_equal(run(trial_run).transaction.downtime, 0);
}

static void a_failed_trial_is_reverted(void **unused)
{
	struct state after;

	systemd.slots[SLOT_B].sick = true;
	open_at(PHASE_TRIAL);
	after = run(trial_run);
	assert_int_equal(after.phase, PHASE_REVERTING);
	assert_int_equal(after.transaction.fault, FAULT_UNHEALTHY);
	assert_non_null(strstr(after.transaction.reason, "start deadline"));
}

/* The deadline counts from when the phase began, not from when this worker came. */
static void a_worker_that_takes_over_grants_no_more_time(void **unused)
{
	uint64_t came = systemd.now;

	systemd.slots[SLOT_B].sick = true;
	open_at(PHASE_TRIAL);
	session.state.transaction.phase_began_monotonic -= 20 * USEC_PER_SEC;
	assert_int_equal(run(trial_run).phase, PHASE_REVERTING);
	assert_int_equal(systemd.now - came, 10 * USEC_PER_SEC);
}

static void on_fail_keep_leaves_it_running(void **unused)
{
	struct history_entry newest = {};
	struct state after;

	app_options.keep = true;
	systemd.slots[SLOT_B].sick = true;
	open_at(PHASE_TRIAL);
	after = run(trial_run);
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

	open_at(PHASE_WATCHING);
	after = run(trial_watch);
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
	open_at(PHASE_WATCHING);
	assert_int_equal(run(trial_watch).transaction.outcome, OUTCOME_COMMITTED);
	assert_int_equal(app_told(EVENT_WARNING, "from slot a, with the code of 1.0: 4711 (run)"),
			 1);
}

static void more_memory_is_told_and_condemns_nobody(void **unused)
{
	static const struct {
		uint64_t before, now; /* MiB */
		unsigned int growth;
		bool told;
	} rows[] = {
		{ 40, 81, 100, true }, { 40, 79, 100, false }, { 4, 19, 100, false },
		{ 40, 900, 0, false }, { 0, 900, 100, false }, { 40, 60, 30, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t before = app_told(EVENT_WARNING, "MemoryGrowth=");

		open_at(PHASE_WATCHING);
		app_options.memory_growth = rows[i].growth;
		session.state.transaction.memory = rows[i].before << 20;
		systemd.memory = rows[i].now << 20;
		systemd_run(SLOT_B);
		(void)text_copy(systemd.invocation, session.state.transaction.invocation,
				sizeof(session.state.transaction.invocation));
		assert_int_equal(run(trial_watch).transaction.outcome, OUTCOME_COMMITTED);
		if ((app_told(EVENT_WARNING, "MemoryGrowth=") > before) != rows[i].told)
			fail_msg("row %zu", i);
	}
}

/* What grew is a warning where it is wanted, and a verdict where it is required. */
static void more_memory_condemns_where_it_is_required(void **unused)
{
	struct state after;

	open_at(PHASE_WATCHING);
	app_options.memory_growth = 100;
	app_options.memory_required = true;
	session.state.transaction.memory = 40 << 20;
	systemd.memory = 400 << 20;
	after = run(trial_watch);
	assert_int_equal(after.phase, PHASE_REVERTING);
	assert_non_null(strstr(after.transaction.reason, "2.0 uses 400 MiB"));
}

/* The window of the test is a minute long. */
static void more_errors_are_told(void **unused)
{
	static const struct {
		uint64_t before, span; /* errors of the old release, in so many seconds */
		unsigned int now, growth;
		bool mute, required, told, bad;
	} rows[] = {
		{ 0, 600, 40, 100, false, false, true, false },
		{ 0, 600, 10, 100, false, false, false, false },
		{ 100, 600, 19, 100, false, false, false, false },
		{ 100, 600, 25, 100, false, false, true, false },
		{ 100, 600, 25, 200, false, false, false, false },
		{ 0, 0, 900, 100, false, false, false, false },
		{ 0, 600, 900, 0, false, true, false, false },
		{ 0, 600, 900, 100, true, true, false, false },
		{ 0, 600, 40, 100, false, true, true, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t before = app_told(EVENT_WARNING, "ErrorGrowth=");
		struct state after;

		open_at(PHASE_WATCHING);
		app_options.error_growth = rows[i].growth;
		app_options.errors_required = rows[i].required;
		session.state.transaction.errors = rows[i].before;
		session.state.transaction.errors_usec = rows[i].span * USEC_PER_SEC;
		systemd.errors = rows[i].now;
		systemd.mute = rows[i].mute;
		after = run(trial_watch);
		if ((app_told(EVENT_WARNING, "ErrorGrowth=") > before) != rows[i].told ||
		    (after.phase == PHASE_REVERTING) != rows[i].bad)
			fail_msg("row %zu: %s", i, after.transaction.reason);
	}
}

/* What it logged while it started is not of the window. */
static void errors_count_from_when_the_window_began(void **unused)
{
	uint64_t began;

	open_at(PHASE_WATCHING);
	app_options.error_growth = 100;
	session.state.transaction.errors_usec = 600 * USEC_PER_SEC;
	began = session.state.transaction.phase_began_monotonic;
	(void)run(trial_watch);
	assert_int_equal(systemd.errors_since, began);
}

static void meddle(void)
{
	app_point(SLOT_A);
}

/* Somebody put `current` back by hand: what is committed is what it names. */
static void what_is_committed_is_current(void **unused)
{
	open_at(PHASE_WATCHING);
	systemd.on_wait = meddle;
	assert_int_equal(run(trial_watch).transaction.outcome, OUTCOME_COMMITTED);
	assert_int_equal(app_current(), SLOT_B);
}

static void who_dies_in_the_window_is_reverted(void **unused)
{
	systemd.slots[SLOT_B].dies_after_usec = 50 * USEC_PER_SEC;
	open_at(PHASE_WATCHING);
	assert_int_equal(run(trial_watch).phase, PHASE_REVERTING);
}

/* Somebody stopped it, or it left with 0: it is started again, but not for ever. */
static void a_stopped_unit_is_started_twice(void **unused)
{
	systemd.slots[SLOT_B].stops_after_usec = 15 * USEC_PER_SEC;
	open_at(PHASE_WATCHING);
	assert_int_equal(run(trial_watch).phase, PHASE_REVERTING);
	assert_string_equal(systemd.jobs, "start b, start b, ");
	assert_int_equal(app_told(EVENT_NOTE, "started again"), 2);
}

static void stopped_once_is_forgiven(void **unused)
{
	systemd.slots[SLOT_B].stops_after_usec = 40 * USEC_PER_SEC;
	open_at(PHASE_WATCHING);
	assert_int_equal(run(trial_watch).phase, PHASE_IDLE);
	assert_string_equal(systemd.jobs, "start b, ");
}

static void a_start_that_fails_then_is_a_verdict(void **unused)
{
	struct state after;

	systemd.slots[SLOT_B].stops_after_usec = 40 * USEC_PER_SEC;
	systemd.slots[SLOT_B].start[0] = JOB_RESULT_FAILED;
	open_at(PHASE_WATCHING);
	after = run(trial_watch);
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
	open_at(PHASE_WATCHING);
	assert_int_equal(run(trial_watch).phase, PHASE_WATCHING);
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
		systemd_test(more_memory_is_told_and_condemns_nobody),
		systemd_test(more_memory_condemns_where_it_is_required),
		systemd_test(more_errors_are_told),
		systemd_test(errors_count_from_when_the_window_began),
		systemd_test(what_is_committed_is_current),
		systemd_test(who_dies_in_the_window_is_reverted),
		systemd_test(a_stopped_unit_is_started_twice),
		systemd_test(stopped_once_is_forgiven),
		systemd_test(a_start_that_fails_then_is_a_verdict),
		systemd_test(a_stop_leaves_it_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
