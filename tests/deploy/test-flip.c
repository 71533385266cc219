/* LDFLAGS: @tests/deploy/systemd.flags */
/* `current` and the unit go to the other slot. */
#include "deploy/flip.h"

#include "systemd.h"

static struct session session;

static enum job_result flip(enum slot slot)
{
	struct state state = app_under_way(PHASE_SWITCHING);
	enum job_result result = JOB_RESULT_OTHER;

	app_open(&session, &state);
	assert_int_equal(flip_to(&session, slot, &result, NULL), 0);
	session_close(&session);
	return result;
}

static void one_restart_job(void **unused)
{
	(void)unused;
	assert_int_equal(flip(SLOT_B), JOB_RESULT_DONE);
	assert_int_equal(app_current(), SLOT_B);
	assert_string_equal(systemd.jobs, "restart b, ");
	assert_int_equal(systemd.resets, 1);
}

static void stopped_in_between(void **unused)
{
	(void)unused;
	app_options.switch_mode = SWITCH_STOP_START;
	assert_int_equal(flip(SLOT_B), JOB_RESULT_DONE);
	assert_string_equal(systemd.jobs, "stop a, start b, ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		systemd_test(one_restart_job),
		systemd_test(stopped_in_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
