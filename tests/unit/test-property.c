#include "fixture.h"

#include <signal.h>
#include <sys/socket.h>

#include "unit/property.h"

/* A message that nobody sends: a bus with nobody at the other end can make it. */
struct answer {
	sd_bus *bus;
	sd_bus_message *message;
	int other_end;
};

static void open_answer(struct answer *answer)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
			 0);
	assert_true(sd_bus_new(&answer->bus) >= 0);
	assert_true(sd_bus_set_fd(answer->bus, fds[0], fds[0]) >= 0);
	assert_true(sd_bus_start(answer->bus) >= 0);
	answer->other_end = fds[1];
	assert_true(sd_bus_message_new_signal(answer->bus, &answer->message, "/x", "x.y", "Z") >=
		    0);
	assert_true(sd_bus_message_open_container(answer->message, 'a', "{sv}") >= 0);
}

static int read_answer(struct answer *answer, struct unit *unit)
{
	assert_true(sd_bus_message_close_container(answer->message) >= 0);
	assert_true(sd_bus_message_seal(answer->message, 1, 0) >= 0);
	return property_read_all(answer->message, unit);
}

static void close_answer(struct answer *answer)
{
	(void)sd_bus_message_unref(answer->message);
	(void)sd_bus_close_unref(answer->bus);
	assert_int_equal(close(answer->other_end), 0);
}

#define ADD(answer, ...) \
	assert_true(sd_bus_message_append((answer)->message, "{sv}", __VA_ARGS__) >= 0)

static void test_known(void **state UNUSED)
{
	_cleanup_unit_ struct unit unit = {};
	struct answer answer = {};

	open_answer(&answer);
	ADD(&answer, "ActiveState", "s", "active");
	ADD(&answer, "MainPID", "u", 4711);
	ADD(&answer, "ExecMainStatus", "i", -3);
	ADD(&answer, "NeedDaemonReload", "b", 1);
	ADD(&answer, "TimeoutStopUSec", "t", UINT64_MAX);
	ADD(&answer, "Job", "(uo)", 3, "/job/3");
	ADD(&answer, "LoadError", "(ss)", "x.y", "bad\tline");
	ADD(&answer, "InvocationID", "ay", 4, 0xde, 0xad, 0xbe, 0x0f);
	ADD(&answer, "DropInPaths", "as", 2, "/a", "/b");
	ADD(&answer, "WorkingDirectory", "s", "!/srv");
	ADD(&answer, "Environment", "as", 3, "PATH=/1", "PATH=/3", "XPATH=/2");
	ADD(&answer, "EnvironmentFiles", "a(sb)", 3, "/etc/x", 1, "/etc/y", 0, "/etc/z", 0);
	assert_int_equal(read_answer(&answer, &unit), 0);
	assert_string_equal(unit.active_state, "active");
	assert_int_equal(unit.main_pid, 4711);
	assert_int_equal(unit.exec_main_status, -3);
	assert_true(unit.need_daemon_reload);
	assert_true(unit.stop_timeout_usec == USEC_INFINITY);
	assert_true(unit.job_pending);
	assert_string_equal(unit.load_error, "bad\tline");
	assert_string_equal(unit.invocation, "deadbe0f");
	assert_string_equal(unit.drop_in_paths[1], "/b");
	assert_string_equal(unit.working_directory, "/srv");
	assert_string_equal(unit.search_path, "/3");
	assert_true(unit.is_working_directory_optional);
	assert_true(unit.has_environment_files);
	assert_string_equal(unit.environment_files[0], "/etc/y");
	assert_string_equal(unit.environment_files[1], "/etc/z");
	assert_null(unit.environment_files[2]);
	close_answer(&answer);
}

static void add_command(struct answer *answer, const char *path, int may_fail, int code, int status)
{
	assert_true(sd_bus_message_append(answer->message, "(sasbttttuii)", path, 2, path, "x y",
					  may_fail, 1ULL, 2ULL, 3ULL, 4ULL, 5, code, status) >= 0);
}

static void open_commands(struct answer *answer, const char *name)
{
	assert_true(sd_bus_message_open_container(answer->message, 'e', "sv") >= 0);
	assert_true(sd_bus_message_append(answer->message, "s", name) >= 0);
	assert_true(sd_bus_message_open_container(answer->message, 'v', "a(sasbttttuii)") >= 0);
	assert_true(sd_bus_message_open_container(answer->message, 'a', "(sasbttttuii)") >= 0);
}

static void close_commands(struct answer *answer)
{
	for (int i = 0; i < 3; i++)
		assert_true(sd_bus_message_close_container(answer->message) >= 0);
}

static void test_commands(void **state UNUSED)
{
	_cleanup_unit_ struct unit unit = {};
	struct answer answer = {};

	open_answer(&answer);
	open_commands(&answer, "ExecStart");
	add_command(&answer, "/bin/a", 0, CLD_EXITED, 9);
	add_command(&answer, "/bin/b", 0, 0, 0);
	close_commands(&answer);
	open_commands(&answer, "ExecStartPre");
	add_command(&answer, "/bin/ok", 0, CLD_EXITED, 0);
	add_command(&answer, "/bin/bad\n", 0, CLD_KILLED, SIGKILL);
	add_command(&answer, "/bin/may", 1, CLD_EXITED, 1);
	close_commands(&answer);
	assert_int_equal(read_answer(&answer, &unit), 0);
	assert_true(unit.is_prepared);
	assert_int_equal(unit.n_exec_start, 2);
	assert_string_equal(unit.exec_start[1].path, "/bin/b");
	assert_string_equal(unit.exec_start[1].argv[1], "x y");
	assert_null(unit.exec_start[1].argv[2]);
	assert_string_equal(unit.failed_command,
			    "ExecStartPre=/bin/bad\\x0a: was killed by signal 9 (KILL)");
	close_answer(&answer);
}

/* A systemd of another age: other types and other names do no harm. */
static void test_unknown(void **state UNUSED)
{
	_cleanup_unit_ struct unit unit = {};
	struct answer answer = {};

	open_answer(&answer);
	ADD(&answer, "ActiveState", "t", 7ULL);
	ADD(&answer, "SomethingNew", "a{sv}", 1, "x", "s", "y");
	ADD(&answer, "MainPID", "t", 9ULL);
	ADD(&answer, "ExecStart", "as", 1, "/bin/x");
	ADD(&answer, "SubState", "s", "running");
	assert_int_equal(read_answer(&answer, &unit), 0);
	assert_string_equal(unit.active_state, "");
	assert_int_equal(unit.main_pid, 0);
	assert_int_equal(unit.n_exec_start, 0);
	assert_string_equal(unit.sub_state, "running");
	assert_non_null(unit.drop_in_paths);
	close_answer(&answer);
}

/* Longer than there is room for, and more often than thought of. */
static void test_too_much(void **state UNUSED)
{
	_cleanup_unit_ struct unit unit = {};
	struct answer answer = {};
	char longer[4096];

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	open_answer(&answer);
	ADD(&answer, "ActiveState", "s", longer);
	ADD(&answer, "ControlGroup", "s", longer);
	ADD(&answer, "InvocationID", "ay", 17, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
	    16, 17);
	open_commands(&answer, "ExecStart");
	for (int i = 0; i < 200; i++)
		add_command(&answer, longer, 0, 0, 0);
	close_commands(&answer);
	assert_int_equal(read_answer(&answer, &unit), 0);
	assert_int_equal(strlen(unit.active_state), sizeof(unit.active_state) - 1);
	assert_int_equal(strlen(unit.control_group), sizeof(unit.control_group) - 1);
	assert_string_equal(unit.invocation, "");
	assert_in_range(unit.n_exec_start, 1, 100);
	close_answer(&answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
