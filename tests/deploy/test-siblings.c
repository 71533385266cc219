/* LDFLAGS: @tests/deploy/systemd.flags */
/* Units of AlsoRestart=: restarted with the app, and judged with it. */
#include "deploy/siblings.h"

#include "systemd.h"

#include "deploy/resume.h"
#include "deploy/reverting.h"
#include "deploy/switching.h"
#include "deploy/trial.h"

#define SIDE 0
#define LOG  1

static struct session session;
static char *names[] = { (char *)"side.service", (char *)"log.service", NULL };

static int setup(void **state)
{
	int r = systemd_setup(state);

	for (size_t i = 0; i < ARRAY_SIZE(systemd.siblings); i++)
		systemd.siblings[i] = (struct systemd_sibling){
			.name = names[i], .active = "active", .sub = "running", .runs = SLOT_A
		};
	app_options.siblings = names;
	return r;
}

#define siblings_test(test) cmocka_unit_test_setup_teardown(test, setup, check_teardown_closed)

/* As the step before would have left it. */
static void open_at(enum phase phase)
{
	struct state state = app_under_way(phase);
	struct state_transaction *transaction = &state.transaction;

	if (phase == PHASE_TRIAL || phase == PHASE_WATCHING || phase == PHASE_REVERTING) {
		app_point(SLOT_B);
		systemd_run(SLOT_B);
		systemd.siblings[SIDE].runs = systemd.siblings[LOG].runs = SLOT_B;
		(void)text_copy(systemd.invocation, transaction->invocation,
				sizeof(transaction->invocation));
		transaction->phase_began_monotonic = systemd.now;
	}
	if (phase == PHASE_SWITCHING)
		(void)text_copy(systemd.invocation, transaction->old_invocation,
				sizeof(transaction->old_invocation));
	if (phase != PHASE_STAGED)
		(void)text_copy("side.service,log.service,", transaction->siblings,
				sizeof(transaction->siblings));
	app_open(&session, &state);
}

static void check_reason(const struct state *state, const char *words)
{
	if (!strstr(state->transaction.reason, words))
		fail_msg("\"%s\" does not say \"%s\"", state->transaction.reason, words);
}

static void what_is_up_is_noted(void **unused)
{
	open_at(PHASE_STAGED);
	assert_string_equal(app_step(&session, switching_prepare).transaction.siblings,
			    "side.service,log.service,");
	assert_string_equal(systemd.jobs, "");
}

static void what_is_down_is_not(void **unused)
{
	static const struct {
		const char *active, *sub;
		unsigned int restarts;
	} rows[] = {
		{ "inactive", "dead", 0 },
		{ "failed", "failed", 0 },
		{ "activating", "auto-restart", 3 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		systemd.siblings[SIDE].active = rows[i].active;
		systemd.siblings[SIDE].sub = rows[i].sub;
		systemd.siblings[SIDE].restarts = rows[i].restarts;
		open_at(PHASE_STAGED);
		assert_string_equal(app_step(&session, switching_prepare).transaction.siblings,
				    "log.service,");
		assert_int_equal(app_told(EVENT_NOTE, "side.service is not up"), i + 1);
	}
}

static void they_follow_the_app_in_order(void **unused)
{
	open_at(PHASE_SWITCHING);
	assert_int_equal(app_step(&session, switching_run).phase, PHASE_TRIAL);
	assert_string_equal(systemd.jobs,
			    "restart b, restart side.service b, restart log.service b, ");
}

/* What the configuration says meanwhile does not count, nor who was not noted. */
static void who_was_not_noted_is_left_alone(void **unused)
{
	open_at(PHASE_SWITCHING);
	(void)text_copy("log.service,", session.state.transaction.siblings,
			sizeof(session.state.transaction.siblings));
	assert_int_equal(app_step(&session, switching_run).phase, PHASE_TRIAL);
	assert_string_equal(systemd.jobs, "restart b, restart log.service b, ");
}

/* The worker before this one was killed behind the app's restart, or in the middle of theirs. */
static void they_are_restarted_whoever_restarted_the_app(void **unused)
{
	open_at(PHASE_SWITCHING);
	app_point(SLOT_B);
	systemd_run(SLOT_B);
	assert_int_equal(app_step(&session, switching_run).phase, PHASE_TRIAL);
	assert_string_equal(systemd.jobs, "restart side.service b, restart log.service b, ");
}

static void one_that_does_not_start_condemns(void **unused)
{
	struct state after;

	systemd.siblings[SIDE].fails[SLOT_B] = true;
	open_at(PHASE_SWITCHING);
	after = app_step(&session, switching_run);
	assert_int_equal(after.phase, PHASE_REVERTING);
	check_reason(&after, "side.service (AlsoRestart=) did not start (failed)");
	assert_string_equal(systemd.jobs, "restart b, restart side.service b, ");
}

/* Nothing is said of a release when the machine goes down. */
static void a_shutdown_condemns_nobody(void **unused)
{
	systemd.siblings[SIDE].fails[SLOT_B] = true;
	systemd.stopping = true;
	open_at(PHASE_SWITCHING);
	assert_int_equal(app_step(&session, switching_run).phase, PHASE_SWITCHING);
	open_at(PHASE_TRIAL);
	systemd.siblings[SIDE].active = "failed";
	assert_int_equal(app_step(&session, trial_run).phase, PHASE_TRIAL);
}

static void one_that_goes_condemns(int (*step)(struct session *, struct error *), enum phase phase)
{
	static const struct {
		struct systemd_sibling is;
		const char *reason; /* NULL: none */
	} rows[] = {
		{ { .active = "failed", .sub = "failed" }, "log.service (AlsoRestart=) failed" },
		{ { .active = "activating", .sub = "auto-restart" },
		  "log.service (AlsoRestart=) does not stay up" },
		{ { .active = "active", .sub = "running", .restarts = 1 },
		  "log.service (AlsoRestart=) does not stay up" },
		{ { .active = "inactive", .sub = "dead", .ended = true },
		  "log.service (AlsoRestart=) stopped" },
		{ { .active = "inactive", .sub = "dead" }, NULL }, /* somebody stopped it */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct state after;

		open_at(phase);
		systemd.siblings[LOG] = rows[i].is;
		systemd.siblings[LOG].name = names[LOG];
		after = app_step(&session, step);
		if ((after.phase == PHASE_REVERTING) != (rows[i].reason != NULL))
			fail_msg("row %zu: %s", i, phase_name(after.phase));
		if (rows[i].reason)
			check_reason(&after, rows[i].reason);
	}
}

static void one_that_goes_condemns_in_trial(void **unused)
{
	one_that_goes_condemns(trial_run, PHASE_TRIAL);
}

static void one_that_goes_condemns_in_watch(void **unused)
{
	one_that_goes_condemns(trial_watch, PHASE_WATCHING);
}

static void they_go_back_as_well(void **unused)
{
	systemd.siblings[SIDE].fails[SLOT_B] = true;
	open_at(PHASE_REVERTING);
	systemd.siblings[SIDE].active = "failed";
	assert_int_equal(app_step(&session, reverting_run).transaction.outcome,
			 OUTCOME_ROLLED_BACK);
	assert_int_equal(systemd.siblings[SIDE].runs, SLOT_A);
	assert_string_equal(systemd.jobs,
			    "restart a, restart side.service a, restart log.service a, ");
}

/* The worker before this one brought the app back already. */
static void they_go_back_whoever_brought_the_app_back(void **unused)
{
	open_at(PHASE_REVERTING);
	app_point(SLOT_A);
	systemd_run(SLOT_A);
	assert_int_equal(app_step(&session, reverting_run).transaction.outcome,
			 OUTCOME_ROLLED_BACK);
	assert_string_equal(systemd.jobs, "restart side.service a, restart log.service a, ");
}

static void one_that_stays_down_is_said(void **unused)
{
	struct state after;

	systemd.siblings[SIDE].fails[SLOT_A] = true;
	open_at(PHASE_REVERTING);
	after = app_step(&session, reverting_run);
	assert_int_equal(after.transaction.outcome, OUTCOME_ROLLED_BACK_UNHEALTHY);
	check_reason(&after, "after the rollback: side.service (AlsoRestart=) ");
	assert_int_equal(systemd.siblings[LOG].runs, SLOT_A); /* all the same */
}

static void one_that_crashes_after_the_rollback_is_said(void **unused)
{
	struct state after;

	systemd.siblings[LOG].crashes[SLOT_A] = true;
	open_at(PHASE_REVERTING);
	after = app_step(&session, reverting_run);
	assert_int_equal(after.transaction.outcome, OUTCOME_ROLLED_BACK_UNHEALTHY);
	check_reason(&after, "log.service (AlsoRestart=) does not stay up");
}

/* systemd has lost its unit file: nothing that is worth a worker's life. */
static void one_that_is_gone_is_said(void **unused)
{
	struct state after;

	open_at(PHASE_REVERTING);
	systemd.siblings[SIDE].load_state = "not-found";
	after = app_step(&session, reverting_run);
	assert_int_equal(after.transaction.outcome, OUTCOME_ROLLED_BACK_UNHEALTHY);
	check_reason(&after, "side.service (AlsoRestart=) did not start (not-found)");
	assert_string_equal(systemd.jobs, "restart a, restart log.service a, ");
}

static void in_haste_they_are_not_waited_for(void **unused)
{
	open_at(PHASE_REVERTING);
	session.state.transaction.attempts = RESUME_ATTEMPTS_MAX + 1;
	assert_int_equal(app_step(&session, reverting_run).transaction.outcome, OUTCOME_BOTH_BAD);
	assert_string_equal(systemd.jobs,
			    "restart a, restart side.service a, restart log.service a, ");
}

static void check_finding(const char *words)
{
	struct state state = app_under_way(PHASE_STAGED);
	const struct preflight_input input = {
		.state = &state, .dirfd = check_fd, .target = SLOT_B, .current = SLOT_A
	};
	struct preflight preflight;

	assert_int_equal(preflight_run(&app_options, &input, (struct manager *)&systemd, &preflight,
				       NULL),
			 0);
	assert_int_equal(preflight.n_findings, words ? 1 : 0);
	if (words && !strstr(preflight.findings[0].text, words))
		fail_msg("\"%s\" does not say \"%s\"", preflight.findings[0].text, words);
}

static void preflight_asks_for_them(void **unused)
{
	check_finding(NULL);
	systemd.siblings[LOG].load_state = "not-found";
	check_finding("log.service is not-found: look at `systemctl status log.service`");
	systemd.siblings[LOG].load_state = NULL;
	systemd.siblings[LOG].invocation = systemd.invocation;
	check_finding("log.service is another name of gw.service");
}

static void nor_do_they_write_to_what_is_shared(void **unused)
{
	app_options.dedupe = DEDUPE_HARDLINK;
	systemd.user = systemd.siblings[SIDE].user = "gateway";
	systemd.siblings[SIDE].is_of_release = true;
	check_finding(NULL);
	systemd.siblings[LOG].is_of_release = true;
	check_finding("log.service runs as root");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		siblings_test(what_is_up_is_noted),
		siblings_test(what_is_down_is_not),
		siblings_test(they_follow_the_app_in_order),
		siblings_test(who_was_not_noted_is_left_alone),
		siblings_test(they_are_restarted_whoever_restarted_the_app),
		siblings_test(one_that_does_not_start_condemns),
		siblings_test(a_shutdown_condemns_nobody),
		siblings_test(one_that_goes_condemns_in_trial),
		siblings_test(one_that_goes_condemns_in_watch),
		siblings_test(they_go_back_as_well),
		siblings_test(they_go_back_whoever_brought_the_app_back),
		siblings_test(one_that_stays_down_is_said),
		siblings_test(one_that_crashes_after_the_rollback_is_said),
		siblings_test(one_that_is_gone_is_said),
		siblings_test(in_haste_they_are_not_waited_for),
		siblings_test(preflight_asks_for_them),
		siblings_test(nor_do_they_write_to_what_is_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
