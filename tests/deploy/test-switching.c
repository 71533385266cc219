/* LDFLAGS: @tests/deploy/systemd.flags */
/* From the last look to the unit running the other slot. */
#include "deploy/switching.h"

#include "systemd.h"

static struct session session;

static void open_at(enum phase phase)
{
	struct state state = app_under_way(phase);

	(void)text_copy(systemd.invocation, state.transaction.old_invocation,
			sizeof(state.transaction.old_invocation));
	app_open(&session, &state);
}

static void run(int (*step)(struct session *, struct error *))
{
	struct error err = {};

	if (step(&session, &err) < 0)
		fail_msg("%s", err.text);
	session_close(&session);
}

static void a_sound_release_may_go(void **unused)
{
	open_at(PHASE_STAGED);
	run(switching_prepare);
	assert_int_equal(app_load().phase, PHASE_SWITCHING);
	assert_string_equal(app_load().transaction.old_invocation, "inv-1");
	assert_int_equal(app_current(), SLOT_A); /* nothing was touched yet */
	assert_string_equal(systemd.jobs, "");
}

static void findings_end_it_as_refused(void **unused)
{
	struct history_entry newest = {};

	open_at(PHASE_STAGED);
	assert_int_equal(unlinkat(check_fd, slot_seal_name(SLOT_B), 0), 0);
	systemd.job_pending = true;
	run(switching_prepare);
	assert_int_equal(app_load().phase, PHASE_IDLE);
	assert_int_equal(app_told(EVENT_FINDING, ""), 2);
	assert_int_equal(app_history(&newest), 1);
	assert_int_equal(newest.outcome, OUTCOME_REFUSED);
	assert_int_equal(newest.fault, FAULT_BUSY); /* of the first finding */
	assert_non_null(strstr(newest.reason, "(and 1 more)"));
	assert_int_equal(app_current(), SLOT_A);
}

static void no_manager_is_a_finding(void **unused)
{
	bool go = true;

	systemd.gone = true;
	open_at(PHASE_STAGED);
	assert_int_equal(switching_preflight(&session, SLOT_B, &go, NULL), 0);
	session_close(&session);
	assert_false(go);
	assert_int_equal(app_load().transaction.outcome, OUTCOME_REFUSED);
	assert_int_equal(app_load().transaction.fault, FAULT_UNIT);
}

static void it_flips_and_restarts(void **unused)
{
	open_at(PHASE_SWITCHING);
	run(switching_run);
	assert_string_equal(systemd.jobs, "restart b, ");
	assert_int_equal(app_load().phase, PHASE_TRIAL);
	assert_string_equal(app_load().transaction.invocation, "inv-2");
	assert_true(app_load().transaction.switched > 0);
	assert_int_equal(app_current(), SLOT_B);
}

/* SwitchMode=stop-start: the flip lies between. */
static void it_stops_flips_and_starts(void **unused)
{
	app_options.switch_mode = SWITCH_STOP_START;
	open_at(PHASE_SWITCHING);
	run(switching_run);
	assert_string_equal(systemd.jobs, "stop a, start b, ");
	assert_int_equal(app_load().phase, PHASE_TRIAL);
}

/* The worker before this one died behind the restart: it is not done again. */
static void what_runs_already_is_not_restarted(void **unused)
{
	open_at(PHASE_SWITCHING);
	app_point(SLOT_B);
	systemd_run(SLOT_B);
	run(switching_run);
	assert_string_equal(systemd.jobs, "");
	assert_int_equal(app_load().phase, PHASE_TRIAL);
	assert_string_equal(app_load().transaction.invocation, "inv-2");
}

/* It died between the flip and the restart: `current` is right, the invocation is the old one. */
static void flipped_is_not_restarted(void **unused)
{
	open_at(PHASE_SWITCHING);
	app_point(SLOT_B);
	run(switching_run);
	assert_string_equal(systemd.jobs, "restart b, ");
}

static void what_counts_as_running(void **unused)
{
	static const struct {
		enum slot current, runs;
		bool pending, old_code, same_invocation, down, is;
	} rows[] = {
		{ SLOT_B, SLOT_B, .is = true },
		{ SLOT_A, SLOT_B },
		{ SLOT_B, SLOT_A },
		{ SLOT_B, SLOT_B, .pending = true },
		{ SLOT_B, SLOT_B, .old_code = true },
		{ SLOT_B, SLOT_B, .down = true },
		{ SLOT_B, SLOT_B, .same_invocation = 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool is;

		open_at(PHASE_SWITCHING);
		app_point(rows[i].current);
		systemd_run(rows[i].runs);
		systemd.job_pending = rows[i].pending;
		systemd.slots[SLOT_B].keeps_old_code = rows[i].old_code;
		if (rows[i].down)
			systemd_set("failed", "failed");
		assert_int_equal(switching_runs(&session, SLOT_B,
						rows[i].same_invocation ? systemd.invocation : "x",
						&is, NULL),
				 0);
		if (is != rows[i].is)
			fail_msg("row %zu", i);
		session_close(&session);
	}
}

static void a_start_that_fails_is_a_verdict(void **unused)
{
	systemd.slots[SLOT_B].start[0] = JOB_RESULT_FAILED;
	open_at(PHASE_SWITCHING);
	run(switching_run);
	assert_string_equal(systemd.jobs, "restart b, ");
	assert_int_equal(app_load().phase, PHASE_REVERTING);
	assert_int_equal(app_load().transaction.fault, FAULT_UNHEALTHY);
	assert_non_null(strstr(app_load().transaction.reason, "did not start (failed)"));
}

/* ... but not while the machine goes down. */
static void on_fail_keep_ends_it_there(void **unused)
{
	systemd.slots[SLOT_B].start[0] = JOB_RESULT_FAILED;
	app_options.keep = true;
	open_at(PHASE_SWITCHING);
	run(switching_run);
	assert_string_equal(systemd.jobs, "restart b, ");
	assert_int_equal(app_load().phase, PHASE_IDLE);
	assert_int_equal(app_load().transaction.outcome, OUTCOME_FAILED);
	assert_non_null(strstr(app_load().transaction.reason, "did not start (failed)"));
}

static void a_shutdown_is_no_verdict(void **unused)
{
	systemd.slots[SLOT_B].start[0] = JOB_RESULT_CANCELED;
	systemd.slots[SLOT_B].start[1] = systemd.slots[SLOT_B].start[2] = JOB_RESULT_CANCELED;
	systemd.stopping = true;
	open_at(PHASE_SWITCHING);
	assert_int_equal(switching_run(&session, NULL), 0);
	assert_true(session.stop);
	session_close(&session);
	assert_int_equal(app_load().phase, PHASE_SWITCHING);
}

static void a_job_that_was_pushed_out_is_tried_again(void **unused)
{
	systemd.slots[SLOT_B].start[0] = JOB_RESULT_CANCELED;
	open_at(PHASE_SWITCHING);
	run(switching_run);
	assert_string_equal(systemd.jobs, "restart b, restart b, ");
	assert_int_equal(app_load().phase, PHASE_TRIAL);
	assert_int_equal(app_told(EVENT_NOTE, "pushed ours out"), 1);
}

static void but_not_for_ever(void **unused)
{
	for (size_t i = 0; i < 4; i++)
		systemd.slots[SLOT_B].start[i] = JOB_RESULT_CANCELED;
	open_at(PHASE_SWITCHING);
	run(switching_run);
	assert_int_equal(systemd.starts[SLOT_B], 3);
	assert_int_equal(app_load().phase, PHASE_REVERTING);
}

static void a_start_that_takes_too_long_is_a_verdict(void **unused)
{
	uint64_t began = systemd.now;

	systemd.slots[SLOT_B].takes_usec = 600 * USEC_PER_SEC;
	open_at(PHASE_SWITCHING);
	run(switching_run);
	assert_int_equal(app_load().phase, PHASE_REVERTING);
	assert_non_null(strstr(app_load().transaction.reason, "StartDeadline="));
	assert_true(systemd.now - began >= app_options.start_deadline_usec);
	assert_true(systemd.now - began < app_options.start_deadline_usec + 5 * USEC_PER_SEC);
	assert_true(app_told(EVENT_NOTE, "waiting for gw.service to start") >= 2);
}

static void the_budget_grows_with_what_is_remembered(void **unused)
{
	open_at(PHASE_SWITCHING);
	assert_int_equal(switching_start_budget(&session), 30 * USEC_PER_SEC);
	session.state.starts[2] = 20 * USEC_PER_SEC;
	session.state.starts[5] = 12 * USEC_PER_SEC;
	assert_int_equal(switching_start_budget(&session), 60 * USEC_PER_SEC);
	session_close(&session);
}

/* A start limit reached before must not refuse the new release. */
static void an_earlier_failure_is_reset_before_the_job(void **unused)
{
	open_at(PHASE_SWITCHING);
	systemd_set("failed", "failed");
	run(switching_run);
	assert_int_equal(systemd.resets, 1);
	assert_int_equal(app_load().phase, PHASE_TRIAL);
}

/* A unit that systemd is about to start again by itself: that start must not count against the new release. */
static void retries_of_systemd_are_stopped_before_the_job(void **unused)
{
	open_at(PHASE_SWITCHING);
	systemd_set("activating", "auto-restart");
	run(switching_run);
	assert_string_equal(systemd.jobs, "stop b, restart b, ");
	assert_int_equal(app_load().phase, PHASE_TRIAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		systemd_test(a_sound_release_may_go),
		systemd_test(findings_end_it_as_refused),
		systemd_test(no_manager_is_a_finding),
		systemd_test(it_flips_and_restarts),
		systemd_test(it_stops_flips_and_starts),
		systemd_test(what_runs_already_is_not_restarted),
		systemd_test(flipped_is_not_restarted),
		systemd_test(what_counts_as_running),
		systemd_test(a_start_that_fails_is_a_verdict),
		systemd_test(on_fail_keep_ends_it_there),
		systemd_test(a_shutdown_is_no_verdict),
		systemd_test(a_job_that_was_pushed_out_is_tried_again),
		systemd_test(but_not_for_ever),
		systemd_test(a_start_that_takes_too_long_is_a_verdict),
		systemd_test(the_budget_grows_with_what_is_remembered),
		systemd_test(an_earlier_failure_is_reset_before_the_job),
		systemd_test(retries_of_systemd_are_stopped_before_the_job),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
