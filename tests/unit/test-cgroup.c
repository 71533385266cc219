#include "fixture.h"

#include "unit/cgroup.h"
#include "unit/job.h"

static void test_of_ourselves(void **state UNUSED)
{
	struct error err = {};
	char path[512];
	char short_path[4];

	check_ok(cgroup_of(getpid(), path, sizeof(path), &err), &err);
	assert_int_equal(path[0], '/');
	check_ok(cgroup_of(getpid(), short_path, sizeof(short_path), &err), &err);
	check_error(cgroup_of(999999999, path, sizeof(path), &err), &err, FAULT_UNIT,
		    "no process 999999999");
}

/* Ourselves, and what is above us; nothing beside us. */
static void test_is_own(void **state UNUSED)
{
	char path[512], longer[520];

	check_ok(cgroup_of(getpid(), path, sizeof(path), NULL), &(struct error){});
	if (path[1] == '\0')
		skip();
	assert_true(cgroup_is_own(path));
	(void)snprintf(longer, sizeof(longer), "%sx", path);
	assert_false(cgroup_is_own(longer));
	path[strlen(path) - 1] = '\0';
	assert_false(cgroup_is_own(path));
	assert_false(cgroup_is_own(""));
	assert_false(cgroup_is_own("/"));
}

static void start(struct manager *manager, const char *name, const char *text)
{
	_cleanup_(job_freep) struct job *job = NULL;
	enum job_result result;
	struct error err = {};

	fixture_unit(manager, name, text);
	check_ok(job_new(manager, JOB_RESTART, name, &job, &err), &err);
	check_ok(job_wait(job, -1, 60 * USEC_PER_SEC, &result, &err), &err);
	assert_int_equal(result, JOB_RESULT_DONE);
}

static size_t count(const char *path, pid_t wanted, bool *ret_has)
{
	_cleanup_free_ pid_t *pids = NULL;
	struct error err = {};
	size_t n = 99;

	check_ok(cgroup_list(path, &pids, &n, &err), &err);
	*ret_has = false;
	for (size_t i = 0; i < n; i++)
		*ret_has |= pids[i] == wanted;
	return n;
}

static void test_of_a_unit(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	_cleanup_unit_ struct unit unit = {};
	struct error err = {};
	char path[512];
	bool has;

	start(manager, "cgroup-a.service",
	      "[Service]\nExecStart=/bin/sh -c 'sleep 1000 & sleep 1001 & wait'\n");
	check_ok(unit_query(manager, "cgroup-a.service", &unit, &err), &err);
	check_ok(cgroup_of(unit.main_pid, path, sizeof(path), &err), &err);
	assert_string_equal(path, unit.control_group);
	for (int i = 0; i < 3000 && count(unit.control_group, unit.main_pid, &has) < 3; i++)
		fixture_sleep_ms(10);
	assert_int_equal(count(unit.control_group, unit.main_pid, &has), 3);
	assert_true(has);
	fixture_systemctl("stop cgroup-a.service");
	assert_int_equal(count(unit.control_group, unit.main_pid, &has), 0);
	assert_false(has);
}

/* A service that divides itself (Delegate=): the processes below count. */
static void test_below(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	_cleanup_unit_ struct unit unit = {};
	struct error err = {};
	char text[512];
	bool has;

	fixture_write("divide",
		      "#!/bin/sh -e\n"
		      "c=/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)\n"
		      "mkdir -p $c/x/y\n"
		      "echo $$ >$c/x/y/cgroup.procs\n"
		      "systemd-notify --ready\n"
		      "sleep 1000\n",
		      0755);
	(void)snprintf(text, sizeof(text),
		       "[Service]\nType=notify\nNotifyAccess=all\nDelegate=yes\nExecStart=%s\n",
		       fixture_path("divide"));
	start(manager, "cgroup-b.service", text);
	check_ok(unit_query(manager, "cgroup-b.service", &unit, &err), &err);
	assert_true(count(unit.control_group, unit.main_pid, &has) >= 1);
	assert_true(has);
	fixture_systemctl("stop cgroup-b.service");
}

static void test_nothing_there(void **state UNUSED)
{
	bool has;

	manager_free(fixture_manager());
	assert_int_equal(count("/system.slice/nowhere.service", 1, &has), 0);
	assert_int_equal(count("/../../etc", 1, &has), 0);
	assert_int_equal(count("/", 1, &has), 0);
	assert_int_equal(count("", 1, &has), 0);
}

static void test_of_users(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	struct error err = {};
	enum cgroup_found found = CGROUP_OURS;
	bool in_system = false;
	char who[64] = "";

	start(manager, "cgroup-c.service", "[Service]\nExecStart=/bin/sleep 1000\n");
	check_ok(cgroup_find_in_user_managers("cgroup-c.service", "", &found, who, sizeof(who),
					      &err),
		 &err);
	assert_int_equal(found, CGROUP_OF_NOBODY); /* the system's does not count */
	check_ok(cgroup_find_in_system("cgroup-c.service", &in_system, &err), &err);
	assert_true(in_system);
	fixture_systemctl("stop cgroup-c.service");
	check_ok(cgroup_find_in_system("cgroup-c.service", &in_system, &err), &err);
	assert_false(in_system);
	assert_int_equal(fixture_shell("XDG_RUNTIME_DIR=/run/user/0 systemd-run --user "
				       "--unit=cgroup-c sleep 1000 2>/dev/null"),
			 0);
	check_ok(cgroup_find_in_user_managers("cgroup-c.service", "", &found, who, sizeof(who),
					      &err),
		 &err);
	assert_int_equal(found, CGROUP_OURS);
	assert_string_equal(who, "root");
	check_ok(cgroup_find_in_system("cgroup-c.service", &in_system, &err), &err);
	assert_false(in_system); /* the user's does not count there */
	check_ok(cgroup_find_in_user_managers("cgroup-*.service", "", &found, who, sizeof(who),
					      &err),
		 &err);
	assert_int_equal(found, CGROUP_OF_NOBODY); /* names are names */
	assert_int_equal(
		fixture_shell("XDG_RUNTIME_DIR=/run/user/0 systemctl --user stop cgroup-c"), 0);
	check_ok(cgroup_find_in_user_managers("cgroup-c.service", "", &found, who, sizeof(who),
					      &err),
		 &err);
	assert_int_equal(found, CGROUP_OF_NOBODY);
}

#define TESTER                                                 \
	"setpriv --reuid tester --regid tester --init-groups " \
	"env XDG_RUNTIME_DIR=/run/user/$(id -u tester) "

static void check_of_tester(const char *owner, enum cgroup_found wanted)
{
	enum cgroup_found found = CGROUP_OF_NOBODY;
	struct error err = {};
	char who[64] = "";

	check_ok(cgroup_find_in_user_managers("cgroup-d.service", owner, &found, who, sizeof(who),
					      &err),
		 &err);
	assert_int_equal(found, wanted);
	assert_string_equal(who, "tester");
}

/* What counts is whose it is; root's counts before all others. */
static void test_of_others(void **state UNUSED)
{
	enum cgroup_found found = CGROUP_OF_NOBODY;
	struct error err = {};
	char who[64] = "";

	manager_free(fixture_manager());
	assert_int_equal(fixture_shell(TESTER
				       "systemd-run --user --unit=cgroup-d sleep 1000 2>/dev/null"),
			 0);
	check_of_tester("", CGROUP_OF_OTHERS);
	check_of_tester("nobody", CGROUP_OF_OTHERS);
	check_of_tester("tester", CGROUP_OURS);
	assert_int_equal(fixture_shell("XDG_RUNTIME_DIR=/run/user/0 systemd-run --user "
				       "--unit=cgroup-d sleep 1000 2>/dev/null"),
			 0);
	check_ok(cgroup_find_in_user_managers("cgroup-d.service", "", &found, who, sizeof(who),
					      &err),
		 &err);
	assert_int_equal(found, CGROUP_OURS);
	assert_string_equal(who, "root");
	assert_int_equal(
		fixture_shell("XDG_RUNTIME_DIR=/run/user/0 systemctl --user stop cgroup-d"), 0);
	assert_int_equal(fixture_shell(TESTER "systemctl --user stop cgroup-d"), 0);
}

/* The kernel has files of such names: systemd puts "_" in front. */
static void test_escaped_name(void **state UNUSED)
{
	struct error err = {};
	enum cgroup_found found = CGROUP_OF_NOBODY;
	char who[64] = "";

	manager_free(fixture_manager());
	assert_int_equal(fixture_shell("XDG_RUNTIME_DIR=/run/user/0 systemd-run --user "
				       "--unit=memory.service sleep 1000 2>/dev/null"),
			 0);
	check_ok(cgroup_find_in_user_managers("memory.service", "", &found, who, sizeof(who), &err),
		 &err);
	assert_int_equal(found, CGROUP_OURS);
	assert_int_equal(fixture_shell("XDG_RUNTIME_DIR=/run/user/0 systemctl --user stop memory"),
			 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_ourselves),
		cmocka_unit_test(test_is_own),
		cmocka_unit_test(test_of_a_unit),
		cmocka_unit_test_setup_teardown(test_below, fixture_set_up, fixture_tear_down),
		cmocka_unit_test(test_nothing_there),
		cmocka_unit_test(test_of_users),
		cmocka_unit_test(test_of_others),
		cmocka_unit_test(test_escaped_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
