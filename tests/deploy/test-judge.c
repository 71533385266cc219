/* LDFLAGS: @tests/deploy/systemd.flags -Wl,--wrap=imposter_find */
/* Verdicts: what the unit does on the slot, and what is made of it. */
#include "deploy/judge.h"

#include "base/text.h"
#include "deploy/imposter.h"
#include "systemd.h"

static struct judge_report report;
static char slot_paths[SLOT_MAX][128];
static char current_path[128];
static uint64_t began;
static bool interrupted;
static uint64_t patience;

static uint64_t imposter_until; /* somebody else answers the probes */

int __wrap_imposter_find(const struct imposter_look *look, char *ret_why, size_t room,
			 struct error *err);

int __wrap_imposter_find(const struct imposter_look *look, char *ret_why, size_t room,
			 struct error *err)
{
	assert_string_equal(look->slot_path, slot_paths[SLOT_B]);
	assert_string_equal(look->other_path, slot_paths[SLOT_A]);
	if (systemd.now >= imposter_until)
		return 0;
	(void)text_copy("somebody else answers", ret_why, room);
	return IMPOSTER_FOUND;
}

static int interrupt(void *data)
{
	return interrupted;
}

static int judge(enum judge_phase phase, uint64_t span, const char *invocation)
{
	static struct state state;
	const struct judge_options how = {
		.phase = phase,
		.deadline = systemd.now + span,
		.patience = patience,
		.slot_path = slot_paths[SLOT_B],
		.other_path = slot_paths[SLOT_A],
		.current_path = current_path,
		.invocation = invocation,
		.interrupt = interrupt,
		.wake_fd = -1,
	};
	struct manager *manager = NULL;
	struct error err = {};
	int r;

	began = systemd.now;
	report = (struct judge_report){};
	assert_int_equal(__wrap_manager_open(&manager, &err), 0);
	r = judge_run(&app_options, &how, manager, &app_listener, &state, &report, &err);
	if (r < 0)
		fail_msg("%s", err.text);
	return r;
}

static int setup(void **state)
{
	int r = systemd_setup(state);

	for (enum slot slot = SLOT_A; slot < SLOT_MAX; slot++)
		(void)snprintf(slot_paths[slot], sizeof(slot_paths[slot]), "%s/%s", check_path,
			       slot_dir_name(slot));
	(void)snprintf(current_path, sizeof(current_path), "%s/" LAYOUT_CURRENT, check_path);
	interrupted = false;
	imposter_until = 0;
	patience = 0;
	systemd_run(SLOT_B);
	return r;
}

#define judge_test(test) cmocka_unit_test_setup_teardown(test, setup, check_teardown_closed)
#define START		 (30 * USEC_PER_SEC)
#define WATCH		 (60 * USEC_PER_SEC)

static void a_healthy_start_passes_at_once(void **unused)
{
	assert_int_equal(judge(JUDGE_START, START, systemd.invocation), JUDGE_PASSED);
	assert_true(systemd.now - began < USEC_PER_SEC);
	assert_string_equal(report.invocation, "inv-2");
	assert_int_equal(report.proof.proof, PROOF_STRONG);
	assert_int_equal(app_told(EVENT_PROBE, ""), 1);
}

static void a_failed_unit_is_bad(void **unused)
{
	systemd_set("failed", "failed");
	assert_int_equal(judge(JUDGE_START, START, systemd.invocation), JUDGE_BAD);
	assert_non_null(strstr(report.reason, "gw.service failed"));
	assert_int_equal(judge(JUDGE_WATCH, WATCH, systemd.invocation), JUDGE_BAD);
}

static void a_restart_by_systemd_is_bad(void **unused)
{
	systemd_set("activating", "auto-restart");
	assert_int_equal(judge(JUDGE_START, START, systemd.invocation), JUDGE_BAD);
	assert_non_null(strstr(report.reason, "does not stay up"));
	systemd_set("active", "running"); /* it is up again, but it was down */
	systemd.restarts = 1;
	assert_int_equal(judge(JUDGE_WATCH, WATCH, systemd.invocation), JUDGE_BAD);
	assert_non_null(strstr(report.reason, "does not stay up"));
}

/* That systemd was not to start it is a verdict at once: another start would end the same way. */
static void a_condition_that_is_not_met(void **unused)
{
	systemd_set("inactive", "dead");
	systemd.unmet = true;
	assert_int_equal(judge(JUDGE_START, START, ""), JUDGE_BAD);
	assert_non_null(strstr(report.reason, "a Condition= of the unit is not met"));
}

static void a_stop_is_no_verdict_on_the_release(void **unused)
{
	systemd_set("inactive", "dead");
	assert_int_equal(judge(JUDGE_WATCH, WATCH, systemd.invocation), JUDGE_STOPPED);
	assert_non_null(strstr(report.reason, "is down: "));
}

static void who_ends_by_itself_is_bad(void **unused)
{
	systemd_end();
	assert_int_equal(judge(JUDGE_START, START, systemd.invocation), JUDGE_BAD);
	assert_non_null(strstr(report.reason, "although it should stay"));
	systemd.trigger = "gw.socket"; /* which starts it again at need */
	assert_int_equal(judge(JUDGE_WATCH, WATCH, systemd.invocation), JUDGE_STOPPED);
}

/* `systemctl restart` is a stop and a start: between them a job is in the queue. */
static void start_again_soon(void)
{
	if (systemd.waits < 5 || !systemd.job_pending)
		return;
	systemd.job_pending = false;
	systemd_run(SLOT_B);
}

static void a_stop_with_a_job_behind_it_is_waited_for(void **unused)
{
	systemd.on_wait = start_again_soon;
	systemd.job_pending = true;
	systemd_set("inactive", "dead");
	assert_int_equal(judge(JUDGE_START, START, systemd.invocation), JUDGE_PASSED);
	assert_string_equal(report.invocation, "inv-3");
}

/* Whatever is seen of the unit while the machine goes down says nothing of the release. */
static void a_machine_that_goes_down_judges_nobody(void **unused)
{
	static const char *const states[] = { "failed", "inactive" };

	systemd.stopping = true;
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		systemd_set(states[i], "dead");
		assert_int_equal(judge(JUDGE_WATCH, WATCH, systemd.invocation), JUDGE_INTERRUPTED);
	}
}

static void restart_once(void)
{
	if (systemd.waits == 10)
		systemd_run(SLOT_B);
}

static void restart_twice(void)
{
	if (systemd.waits == 10 || systemd.waits == 20)
		systemd_run(SLOT_B);
}

static void one_restart_by_hand_is_followed(void **unused)
{
	systemd.on_wait = restart_once;
	assert_int_equal(judge(JUDGE_WATCH, WATCH, systemd.invocation), JUDGE_PASSED);
	assert_string_equal(report.invocation, "inv-3");
	assert_int_equal(app_told(EVENT_NOTE, "restarted by somebody"), 1);
}

static void a_second_one_is_bad(void **unused)
{
	systemd.on_wait = restart_twice;
	assert_int_equal(judge(JUDGE_WATCH, WATCH, systemd.invocation), JUDGE_BAD);
	assert_non_null(strstr(report.reason, "started anew 2 times"));
}

/* With no invocation given, the first one seen is judged, and is no restart. */
static void the_first_invocation_is_no_restart(void **unused)
{
	systemd.on_wait = restart_once;
	assert_int_equal(judge(JUDGE_WATCH, WATCH, ""), JUDGE_PASSED);
	assert_int_equal(app_told(EVENT_NOTE, ""), 1);
}

static void the_start_deadline_ends_the_patience(void **unused)
{
	systemd.slots[SLOT_B].sick = true;
	assert_int_equal(judge(JUDGE_START, START, systemd.invocation), JUDGE_BAD);
	assert_int_equal(systemd.now - began, START);
	assert_non_null(strstr(report.reason, "start deadline"));
	assert_non_null(strstr(report.reason, "probe unit"));
	assert_int_equal(app_told(EVENT_NOTE, "not healthy yet; waiting "), 1);
	assert_int_equal(app_told(EVENT_NOTE, "more at most: probe unit"), 1);
}

/* Less than a second is nothing to be patient for. */
static void a_short_patience_is_not_told(void **unused)
{
	systemd.slots[SLOT_B].sick = true;
	assert_int_equal(judge(JUDGE_START, 59 * USEC_PER_SEC / 10, systemd.invocation), JUDGE_BAD);
	assert_int_equal(app_told(EVENT_NOTE, "not healthy yet; waiting "), 0);
	assert_int_equal(judge(JUDGE_START, 7 * USEC_PER_SEC, systemd.invocation), JUDGE_BAD);
	assert_int_equal(app_told(EVENT_NOTE, "not healthy yet; waiting 1s"), 1);
}

static void get_well(void)
{
	systemd.slots[SLOT_B].sick = systemd.now < began + 20 * USEC_PER_SEC;
}

static void who_gets_well_before_it_passes(void **unused)
{
	systemd.slots[SLOT_B].sick = true;
	systemd.on_wait = get_well;
	assert_int_equal(judge(JUDGE_START, START, systemd.invocation), JUDGE_PASSED);
	assert_true(systemd.now - began >= 20 * USEC_PER_SEC && systemd.now - began < START);
}

static void a_unit_that_never_gets_active_is_late(void **unused)
{
	systemd_set("activating", "start-post");
	assert_int_equal(judge(JUDGE_START, START, systemd.invocation), JUDGE_BAD);
	assert_non_null(strstr(report.reason, "activating (start-post)"));
	assert_int_equal(systemd.now - began, START);
}

/* A worker that took over when the deadline was past: it hears out who has not said no. */
static void a_late_worker_hears_the_probes_out(void **unused)
{
	app_probe.success_threshold = 3;
	patience = START;
	assert_int_equal(judge(JUDGE_START, 0, systemd.invocation), JUDGE_PASSED);
	patience = app_probe.period_usec;
	assert_int_equal(judge(JUDGE_START, 0, systemd.invocation), JUDGE_BAD);
	assert_non_null(strstr(report.reason, "start deadline"));
}

static void a_late_worker_does_not_wait_for_the_sick(void **unused)
{
	systemd.slots[SLOT_B].sick = true;
	patience = START;
	assert_int_equal(judge(JUDGE_START, 0, systemd.invocation), JUDGE_BAD);
	assert_true(systemd.now - began < START / 2);
}

/* The probes pass, but on code of the old release. */
static void old_code_does_not_pass(void **unused)
{
	systemd.slots[SLOT_B].keeps_old_code = true;
	assert_int_equal(judge(JUDGE_START, START, systemd.invocation), JUDGE_BAD);
	assert_non_null(strstr(report.reason, "code of the other slot"));
}

static void the_window_is_watched_to_its_end(void **unused)
{
	assert_int_equal(judge(JUDGE_WATCH, WATCH, systemd.invocation), JUDGE_PASSED);
	assert_true(systemd.now - began >= WATCH);
	assert_true(systemd.now - began < WATCH + 3 * USEC_PER_SEC);
	assert_int_equal(app_told(EVENT_PROBE, ""), 0); /* all was well: no news */
}

static void who_dies_at_the_end_of_it_is_bad(void **unused)
{
	systemd.slots[SLOT_B].dies_after_usec = WATCH - USEC_PER_SEC;
	assert_int_equal(judge(JUDGE_WATCH, WATCH, systemd.invocation), JUDGE_BAD);
	assert_true(systemd.now - began < WATCH);
}

static void fall_sick(void)
{
	systemd.slots[SLOT_B].sick = systemd.now > began + 10 * USEC_PER_SEC;
}

static void a_probe_condemns_at_its_threshold(void **unused)
{
	systemd.on_wait = fall_sick;
	assert_int_equal(judge(JUDGE_WATCH, WATCH, systemd.invocation), JUDGE_BAD);
	assert_non_null(strstr(report.reason, "probe unit failed 3 times in a row"));
	assert_true(systemd.now - began >= 14 * USEC_PER_SEC);
	assert_true(systemd.now - began < 20 * USEC_PER_SEC);
}

static void sick_for_a_moment(void)
{
	uint64_t at = systemd.now - began;

	systemd.slots[SLOT_B].sick = at > 9 * USEC_PER_SEC && at < 11 * USEC_PER_SEC;
}

static void a_moment_does_not_condemn(void **unused)
{
	systemd.on_wait = sick_for_a_moment;
	assert_int_equal(judge(JUDGE_WATCH, WATCH, systemd.invocation), JUDGE_PASSED);
	assert_int_equal(app_told(EVENT_PROBE, ""), 2); /* no, and yes again */
}

static void sick_over_a_restart(void)
{
	uint64_t at = systemd.now - began;

	systemd.slots[SLOT_B].sick = at > 9 * USEC_PER_SEC && at < 15 * USEC_PER_SEC;
	if (at > 12 * USEC_PER_SEC && systemd.invocations == 2)
		systemd_run(SLOT_B);
}

/* What the old invocation did is not counted with what the new one does. */
static void a_new_invocation_starts_from_zero(void **unused)
{
	systemd.on_wait = sick_over_a_restart;
	assert_int_equal(judge(JUDGE_WATCH, WATCH, systemd.invocation), JUDGE_PASSED);
	assert_string_equal(report.invocation, "inv-3");
}

/* A window of no length still asks every probe once. */
static void no_window_is_one_round(void **unused)
{
	systemd.slots[SLOT_B].sick = true;
	assert_int_equal(judge(JUDGE_WATCH, 0, systemd.invocation), JUDGE_BAD);
	systemd.slots[SLOT_B].sick = false;
	assert_int_equal(judge(JUDGE_WATCH, 0, systemd.invocation), JUDGE_PASSED);
}

static void interrupt_soon(void)
{
	interrupted = systemd.waits >= 3;
}

static void an_interrupt_ends_it(void **unused)
{
	systemd.on_wait = interrupt_soon;
	assert_int_equal(judge(JUDGE_WATCH, WATCH, systemd.invocation), JUDGE_INTERRUPTED);
	assert_true(systemd.now - began < WATCH);
}

static void who_is_not_heard_itself_has_not_passed(void **unused)
{
	(void)unused;
	imposter_until = systemd.now + 3 * USEC_PER_SEC;
	assert_int_equal(judge(JUDGE_START, 10 * USEC_PER_SEC, systemd.invocation), JUDGE_PASSED);
	assert_true(systemd.now >= imposter_until);
	imposter_until = USEC_INFINITY;
	assert_int_equal(judge(JUDGE_START, 10 * USEC_PER_SEC, systemd.invocation), JUDGE_BAD);
	assert_string_equal(report.reason,
			    "not healthy within the start deadline: somebody else answers");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		judge_test(a_healthy_start_passes_at_once),
		judge_test(a_failed_unit_is_bad),
		judge_test(a_restart_by_systemd_is_bad),
		judge_test(a_condition_that_is_not_met),
		judge_test(a_stop_is_no_verdict_on_the_release),
		judge_test(who_ends_by_itself_is_bad),
		judge_test(a_stop_with_a_job_behind_it_is_waited_for),
		judge_test(a_machine_that_goes_down_judges_nobody),
		judge_test(one_restart_by_hand_is_followed),
		judge_test(a_second_one_is_bad),
		judge_test(the_first_invocation_is_no_restart),
		judge_test(the_start_deadline_ends_the_patience),
		judge_test(a_short_patience_is_not_told),
		judge_test(who_gets_well_before_it_passes),
		judge_test(a_unit_that_never_gets_active_is_late),
		judge_test(a_late_worker_hears_the_probes_out),
		judge_test(a_late_worker_does_not_wait_for_the_sick),
		judge_test(old_code_does_not_pass),
		judge_test(the_window_is_watched_to_its_end),
		judge_test(who_dies_at_the_end_of_it_is_bad),
		judge_test(a_probe_condemns_at_its_threshold),
		judge_test(a_moment_does_not_condemn),
		judge_test(a_new_invocation_starts_from_zero),
		judge_test(no_window_is_one_round),
		judge_test(an_interrupt_ends_it),
		judge_test(who_is_not_heard_itself_has_not_passed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
