#include "fixture.h"

#include <signal.h>

#include "unit/job.h"

/* ---- explaining, without systemd ---- */

static struct unit loaded(const char *active, const char *result)
{
	struct unit unit = { .start_timeout_usec = 90 * USEC_PER_SEC,
			     .stop_timeout_usec = 30 * USEC_PER_SEC };

	(void)snprintf(unit.load_state, sizeof(unit.load_state), "loaded");
	(void)snprintf(unit.type, sizeof(unit.type), "simple");
	(void)snprintf(unit.active_state, sizeof(unit.active_state), "%s", active);
	(void)snprintf(unit.result, sizeof(unit.result), "%s", result);
	return unit;
}

static void check_explained(const struct unit *unit, const char *wanted)
{
	char text[256];

	assert_ptr_equal(unit_explain(unit, text, sizeof(text)), text);
	assert_string_equal(text, wanted);
}

static void test_explain_process(void **state UNUSED)
{
	struct unit unit = loaded("failed", "exit-code");

	unit.exec_main_code = CLD_EXITED;
	unit.exec_main_status = 1;
	check_explained(&unit, "exited with status 1");
	unit.restarts = 4;
	check_explained(&unit, "exited with status 1 (restarted by systemd: 4 times)");
	unit.restarts = 0;
	(void)snprintf(unit.failed_command, sizeof(unit.failed_command),
		       "ExecStartPre=/bin/x: exited with status 9");
	check_explained(&unit, "ExecStartPre=/bin/x: exited with status 9");
	unit = loaded("failed", "core-dump");
	unit.exec_main_code = CLD_DUMPED;
	unit.exec_main_status = SIGSEGV;
	check_explained(&unit, "crashed with signal 11 (SEGV)");
}

static void test_explain_success(void **state UNUSED)
{
	struct unit unit = loaded("inactive", "success");

	check_explained(&unit, "is not started");
	unit.exec_main_code = CLD_EXITED;
	check_explained(&unit, "exited with status 0 although it should stay");
	(void)snprintf(unit.type, sizeof(unit.type), "oneshot");
	check_explained(&unit, "has done its work and ended");
	unit = loaded("activating", "success");
	(void)snprintf(unit.sub_state, sizeof(unit.sub_state), "start-pre");
	check_explained(&unit, "is still starting (start-pre)");
	unit = loaded("active", "success");
	(void)snprintf(unit.sub_state, sizeof(unit.sub_state), "running");
	check_explained(&unit, "is active (running)");
}

/* Moments of a run: started at 100, up at 110. */
static void test_ended_by_itself(void **state UNUSED)
{
	struct unit unit = loaded("inactive", "success");

	unit.inactive_exit_usec = 100;
	assert_false(unit_ended_by_itself(&unit)); /* no main process that systemd knows */
	unit.main_exit_usec = 200;
	unit.exec_main_code = CLD_EXITED;
	unit.active_exit_usec = 190; /* it was asked to go */
	assert_false(unit_ended_by_itself(&unit));
	check_explained(&unit, "was stopped: exited with status 0");
	unit.active_exit_usec = 201;
	assert_true(unit_ended_by_itself(&unit));
	check_explained(&unit, "exited with status 0 although it should stay");
	unit.exec_main_code = CLD_KILLED;
	unit.exec_main_status = SIGTERM;
	check_explained(&unit, "ended by itself: was killed by signal 15 (TERM)");
	unit.inactive_exit_usec = 300; /* that was an earlier run */
	assert_false(unit_ended_by_itself(&unit));
	unit.inactive_exit_usec = 100;
	unit.remains = true; /* and was stopped at 201 */
	assert_false(unit_ended_by_itself(&unit));
}

static void test_explain_signals(void **state UNUSED)
{
	struct unit unit = loaded("activating", "success");

	(void)snprintf(unit.sub_state, sizeof(unit.sub_state), "auto-restart");
	unit.exec_main_code = CLD_KILLED;
	unit.exec_main_status = SIGTERM;
	check_explained(&unit, "was killed by signal 15 (TERM)");
	assert_true(unit_is_looping(&unit));
	unit = loaded("inactive", "success");
	unit.exec_main_code = CLD_KILLED;
	unit.exec_main_status = SIGTERM;
	check_explained(&unit, "was stopped, or stopped itself: was killed by signal 15 (TERM)");
	assert_true(unit_may_be_stopped(&unit));
	unit = loaded("failed", "exit-code");
	assert_false(unit_may_be_stopped(&unit));
}

static void test_explain_conditions(void **state UNUSED)
{
	struct unit unit = loaded("inactive", "success");

	assert_false(unit_is_unmet(&unit)); /* never asked */
	unit.conditions_usec = 5;
	check_explained(&unit, "a Condition= of the unit is not met");
	unit.conditions_met = true;
	assert_false(unit_is_unmet(&unit));
	unit.asserts_usec = 5;
	(void)snprintf(unit.unmet, sizeof(unit.unmet), "AssertPathExists=!/x");
	check_explained(&unit, "an Assert= of the unit is not met: AssertPathExists=!/x");
}

static void test_explain_timeouts(void **state UNUSED)
{
	struct unit unit = loaded("failed", "timeout");

	unit.inactive_exit_usec = 100;
	unit.active_enter_usec = 50; /* of an earlier run */
	check_explained(&unit, "the start timed out after 1min 30s");
	(void)snprintf(unit.type, sizeof(unit.type), "notify");
	check_explained(&unit, "the start timed out after 1min 30s without READY=1 (Type=notify)");
	unit.active_enter_usec = 150;
	check_explained(&unit, "the stop timed out after 30s");
	unit = loaded("failed", "watchdog");
	unit.watchdog_usec = 5 * USEC_PER_SEC;
	check_explained(&unit, "watchdog timeout: it did not report within 5s");
	unit = loaded("failed", "start-limit-hit");
	unit.start_limit = 5;
	unit.start_limit_usec = 10 * USEC_PER_SEC;
	check_explained(&unit, "start limit hit: started 5 times within 10s");
}

static void test_explain_unloaded(void **state UNUSED)
{
	struct unit unit = loaded("inactive", "success");

	(void)snprintf(unit.load_state, sizeof(unit.load_state), "not-found");
	check_explained(&unit, "there is no unit of this name");
	(void)snprintf(unit.load_state, sizeof(unit.load_state), "bad-setting");
	(void)snprintf(unit.load_error, sizeof(unit.load_error), "line\n7");
	check_explained(&unit, "the unit cannot be loaded (bad-setting): line\\x0a7");
	unit = loaded("failed", "something-new");
	check_explained(&unit, "failed (something-new)");
}

/* Any room is enough not to write beyond it. */
static void test_explain_room(void **state UNUSED)
{
	struct unit unit = loaded("failed", "start-limit-hit");

	unit.restarts = 123456;
	unit.exec_main_code = CLD_EXITED;
	unit.exec_main_status = 203;
	for (size_t room = 1; room < 300; room++) {
		_cleanup_free_ char *text = malloc(room);

		unit_explain(&unit, text, room);
		assert_true(strlen(text) < room);
	}
}

static void test_running(void **state UNUSED)
{
	struct unit unit = loaded("active", "success");

	assert_true(unit_is_running(&unit));
	unit = loaded("reloading", "success");
	assert_true(unit_is_running(&unit));
	unit = loaded("activating", "success");
	assert_false(unit_is_running(&unit));
	unit.main_pid = 7;
	assert_true(unit_is_running(&unit));
	unit = loaded("deactivating", "success");
	unit.main_pid = 7;
	assert_false(unit_is_running(&unit));
}

/* ---- asking systemd ---- */

static enum job_result start(struct manager *manager, const char *name)
{
	_cleanup_(job_freep) struct job *job = NULL;
	enum job_result result = JOB_RESULT_MAX;
	struct error err = {};

	if (job_new(manager, JOB_START, name, &job, &err) >= 0)
		check_ok(job_wait(job, -1, 60 * USEC_PER_SEC, &result, &err), &err);
	return result;
}

static void test_query(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	_cleanup_unit_ struct unit unit = {};
	struct error err = {};
	const char *drop_in =
		"[Service]\nExecStart=\nExecStart=/bin/sh -c \"sleep 1000\" \"a b\"\nWorkingDirectory=-/tmp\n"
		"Environment=A=1 PATH=/opt/x:/bin\nUser=nobody\nGroup=adm\nTimeoutStartSec=infinity\n"
		"TimeoutStopSec=7\nRestart=on-failure\nEnvironmentFile=-/nonexistent\n";

	fixture_write_at("/run/systemd/system/unit-a.service.d/x.conf", drop_in, strlen(drop_in),
			 0644);
	fixture_unit(manager, "unit-a.service",
		     "[Unit]\nStartLimitBurst=9\nStartLimitIntervalSec=33\n"
		     "[Service]\nExecStart=/bin/false\nWatchdogSec=0\n");
	start(manager, "unit-a.service");
	check_ok(unit_query(manager, "unit-a.service", &unit, &err), &err);
	assert_string_equal(unit.name, "unit-a.service");
	assert_string_equal(unit.load_state, "loaded");
	assert_string_equal(unit.sub_state, "running");
	assert_string_equal(unit.active_state, "active");
	assert_string_equal(unit.type, "simple");
	assert_string_equal(unit.result, "success");
	assert_string_equal(unit.restart, "on-failure");
	assert_string_equal(unit.user, "nobody");
	assert_string_equal(unit.group, "adm");
	assert_string_equal(unit.fragment_path, "/run/systemd/system/unit-a.service");
	assert_string_equal(unit.drop_in_paths[0], "/run/systemd/system/unit-a.service.d/x.conf");
	assert_null(unit.drop_in_paths[1]);
	assert_string_equal(unit.working_directory, "/tmp");
	assert_string_equal(unit.root_directory, "");
	assert_string_equal(unit.search_path, "/opt/x:/bin");
	assert_true(unit.has_environment_files);
	assert_string_equal(unit.control_group, "/system.slice/unit-a.service");
	assert_int_equal(strlen(unit.invocation), 32);
	assert_true(unit.main_pid > 1);
	assert_int_equal(unit.exec_main_code, 0);
	assert_int_equal(unit.restarts, 0);
	assert_true(unit.start_timeout_usec == USEC_INFINITY);
	assert_int_equal(unit.stop_timeout_usec, 7 * USEC_PER_SEC);
	assert_int_equal(unit.start_limit, 9);
	assert_int_equal(unit.start_limit_usec, 33 * USEC_PER_SEC);
	assert_false(unit.need_daemon_reload);
	assert_false(unit.job_pending);
	assert_false(unit.dynamic_user);
	assert_int_equal(unit.n_exec_start, 1);
	assert_string_equal(unit.exec_start[0].path, "/bin/sh");
	assert_string_equal(unit.exec_start[0].argv[3], "a b");
	assert_null(unit.exec_start[0].argv[4]);
	assert_in_range(clock_monotonic_usec() - unit.active_enter_usec, 0, 60 * USEC_PER_SEC);
	assert_true(unit.inactive_exit_usec <= unit.active_enter_usec);
	assert_in_range(clock_realtime_usec() - unit.started_usec, 0, 60 * USEC_PER_SEC);
	fixture_systemctl("stop unit-a.service");
}

/* What systemd's moments say of a main process that leaves with 0, and of one that is asked to. */
static void test_query_ended_by_itself(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	static const char *const ways[] = { "stop unit-e.service", "kill unit-e.service" };
	struct error err = {};

	fixture_unit(manager, "unit-e.service",
		     "[Service]\nType=exec\nExecStart=/bin/sleep 60\nExecStop=/bin/true\n");
	for (int by_itself = 0; by_itself < 2; by_itself++) {
		_cleanup_unit_ struct unit unit = {};

		start(manager, "unit-e.service");
		fixture_systemctl(ways[by_itself]);
		do {
			unit_done(&unit);
			check_ok(unit_query(manager, "unit-e.service", &unit, &err), &err);
		} while (strcmp(unit.active_state, "inactive") != 0);
		assert_int_equal(unit.exec_main_code, CLD_KILLED);
		assert_int_equal(unit_ended_by_itself(&unit), by_itself);
	}
}

static void test_query_absent(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	_cleanup_unit_ struct unit unit = {};
	struct error err = {};

	check_ok(unit_query(manager, "nowhere.service", &unit, &err), &err);
	assert_string_equal(unit.load_state, "not-found");
	assert_non_null(unit.drop_in_paths);
	assert_null(unit.drop_in_paths[0]);
	assert_int_equal(unit.n_exec_start, 0);
}

static void test_query_strange_names(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	static const char *const names[] = { "x.timer", "multi-user.target", "x",
					     "",	".service",	     "-.slice" };
	struct unit unit = {};
	struct error err = {};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		check_error(unit_query(manager, names[i], &unit, &err), &err, FAULT_UNIT,
			    "is not a service");
	/* what systemd itself does not take for a name */
	assert_true(unit_query(manager, "a b/../c.service", &unit, &err) < 0);
	assert_string_equal(fault_name(err.fault), fault_name(FAULT_UNIT));
	assert_true(unit_query(manager, "template@.service", &unit, &err) < 0 ||
		    strcmp(unit.load_state, "loaded") != 0);
	unit_done(&unit);
}

static void test_job_pending(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	_cleanup_unit_ struct unit unit = {};
	struct error err = {};

	fixture_unit(manager, "unit-b.service",
		     "[Service]\nType=oneshot\nExecStart=/bin/sleep 60\n");
	check_ok(job_start_and_forget(manager, "unit-b.service", &err), &err);
	check_ok(unit_query(manager, "unit-b.service", &unit, &err), &err);
	assert_true(unit.job_pending);
	fixture_systemctl("stop unit-b.service");
}

static void test_need_reload(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	_cleanup_unit_ struct unit unit = {};
	const char *text = "[Service]\nExecStart=/bin/sleep 2000\n";
	struct error err = {};

	fixture_unit(manager, "unit-c.service", "[Service]\nExecStart=/bin/sleep 1000\n");
	start(manager, "unit-c.service");
	fixture_sleep_ms(20);
	fixture_write_at("/run/systemd/system/unit-c.service", text, strlen(text), 0644);
	check_ok(unit_query(manager, "unit-c.service", &unit, &err), &err);
	assert_true(unit.need_daemon_reload);
	fixture_systemctl("stop unit-c.service");
}

/* What a person reads, from what systemd really says. */
static void check_failure(struct manager *manager, const char *service, const char *wanted)
{
	_cleanup_unit_ struct unit unit = {};
	struct error err = {};
	char text[256];

	fixture_systemctl("reset-failed unit-d.service");
	fixture_unit(manager, "unit-d.service", service);
	start(manager, "unit-d.service");
	for (int i = 0; i < 6000; i++) {
		unit_done(&unit);
		check_ok(unit_query(manager, "unit-d.service", &unit, &err), &err);
		if (strcmp(unit.active_state, "failed") == 0 ||
		    strcmp(unit.active_state, "inactive") == 0)
			break;
		fixture_sleep_ms(10);
	}
	assert_false(unit_is_running(&unit));
	assert_string_equal(unit_explain(&unit, text, sizeof(text)), wanted);
	fixture_systemctl("stop unit-d.service");
}

static void test_failures(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();

	check_failure(manager, "[Service]\nExecStart=/bin/sh -c 'exit 7'\n",
		      "exited with status 7");
	check_failure(manager, "[Service]\nExecStart=/bin/true\n",
		      "exited with status 0 although it should stay");
	check_failure(
		manager, "[Service]\nExecStart=/nonexistent/app\n",
		"could not be executed: no such file, not executable, for another machine, its "
		"interpreter is missing, or it is hidden by the unit's own sandbox "
		"(InaccessiblePaths=, NoExecPaths= and the like) (203/EXEC)");
	check_failure(
		manager,
		"[Service]\nExecStart=/usr/bin/sleep 9\nInaccessiblePaths=/usr/bin/sleep\n",
		"could not be executed: no such file, not executable, for another machine, its "
		"interpreter is missing, or it is hidden by the unit's own sandbox "
		"(InaccessiblePaths=, NoExecPaths= and the like) (203/EXEC)");
	check_failure(manager, "[Service]\nExecStart=/bin/sh -c 'kill -SEGV $$$$'\n",
		      "was killed by signal 11 (SEGV)");
	check_failure(
		manager, "[Service]\nExecStart=/bin/sleep 9\nWorkingDirectory=/nonexistent\n",
		"its working directory is missing, may not be entered, or is hidden by the unit's "
		"own sandbox (InaccessiblePaths= and the like) (200/CHDIR)");
	check_failure(manager, "[Service]\nExecStart=/bin/sleep 9\nUser=nosuchuser\n",
		      "its user does not exist or may not be taken (217/USER)");
	check_failure(manager,
		      "[Service]\nType=notify\nExecStart=/bin/sleep 9\nTimeoutStartSec=200ms\n",
		      "the start timed out after 200ms without READY=1 (Type=notify)");
	check_failure(manager, "[Service]\nType=notify\nExecStart=/bin/true\n",
		      "ended without having said READY=1 (Type=notify)");
	check_failure(manager,
		      "[Service]\nExecStartPre=/bin/sh -c 'exit 5'\nExecStart=/bin/sleep 9\n",
		      "ExecStartPre=/bin/sh: exited with status 5");
	check_failure(manager,
		      "[Service]\nType=oneshot\nExecStart=/bin/true\nExecStart=/bin/false\n",
		      "exited with status 1");
	check_failure(manager,
		      "[Service]\nType=notify\nWatchdogSec=300ms\n"
		      "ExecStart=/bin/sh -c 'systemd-notify --ready; sleep 9'\nNotifyAccess=all\n",
		      "watchdog timeout: it did not report within 300ms");
	check_failure(manager,
		      "[Unit]\nConditionPathExists=/\nConditionPathExists=|!/etc\n"
		      "[Service]\nExecStart=/bin/sleep 9\n",
		      "a Condition= of the unit is not met: ConditionPathExists=|!/etc");
	check_failure(manager,
		      "[Unit]\nAssertPathExists=/nonexistent\n[Service]\nExecStart=/bin/sleep 9\n",
		      "an Assert= of the unit is not met: AssertPathExists=/nonexistent");
	check_failure(manager, "[Service]\nBogus\n",
		      "the unit cannot be loaded (bad-setting): Unit unit-d.service has a bad unit "
		      "file setting.");
}

static void test_requirement(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	_cleanup_unit_ struct unit unit = {};
	struct error err = {};
	char text[256];

	fixture_unit(manager, "unit-g.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n");
	fixture_unit(manager, "unit-f.service",
		     "[Unit]\nRequires=unit-g.service\nAfter=unit-g.service\n"
		     "[Service]\nExecStart=/bin/sleep 9\n");
	assert_int_equal(start(manager, "unit-f.service"), JOB_RESULT_DEPENDENCY);
	check_ok(unit_query(manager, "unit-f.service", &unit, &err), &err);
	check_ok(unit_explain_requirement(manager, &unit, text, sizeof(text), &err), &err);
	assert_string_equal(text, "it requires unit-g.service, which is failed");
	fixture_systemctl("reset-failed unit-g.service");
}

static void test_start_limit_and_reset(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	_cleanup_unit_ struct unit unit = {};
	_cleanup_unit_ struct unit after = {};
	struct error err = {};
	char text[256];

	fixture_unit(manager, "unit-e.service",
		     "[Unit]\nStartLimitBurst=3\nStartLimitIntervalSec=60\n"
		     "[Service]\nRestart=always\nRestartSec=10ms\nExecStart=/bin/sh -c 'exit 4'\n");
	start(manager, "unit-e.service");
	fixture_wait_for(manager, "unit-e.service", "failed", NULL);
	check_ok(unit_query(manager, "unit-e.service", &unit, &err), &err);
	assert_int_equal(unit.restarts, 3);
	unit_explain(&unit, text, sizeof(text));
	check_says(text, "exited with status 4 (restarted by systemd: 3 times)");
	/* refused before the reset, taken after it */
	assert_int_equal(start(manager, "unit-e.service"), JOB_RESULT_FAILED);
	unit_done(&unit);
	check_ok(unit_query(manager, "unit-e.service", &unit, &err), &err);
	assert_string_equal(unit.result, "exit-code");
	check_ok(unit_reset_failed(manager, "unit-e.service", &err), &err);
	check_ok(unit_query(manager, "unit-e.service", &after, &err), &err);
	assert_string_equal(after.active_state, "inactive");
	assert_string_equal(after.result, "success");
	assert_int_equal(after.restarts, 0);
	assert_int_equal(start(manager, "unit-e.service"), JOB_RESULT_DONE);
	check_ok(unit_reset_failed(manager, "nowhere.service", &err), &err);
}

static void test_speed(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	uint64_t best = USEC_INFINITY;

	for (int i = 0; i < 50 || (best > 2 * USEC_PER_MSEC && i < 5000); i++) {
		uint64_t began = clock_monotonic_usec();
		_cleanup_unit_ struct unit unit = {};
		struct error err = {};

		check_ok(unit_query(manager, "dbus.service", &unit, &err), &err);
		if (clock_monotonic_usec() - began < best)
			best = clock_monotonic_usec() - began;
	}
	print_message("unit_query: %" PRIu64 " us\n", best);
	assert_in_range(best, 1, 2 * USEC_PER_MSEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_explain_process),
		cmocka_unit_test(test_explain_success),
		cmocka_unit_test(test_explain_signals),
		cmocka_unit_test(test_ended_by_itself),
		cmocka_unit_test(test_explain_conditions),
		cmocka_unit_test(test_explain_timeouts),
		cmocka_unit_test(test_explain_unloaded),
		cmocka_unit_test(test_explain_room),
		cmocka_unit_test(test_running),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_query_ended_by_itself),
		cmocka_unit_test(test_query_absent),
		cmocka_unit_test(test_query_strange_names),
		cmocka_unit_test(test_job_pending),
		cmocka_unit_test(test_need_reload),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_requirement),
		cmocka_unit_test(test_start_limit_and_reset),
		cmocka_unit_test(test_speed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
