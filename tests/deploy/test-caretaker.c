/* LDFLAGS: @tests/deploy/systemd.flags */
/* A configuration that is broken in mid-transaction does not leave the service down. */
#include "deploy/caretaker.h"

#include "store/lock.h"
#include "systemd.h"

static int look_after(enum phase phase, enum slot origin, bool *ret_started)
{
	struct state state = app_under_way(phase);
	struct state got;
	struct error err = {};
	int r;

	state.transaction.origin = origin;
	(void)text_copy("gw.service", state.transaction.unit, sizeof(state.transaction.unit));
	app_store(&state);
	r = caretaker_run(check_fd, &got, ret_started, &err);
	if (r < 0)
		fail_msg("%s", err.text);
	return r;
}

static void what_is_down_in_mid_switch_is_started(void **unused)
{
	static const struct {
		enum phase phase;
		const char *jobs;
	} rows[] = {
		{ PHASE_STAGING, "" },
		{ PHASE_STAGED, "" },
		{ PHASE_SWITCHING, "start a, " },
		{ PHASE_TRIAL, "start b, " },
		{ PHASE_WATCHING, "start b, " },
		{ PHASE_REVERTING, "start a, " },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool started;

		systemd_set("inactive", "dead");
		systemd.jobs[0] = '\0';
		assert_int_equal(look_after(rows[i].phase, SLOT_A, &started), 0);
		assert_string_equal(systemd.jobs, rows[i].jobs);
		assert_int_equal(started, rows[i].jobs[0] != '\0');
	}
}

static void what_is_up_or_about_to_be_is_left_alone(void **unused)
{
	bool started;

	assert_int_equal(look_after(PHASE_WATCHING, SLOT_A, &started), 0);
	systemd_set("inactive", "dead");
	systemd.job_pending = true;
	assert_int_equal(look_after(PHASE_WATCHING, SLOT_A, &started), 0);
	assert_false(started);
	assert_string_equal(systemd.jobs, "");
}

static void a_first_install_and_an_idle_app_are_none_of_its_business(void **unused)
{
	bool started;

	systemd_set("failed", "failed");
	assert_int_equal(look_after(PHASE_SWITCHING, SLOT_NONE, &started), 0);
	assert_int_equal(look_after(PHASE_IDLE, SLOT_A, &started), CARETAKER_IDLE);
	assert_string_equal(systemd.jobs, "");
}

static void a_worker_at_work_judges_by_itself(void **unused)
{
	_cleanup_close_ int lock_fd = -1;
	bool started;

	systemd_set("failed", "failed");
	assert_int_equal(lock_take(check_fd, LAYOUT_LOCK, &lock_fd, NULL), 0);
	assert_int_equal(look_after(PHASE_TRIAL, SLOT_A, &started), CARETAKER_BUSY);
	assert_string_equal(systemd.jobs, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		systemd_test(what_is_down_in_mid_switch_is_started),
		systemd_test(what_is_up_or_about_to_be_is_left_alone),
		systemd_test(a_first_install_and_an_idle_app_are_none_of_its_business),
		systemd_test(a_worker_at_work_judges_by_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
