/* LDFLAGS: @tests/deploy/systemd.flags */
/* A failure after the commit, found by the tick. */
#include "deploy/late.h"

#include "store/outbox.h"

#include "systemd.h"

static struct session session;

/* With nothing under way; the manager is at hand before it is said to be that of a user. */
static void look(const char *user)
{
	struct state state = { .phase = PHASE_IDLE, .good = { .version = "1.0" } };
	struct manager *manager;

	app_open(&session, &state);
	assert_int_equal(session_manager(&session, &manager, NULL), 0);
	app_options.user = user;
	late_look(&session);
}

static void run_and_set(const char *active, const char *sub)
{
	app_point(SLOT_A);
	systemd_run(SLOT_A);
	systemd_set(active, sub);
}

static void a_unit_of_the_system_has_on_failure(void **unused)
{
	run_and_set("failed", "failed");
	look(NULL);
	session_close(&session);
	assert_string_equal(systemd.jobs, "");
	assert_int_equal(app_n_heard, 0);
}

static void what_is_well_is_left_alone(void **unused)
{
	run_and_set("active", "running");
	look("ada");
	session_close(&session);
	assert_string_equal(systemd.jobs, "");
	assert_int_equal(app_n_heard, 0);
}

static void what_was_stopped_stays_so(void **unused)
{
	run_and_set("inactive", "dead");
	look("ada");
	session_close(&session);
	assert_string_equal(systemd.jobs, "");
}

static void what_has_failed_is_told_and_started(void **unused)
{
	const struct alert_receiver ops = { .name = "ops", .events = 1U << ALERT_LATE };
	struct outbox_entry *entries = NULL;
	size_t n = 0;

	run_and_set("failed", "failed");
	app_options.alerts = &ops;
	app_options.n_alerts = 1;
	look("ada");
	assert_string_equal(systemd.jobs, "start a, ");
	assert_int_equal(app_told(EVENT_WARNING, "known good: 1.0"), 1);
	assert_int_equal(outbox_load(session.dirfd, &entries, &n, NULL), 0);
	assert_int_equal(n, 1);
	free(entries);
	session_close(&session);
	assert_string_equal(app_load().late, "inv-2");
}

static void once_for_each_invocation(void **unused)
{
	run_and_set("activating", "auto-restart");
	look("ada");
	late_look(&session);
	assert_int_equal(app_told(EVENT_WARNING, "known good"), 1);
	assert_string_equal(systemd.jobs, ""); /* systemd is at it */
	systemd_run(SLOT_A);
	systemd_set("activating", "auto-restart");
	late_look(&session);
	assert_int_equal(app_told(EVENT_WARNING, "known good"), 2);
	session_close(&session);
}

static void who_does_not_answer_is_said(void **unused)
{
	run_and_set("failed", "failed");
	systemd.gone = false;
	look("ada");
	systemd.gone = true;
	late_look(&session);
	assert_int_equal(app_told(EVENT_WARNING, "was not looked at: no manager"), 1);
	session_close(&session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		systemd_test(a_unit_of_the_system_has_on_failure),
		systemd_test(what_is_well_is_left_alone),
		systemd_test(what_was_stopped_stays_so),
		systemd_test(what_has_failed_is_told_and_started),
		systemd_test(once_for_each_invocation),
		systemd_test(who_does_not_answer_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
