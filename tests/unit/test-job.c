#include "fixture.h"

#include <errno.h>
#include <sys/eventfd.h>

#include "unit/job.h"

#define SECONDS(n) ((n)*USEC_PER_SEC)

static enum job_result run(struct manager *manager, enum job_type type, const char *unit)
{
	_cleanup_(job_freep) struct job *job = NULL;
	enum job_result result = JOB_RESULT_MAX;
	struct error err = {};

	check_ok(job_new(manager, type, unit, &job, &err), &err);
	assert_int_equal(job_wait(job, -1, SECONDS(30), &result, &err), 0);
	return result;
}

static void test_names(void **state UNUSED)
{
	assert_string_equal(job_result_name(JOB_RESULT_DONE), "done");
	assert_string_equal(job_result_name(JOB_RESULT_CANCELED), "canceled");
	assert_string_equal(job_result_name(JOB_RESULT_MAX), "other");
}

static void test_start_restart_stop(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	_cleanup_unit_ struct unit first = {};
	_cleanup_unit_ struct unit second = {};
	struct error err = {};

	fixture_unit(manager, "job-a.service", "[Service]\nExecStart=/bin/sleep 1000\n");
	assert_int_equal(run(manager, JOB_START, "job-a.service"), JOB_RESULT_DONE);
	check_ok(unit_query(manager, "job-a.service", &first, &err), &err);
	assert_true(unit_is_running(&first));
	assert_int_equal(run(manager, JOB_RESTART, "job-a.service"), JOB_RESULT_DONE);
	check_ok(unit_query(manager, "job-a.service", &second, &err), &err);
	assert_string_not_equal(first.invocation, second.invocation);
	assert_int_not_equal(first.main_pid, second.main_pid);
	assert_int_equal(run(manager, JOB_STOP, "job-a.service"), JOB_RESULT_DONE);
	fixture_wait_for(manager, "job-a.service", "inactive", NULL);
}

static void test_start_that_fails(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();

	fixture_unit(manager, "job-b.service",
		     "[Service]\nType=notify\nExecStart=/bin/sh -c 'exit 3'\n");
	assert_int_equal(run(manager, JOB_START, "job-b.service"), JOB_RESULT_FAILED);
}

static void test_dependency_that_fails(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();

	fixture_unit(manager, "job-c.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n");
	fixture_unit(manager, "job-d.service",
		     "[Unit]\nRequires=job-c.service\nAfter=job-c.service\n"
		     "[Service]\nExecStart=/bin/sleep 1000\n");
	assert_int_equal(run(manager, JOB_START, "job-d.service"), JOB_RESULT_DEPENDENCY);
}

static void test_no_such_unit(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	_cleanup_(job_freep) struct job *job = NULL;
	struct error err = {};

	check_error(job_new(manager, JOB_RESTART, "nowhere.service", &job, &err), &err, FAULT_UNIT,
		    "restarting nowhere.service: Unit nowhere.service not found");
}

/* Slow stops and starts are waited for, in pieces; a descriptor wakes. */
static void test_pending_and_woken(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	_cleanup_(job_freep) struct job *job = NULL;
	_cleanup_close_ int fd = eventfd(0, EFD_CLOEXEC);
	enum job_result result = JOB_RESULT_MAX;
	struct error err = {};
	uint64_t one = 1;
	uint64_t began;

	fixture_unit(manager, "job-e.service", "[Service]\nType=oneshot\nExecStart=/bin/sleep 2\n");
	check_ok(job_new(manager, JOB_START, "job-e.service", &job, &err), &err);
	began = clock_monotonic_usec();
	assert_int_equal(job_wait(job, fd, 100 * USEC_PER_MSEC, &result, &err), JOB_PENDING);
	assert_true(clock_monotonic_usec() - began >= 90 * USEC_PER_MSEC);
	assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
	/* before the job is through */
	assert_int_equal(job_wait(job, fd, SECONDS(60), &result, &err), JOB_PENDING);
	assert_int_equal(job_wait(job, -1, SECONDS(60), &result, &err), 0);
	assert_int_equal(result, JOB_RESULT_DONE);
	assert_in_range(clock_monotonic_usec() - job_began(job), 1900 * USEC_PER_MSEC, SECONDS(30));
	/* asking once more says the same */
	assert_int_equal(job_wait(job, fd, 0, &result, &err), 0);
}

static void test_pushed_out(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	_cleanup_(job_freep) struct job *job = NULL;
	enum job_result result = JOB_RESULT_MAX;
	struct error err = {};

	fixture_unit(manager, "job-f.service",
		     "[Service]\nType=oneshot\nExecStart=/bin/sleep 30\n");
	check_ok(job_new(manager, JOB_START, "job-f.service", &job, &err), &err);
	fixture_systemctl("stop job-f.service");
	assert_int_equal(job_wait(job, -1, SECONDS(10), &result, &err), 0);
	assert_int_equal(result, JOB_RESULT_CANCELED);
}

/* The name of the signal is the unit's main name. */
static void test_alias(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	struct error err = {};

	fixture_unit(manager, "job-g.service", "[Service]\nExecStart=/bin/sleep 1000\n");
	(void)unlink("/run/systemd/system/job-alias.service");
	assert_int_equal(symlink("job-g.service", "/run/systemd/system/job-alias.service"), 0);
	check_ok(manager_reload(manager, &err), &err);
	assert_int_equal(run(manager, JOB_RESTART, "job-alias.service"), JOB_RESULT_DONE);
	assert_int_equal(run(manager, JOB_STOP, "job-alias.service"), JOB_RESULT_DONE);
}

/* While it is under way, systemd is executed anew, or the bus is replaced. */
static void survive(const char *unit, const char *disturbance)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	_cleanup_(job_freep) struct job *job = NULL;
	enum job_result result = JOB_RESULT_MAX;
	struct error err = {};

	fixture_unit(manager, unit, "[Service]\nType=oneshot\nExecStart=/bin/sleep 3\n");
	check_ok(job_new(manager, JOB_START, unit, &job, &err), &err);
	fixture_systemctl(disturbance);
	check_ok(job_wait(job, -1, SECONDS(20), &result, &err), &err);
	assert_int_equal(result, JOB_RESULT_DONE);
}

static void test_reload(void **state UNUSED)
{
	survive("job-h.service", "daemon-reload");
}

static void test_reexec(void **state UNUSED)
{
	survive("job-i.service", "daemon-reexec");
}

static void test_bus_restart(void **state UNUSED)
{
	survive("job-j.service", "kill -s KILL dbus.service");
}

#define MAY_END "ExecStart=/bin/sh -c 'until test -e /run/job-may-end; do sleep 0.05; done'\n"

/* Its end falls into the time without a bus: nobody tells, it is found out from what became of the unit. */
static enum job_result end_unseen(const char *unit, const char *text)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	_cleanup_(job_freep) struct job *job = NULL;
	enum job_result result = JOB_RESULT_MAX;
	struct error err = {};
	char wait_for_end[256];

	fixture_unit(manager, unit, text);
	check_ok(job_new(manager, JOB_START, unit, &job, &err), &err);
	fixture_systemctl("kill -s KILL dbus.service");
	(void)snprintf(wait_for_end, sizeof(wait_for_end),
		       "touch /run/job-may-end; while [ $(systemctl show -P ActiveState %s) = "
		       "activating ]; do sleep 0.05; done; rm /run/job-may-end",
		       unit);
	assert_int_equal(fixture_shell(wait_for_end), 0); /* it does not ask the bus */
	check_ok(job_wait(job, -1, SECONDS(20), &result, &err), &err);
	return result;
}

static void test_end_unseen(void **state UNUSED)
{
	assert_int_equal(end_unseen("job-k.service", "[Service]\nType=oneshot\n" MAY_END),
			 JOB_RESULT_OTHER);
}

static void test_up_unseen(void **state UNUSED)
{
	assert_int_equal(end_unseen("job-u.service",
				    "[Service]\nType=oneshot\nRemainAfterExit=yes\n" MAY_END),
			 JOB_RESULT_DONE);
}

/* From the end of a start to the news of it: what we add is small. (The best, as others run too; more of them on a busy machine.) */
static void test_latency(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	uint64_t best = USEC_INFINITY;

	fixture_unit(manager, "job-l.service",
		     "[Unit]\nStartLimitBurst=1000\n[Service]\nExecStart=/bin/sleep 1000\n");
	for (int i = 0; i < 20 || (best > 2 * USEC_PER_MSEC && i < 300); i++) {
		_cleanup_unit_ struct unit unit = {};
		struct error err = {};
		uint64_t now;

		assert_int_equal(run(manager, JOB_RESTART, "job-l.service"), JOB_RESULT_DONE);
		now = clock_monotonic_usec();
		check_ok(unit_query(manager, "job-l.service", &unit, &err), &err);
		if (now - unit.active_enter_usec < best)
			best = now - unit.active_enter_usec;
	}
	print_message("from active to known: %" PRIu64 " us\n", best);
	assert_in_range(best, 0, 2 * USEC_PER_MSEC);
	(void)run(manager, JOB_STOP, "job-l.service");
}

/* Without a bus, by the manager's own socket. */
static void test_private_socket(void **state UNUSED)
{
	struct manager *manager = fixture_manager();
	struct error err = {};

	fixture_unit(manager, "job-n.service", "[Service]\nExecStart=/bin/sleep 1000\n");
	manager_free(manager);
	manager = NULL;
	assert_int_equal(setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1), 0);
	check_ok(manager_open(&manager, &err), &err);
	assert_int_equal(unsetenv("DBUS_SYSTEM_BUS_ADDRESS"), 0);
	assert_int_equal(run(manager, JOB_RESTART, "job-n.service"), JOB_RESULT_DONE);
	assert_int_equal(run(manager, JOB_STOP, "job-n.service"), JOB_RESULT_DONE);
	manager_free(manager);
}

static void test_start_and_forget(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	_cleanup_unit_ struct unit unit = {};
	struct error err = {};

	fixture_unit(manager, "job-m.service",
		     "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sleep 2\n");
	check_ok(job_start_and_forget(manager, "job-m.service", &err), &err);
	check_ok(unit_query(manager, "job-m.service", &unit, &err), &err);
	assert_string_not_equal(unit.active_state, "active"); /* the job may not have begun yet */
	fixture_wait_for(manager, "job-m.service", "active", "exited");
	check_error(job_start_and_forget(manager, "nowhere.service", &err), &err, FAULT_UNIT,
		    "not found");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_start_restart_stop),
		cmocka_unit_test(test_start_that_fails),
		cmocka_unit_test(test_dependency_that_fails),
		cmocka_unit_test(test_no_such_unit),
		cmocka_unit_test(test_pending_and_woken),
		cmocka_unit_test(test_pushed_out),
		cmocka_unit_test(test_alias),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_reexec),
		cmocka_unit_test(test_bus_restart),
		cmocka_unit_test(test_end_unseen),
		cmocka_unit_test(test_up_unseen),
		cmocka_unit_test(test_latency),
		cmocka_unit_test(test_private_socket),
		cmocka_unit_test(test_start_and_forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
