#include "fixture.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "unit/manager.h"

static void test_error_text(void **state UNUSED)
{
	const sd_bus_error named = { "org.x.Bad", "went\033[31m wrong", 0 };
	const sd_bus_error nameless = {};
	struct error err = {};

	check_error(manager_error(&named, -EIO, &err, "doing %s", "it"), &err, FAULT_UNIT,
		    "doing it: went\\x1b[31m wrong");
	check_error(manager_error(&nameless, -EPIPE, &err, "doing"), &err, FAULT_UNIT,
		    "doing: Broken pipe");
	check_error(manager_error(NULL, -EACCES, &err, "doing"), &err, FAULT_UNIT,
		    "doing: Permission denied");
}

/* No manager, no touch: said at once. */
static void test_no_manager(void **state UNUSED)
{
	struct manager *manager = NULL;
	struct error err = {};
	uint64_t began = clock_monotonic_usec();

	assert_int_equal(setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1), 0);
	assert_int_equal(setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1), 0);
	if (!fixture_in_sandbox() && access("/run/systemd/private", F_OK) < 0)
		check_error(manager_open(&manager, &err), &err, FAULT_UNIT,
			    "systemd does not answer: No such file or directory");
	if (access("/run/user/0/bus", F_OK) < 0 && access("/run/user/0/systemd/private", F_OK) < 0)
		check_error(manager_open_user(&manager, &err), &err, FAULT_UNIT,
			    "the user's systemd does not answer");
	assert_null(manager);
	assert_in_range(clock_monotonic_usec() - began, 0,
			2500 * USEC_PER_MSEC); /* not READY_USEC */
	assert_int_equal(unsetenv("DBUS_SYSTEM_BUS_ADDRESS"), 0);
	assert_int_equal(unsetenv("DBUS_SESSION_BUS_ADDRESS"), 0);
}

static void test_not_stopping(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	struct error err = {};
	bool stopping = true;

	check_ok(manager_is_stopping(manager, &stopping, &err), &err);
	assert_false(stopping);
}

/* Without a bus root still reaches the manager, by its own socket. */
static void test_private_socket(void **state UNUSED)
{
	struct manager *manager = fixture_manager();
	struct error err = {};
	_cleanup_unit_ struct unit unit = {};
	bool stopping = true;

	manager_free(manager);
	manager = NULL;
	assert_int_equal(setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1), 0);
	check_ok(manager_open(&manager, &err), &err);
	assert_int_equal(unsetenv("DBUS_SYSTEM_BUS_ADDRESS"), 0);
	check_ok(manager_is_stopping(manager, &stopping, &err), &err);
	assert_false(stopping);
	check_ok(unit_query(manager, "dbus.service", &unit, &err), &err);
	assert_string_equal(unit.active_state, "active");
	manager_free(manager);
}

/* A bus that takes the connection and then says nothing does not hold us up. */
static void test_silent_bus(void **state UNUSED)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool reachable = access("/run/systemd/private", F_OK) == 0 && geteuid() == 0;
	struct manager *manager = NULL;
	struct error err = {};
	char variable[128];
	uint64_t began;

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", fixture_path("silent"));
	(void)snprintf(variable, sizeof(variable), "unix:path=%s", fixture_path("silent"));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(setenv("DBUS_SYSTEM_BUS_ADDRESS", variable, 1), 0);
	began = clock_monotonic_usec();
	if (fixture_in_sandbox())
		check_ok(manager_open(&manager, &err), &err);
	else if (!reachable)
		check_error(manager_open(&manager, &err), &err, FAULT_UNIT,
			    "systemd does not answer: Connection timed out");
	assert_in_range(clock_monotonic_usec() - began, 0,
			20 * USEC_PER_SEC); /* sd-bus waits 25 s */
	assert_int_equal(unsetenv("DBUS_SYSTEM_BUS_ADDRESS"), 0);
	manager_free(manager);
	(void)close(fd);
}

static void test_user_manager(void **state UNUSED)
{
	struct manager *manager = fixture_manager();
	struct error err = {};
	_cleanup_unit_ struct unit unit = {};

	manager_free(manager);
	manager = NULL;
	/* with nothing in the environment, as in a probe's child */
	assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
	assert_int_equal(unsetenv("DBUS_SESSION_BUS_ADDRESS"), 0);
	check_ok(manager_open_user(&manager, &err), &err);
	check_ok(unit_query(manager, "dbus.service", &unit, &err), &err);
	assert_string_equal(unit.load_state, "loaded");
	assert_non_null(strstr(unit.fragment_path, "/user/"));
	manager_free(manager);
	/* and without a bus */
	assert_int_equal(rename("/run/user/0/bus", "/run/user/0/no-bus"), 0);
	manager = NULL;
	check_ok(manager_open_user(&manager, &err), &err);
	assert_int_equal(rename("/run/user/0/no-bus", "/run/user/0/bus"), 0);
	assert_false(sd_bus_is_bus_client(manager_bus(manager)));
	manager_free(manager);
}

static void test_wait(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	_cleanup_close_ int fd = eventfd(1, EFD_CLOEXEC);
	struct error err = {};
	uint64_t began;

	for (int i = 0; i < 3; i++) /* what came with the subscription */
		check_ok(manager_wait(manager, -1, 0, &err), &err);
	began = clock_monotonic_usec();
	check_ok(manager_wait(manager, -1, 100 * USEC_PER_MSEC, &err), &err);
	assert_in_range(clock_monotonic_usec() - began, 90 * USEC_PER_MSEC, 20 * USEC_PER_SEC);
	began = clock_monotonic_usec();
	check_ok(manager_wait(manager, fd, 60 * USEC_PER_SEC, &err), &err);
	assert_in_range(clock_monotonic_usec() - began, 0, 30 * USEC_PER_SEC);
}

/* A connection that was cut comes back in a call, and in waiting. */
static void test_comes_back(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	unsigned int generation = manager_generation(manager);
	struct error err = {};
	bool stopping = true;

	fixture_systemctl("kill -s KILL dbus.service");
	check_ok(manager_is_stopping(manager, &stopping, &err), &err);
	assert_false(stopping);
	assert_true(manager_generation(manager) > generation);
	generation = manager_generation(manager);
	fixture_systemctl("kill -s KILL dbus.service");
	for (int i = 0; i < 300 && manager_generation(manager) == generation; i++)
		check_ok(manager_wait(manager, -1, 100 * USEC_PER_MSEC, &err), &err);
	assert_true(manager_generation(manager) > generation);
	check_ok(manager_is_stopping(manager, &stopping, &err), &err);
}

static void test_asked_while_executed_anew(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	struct error err = {};
	pid_t child = fork();

	if (child == 0) {
		fixture_systemctl("daemon-reexec");
		_exit(0);
	}
	for (int i = 0; i < 300; i++) {
		bool stopping = true;

		check_ok(manager_is_stopping(manager, &stopping, &err), &err);
		assert_false(stopping);
		fixture_sleep_ms(2);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void test_reload(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	_cleanup_unit_ struct unit before = {};
	_cleanup_unit_ struct unit after = {};
	const char *text = "[Service]\nExecStart=/bin/sleep 2000\n";
	struct error err = {};

	fixture_unit(manager, "manager-a.service", "[Service]\nExecStart=/bin/sleep 1000\n");
	fixture_systemctl("start manager-a.service");
	fixture_sleep_ms(20);
	fixture_write_at("/run/systemd/system/manager-a.service", text, strlen(text), 0644);
	check_ok(unit_query(manager, "manager-a.service", &before, &err), &err);
	assert_string_equal(before.exec_start[0].argv[1], "1000");
	check_ok(manager_reload(manager, &err), &err);
	check_ok(unit_query(manager, "manager-a.service", &after, &err), &err);
	assert_string_equal(after.exec_start[0].argv[1], "2000");
	assert_string_equal(after.invocation, before.invocation);
	fixture_systemctl("stop manager-a.service");
}

/*
 * Powers the machine off, whose way down takes a minute, and asks for its state: 0 if it is told in time,
 * though the bus is among the first to go. With its socket still open, and nobody behind it any more, an answer takes the
 * 3 s that a bus has to welcome us. Run by tests/system/test-unit as its last act.
 */
static int watch_shutdown(void)
{
	_cleanup_(manager_freep) struct manager *manager = NULL;
	uint64_t deadline = clock_monotonic_usec() + 50 * USEC_PER_SEC;
	bool stopping = false;

	if (manager_open(&manager, NULL) < 0)
		return 1;
	fixture_unit(manager, "manager-slow.service",
		     "[Service]\nExecStart=/bin/sleep 1000\nExecStop=/bin/sleep 60\n");
	fixture_systemctl("start manager-slow.service");
	if (manager_is_stopping(manager, &stopping, NULL) < 0 || stopping)
		return 2;
	fixture_systemctl("--no-block poweroff");
	do { /* the first answers may still come by the bus */
		if (manager_is_stopping(manager, &stopping, NULL) < 0)
			return 3;
		fixture_sleep_ms(20);
	} while (sd_bus_is_bus_client(manager_bus(manager)) && clock_monotonic_usec() < deadline);
	if (clock_monotonic_usec() >= deadline)
		return 4;
	return stopping ? 0 : 5;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_error_text),
		cmocka_unit_test(test_no_manager),
		cmocka_unit_test(test_not_stopping),
		cmocka_unit_test(test_private_socket),
		cmocka_unit_test_setup_teardown(test_silent_bus, fixture_set_up, fixture_tear_down),
		cmocka_unit_test(test_user_manager),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_comes_back),
		cmocka_unit_test(test_asked_while_executed_anew),
		cmocka_unit_test(test_reload),
	};

	if (argc == 2 && strcmp(argv[1], "shutdown") == 0)
		return watch_shutdown();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
