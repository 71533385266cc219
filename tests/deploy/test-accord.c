/* LDFLAGS: @tests/deploy/systemd.flags */
/* A member of a group: it commits and goes back only as the record of the round says. */
#include "deploy/accord.h"

#include "systemd.h"

#include "deploy/ending.h"
#include "deploy/staging.h"
#include "deploy/switching.h"
#include "deploy/trial.h"

static struct session session;
static int group_fd = -1;

static void put(struct group group)
{
	assert_int_equal(group_store(group_fd, &group, NULL), 0);
}

static struct group get(void)
{
	struct group group;

	assert_int_equal(group_load(group_fd, &group, NULL), 0);
	return group;
}

/* The round of gw and web, so far come. */
static struct group make(enum group_step gw, enum group_step web)
{
	struct group group = { .round = "round-1", .began = clock_realtime_usec() };

	(void)text_copy("web", group.members[0].app, sizeof(group.members[0].app));
	(void)text_copy("gw", group.members[1].app, sizeof(group.members[1].app));
	group.members[0].step = web;
	group.members[1].step = gw;
	return group;
}

static void begin(enum phase phase, struct group group)
{
	struct state state;

	if (phase == PHASE_TRIAL || phase == PHASE_WATCHING)
		systemd_run(SLOT_B);
	state = app_under_way(phase);
	cleanup_close(&group_fd);
	app_options.groups = check_path;
	app_options.group = "shop";
	assert_int_equal(group_create(check_path, "shop", NULL), 0);
	assert_int_equal(group_open_dir(check_path, "shop", &group_fd, NULL), 0);
	put(group);
	(void)text_copy("shop", state.transaction.group, sizeof(state.transaction.group));
	(void)text_copy("round-1", state.transaction.round, sizeof(state.transaction.round));
	if (phase == PHASE_TRIAL || phase == PHASE_WATCHING) {
		(void)text_copy(systemd.invocation, state.transaction.invocation,
				sizeof(state.transaction.invocation));
		state.transaction.switched = 1;
	}
	app_open(&session, &state);
}

static void who_has_passed_waits_for_the_others(void **unused)
{
	struct state after;

	begin(PHASE_WATCHING, make(GROUP_RUNNING, GROUP_STAGED));
	after = app_step(&session, trial_watch);
	assert_int_equal(after.phase, PHASE_WATCHING);
	assert_int_equal(get().members[1].step, GROUP_PASSED);
	assert_int_equal(get().verdict, GROUP_OPEN);
	assert_string_equal(after.transaction.reason, "waits for group shop: web is staged");
}

static void the_last_to_pass_commits_for_all(void **unused)
{
	struct state after;

	begin(PHASE_WATCHING, make(GROUP_RUNNING, GROUP_PASSED));
	after = app_step(&session, trial_watch);
	assert_int_equal(after.transaction.outcome, OUTCOME_COMMITTED);
	assert_int_equal(get().verdict, GROUP_ALL);
	assert_int_equal(get().members[1].step, GROUP_ENDED);
	assert_string_equal(after.good.version, "2.0");
}

/* It had passed once: it does not have to pass its whole window again. */
static void a_passed_one_commits_as_soon_as_it_may(void **unused)
{
	struct group group = make(GROUP_PASSED, GROUP_ENDED);
	uint64_t came = systemd.now;

	group.verdict = GROUP_ALL;
	begin(PHASE_WATCHING, group);
	systemd.slots[SLOT_B].sick = true;
	assert_int_equal(app_step(&session, trial_watch).transaction.outcome, OUTCOME_COMMITTED);
	assert_true(systemd.now - came < USEC_PER_SEC);
}

static void who_fails_spoils_it_for_all(void **unused)
{
	begin(PHASE_TRIAL, make(GROUP_STAGED, GROUP_RUNNING));
	systemd.slots[SLOT_B].sick = true;
	assert_int_equal(app_step(&session, trial_run).phase, PHASE_REVERTING);
	assert_int_equal(get().verdict, GROUP_NONE);
	assert_string_equal(get().culprit, "gw");
	assert_non_null(strstr(get().reason, "start deadline"));
}

/* OnFail=keep would leave one of them behind. */
static void nobody_is_kept(void **unused)
{
	begin(PHASE_TRIAL, make(GROUP_STAGED, GROUP_RUNNING));
	app_options.keep = true;
	systemd.slots[SLOT_B].sick = true;
	assert_int_equal(app_step(&session, trial_run).phase, PHASE_REVERTING);
}

/* Too late: the others may have committed. */
static void who_fails_after_the_commit_point_commits(void **unused)
{
	struct group group = make(GROUP_PASSED, GROUP_PASSED);
	struct error err = {};

	group.verdict = GROUP_ALL;
	begin(PHASE_WATCHING, group);
	assert_int_equal(ending_unhealthy(&session, "it died", &err), 0);
	session_close(&session);
	assert_int_equal(app_load().transaction.outcome, OUTCOME_COMMITTED);
	assert_int_equal(get().verdict, GROUP_ALL);
}

static struct group spoilt(enum group_step gw)
{
	struct group group = make(gw, GROUP_ENDED);

	assert_true(group_veto(&group, "web", FAULT_UNHEALTHY, "HTTP 500"));
	return group;
}

static void the_failure_of_another_ends_the_watch(void **unused)
{
	struct state after;

	begin(PHASE_WATCHING, spoilt(GROUP_RUNNING));
	after = app_step(&session, trial_watch);
	assert_int_equal(after.phase, PHASE_REVERTING);
	assert_string_equal(after.transaction.reason, "group shop: web: HTTP 500");
}

static void for_the_sake_of_another_is_not_bad(void **unused)
{
	struct error err = {};

	begin(PHASE_REVERTING, spoilt(GROUP_RUNNING));
	assert_int_equal(ending_end(&session, OUTCOME_ROLLED_BACK, FAULT_UNHEALTHY, "x", &err), 0);
	session_close(&session);
	assert_true(digest_is_null(&app_load().bad[0].digest));
	assert_int_equal(get().members[1].step, GROUP_ENDED);
}

static void its_own_failure_is_bad(void **unused)
{
	struct group group = make(GROUP_RUNNING, GROUP_RUNNING);
	struct error err = {};

	assert_true(group_veto(&group, "gw", FAULT_UNHEALTHY, "HTTP 500"));
	begin(PHASE_REVERTING, group);
	assert_int_equal(ending_end(&session, OUTCOME_ROLLED_BACK, FAULT_UNHEALTHY, "x", &err), 0);
	session_close(&session);
	assert_string_equal(app_load().bad[0].version, "2.0");
}

static void who_comes_too_late_is_refused(void **unused)
{
	struct state after;

	begin(PHASE_STAGING, spoilt(GROUP_ABSENT));
	after = app_step(&session, staging_run);
	assert_int_equal(after.transaction.outcome, OUTCOME_REFUSED);
	assert_int_equal(get().members[1].step, GROUP_ENDED);
}

static void a_record_of_another_round_is_for_none(void **unused)
{
	struct group group = make(GROUP_RUNNING, GROUP_PASSED);

	(void)text_copy("round-2", group.round, sizeof(group.round));
	begin(PHASE_WATCHING, group);
	assert_int_equal(app_step(&session, trial_watch).phase, PHASE_REVERTING);
	assert_int_equal(get().verdict, GROUP_OPEN);
}

static void web_joins(void)
{
	struct group group = get();

	if (systemd.waits > 3 && group.verdict == GROUP_OPEN) {
		(void)group_advance(&group, "web", GROUP_RUNNING);
		put(group);
	}
}

/* After the wait everything is looked at again, then it goes. */
static void it_waits_for_its_turn(void **unused)
{
	struct state after;

	begin(PHASE_STAGED, make(GROUP_JOINED, GROUP_JOINED));
	systemd.on_wait = web_joins;
	assert_int_equal(switching_prepare(&session, NULL), 0);
	assert_int_equal(session.state.phase, PHASE_STAGED);
	after = app_step(&session, switching_prepare);
	assert_int_equal(after.phase, PHASE_SWITCHING);
}

static void who_never_joins_is_not_waited_for(void **unused)
{
	struct group group = make(GROUP_JOINED, GROUP_ABSENT);
	struct state after;

	group.began -= GROUP_JOIN_USEC + USEC_PER_SEC;
	begin(PHASE_STAGED, group);
	after = app_step(&session, switching_prepare);
	assert_int_equal(after.transaction.outcome, OUTCOME_FAILED);
	assert_string_equal(after.transaction.reason,
			    "group shop: web: it did not take part within 10min");
	assert_string_equal(get().culprit, "web");
}

/* ---- after a crash ---- */

static struct state resume(enum phase phase, struct group group, bool last_try)
{
	struct error err = {};

	begin(phase, group);
	(void)text_copy("another boot", session.state.transaction.boot_id,
			sizeof(session.state.transaction.boot_id));
	session.state.transaction.boot_tries_left = last_try ? 1 : 2;
	if (resume_settle(&session, &err) < 0)
		fail_msg("%s", err.text);
	session_close(&session);
	return app_load();
}

/* "None" was decided just before the power failed: back before the service starts. */
static void none_is_known_at_boot(void **unused)
{
	assert_int_equal(resume(PHASE_WATCHING, spoilt(GROUP_PASSED), false).phase,
			 PHASE_REVERTING);
	assert_int_equal(app_current(), SLOT_A);
	assert_int_equal(resume(PHASE_STAGED, spoilt(GROUP_STAGED), false).transaction.outcome,
			 OUTCOME_FAILED);
}

/* "All" was: not even a machine that goes down again and again takes it back. */
static void all_is_known_at_boot(void **unused)
{
	struct group group = make(GROUP_PASSED, GROUP_ENDED);

	group.verdict = GROUP_ALL;
	assert_int_equal(resume(PHASE_WATCHING, group, true).phase, PHASE_WATCHING);
	assert_int_equal(app_current(), SLOT_B);
}

static void who_goes_back_at_boot_says_so(void **unused)
{
	assert_int_equal(resume(PHASE_TRIAL, make(GROUP_STAGED, GROUP_PASSED), true).phase,
			 PHASE_REVERTING);
	assert_int_equal(get().verdict, GROUP_NONE);
	assert_string_equal(get().culprit, "gw");
}

static int teardown(void **state)
{
	cleanup_close(&group_fd);
	return check_teardown_closed(state);
}

#define member_test(test) cmocka_unit_test_setup_teardown(test, systemd_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		member_test(who_has_passed_waits_for_the_others),
		member_test(the_last_to_pass_commits_for_all),
		member_test(a_passed_one_commits_as_soon_as_it_may),
		member_test(who_fails_spoils_it_for_all),
		member_test(nobody_is_kept),
		member_test(who_fails_after_the_commit_point_commits),
		member_test(the_failure_of_another_ends_the_watch),
		member_test(for_the_sake_of_another_is_not_bad),
		member_test(its_own_failure_is_bad),
		member_test(who_comes_too_late_is_refused),
		member_test(a_record_of_another_round_is_for_none),
		member_test(it_waits_for_its_turn),
		member_test(who_never_joins_is_not_waited_for),
		member_test(none_is_known_at_boot),
		member_test(all_is_known_at_boot),
		member_test(who_goes_back_at_boot_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
