/* What a unit file says of the program that it runs. */
#include "unit/unitfile.h"

#include "../base/check.h"

static struct unit unit;
static bool whole;

static int done(void **state)
{
	(void)state;
	unit_done(&unit);
	unit = (struct unit){};
	return 0;
}

static void take(const char *text)
{
	unit_done(&unit);
	unit = (struct unit){ .user = "before", .working_directory = "/before" };
	assert_int_equal(unitfile_take(text, &unit, &whole, NULL), 0);
}

static void what_service_says_counts(void **state)
{
	(void)state;
	take("[Unit]\nExecStart=/no\n[Service]\n# ExecStart=/comment\nUser = gateway\n"
	     "ExecStart = /srv/current/bin/gw --port 80 \"a b\"\nWorkingDirectory=-/srv/current\n[Install]\nExecStart=/no\n");
	assert_true(whole);
	assert_int_equal(unit.n_exec_start, 1);
	assert_string_equal(unit.exec_start[0].path, "/srv/current/bin/gw");
	assert_string_equal(unit.exec_start[0].argv[2], "80");
	assert_string_equal(unit.exec_start[0].argv[3], "a b");
	assert_string_equal(unit.user, "gateway");
	assert_string_equal(unit.working_directory, "/srv/current");
	take("[Service]\nType=simple\n");
	assert_string_equal(unit.user, ""); /* what is not set is systemd's default */
	assert_int_equal(unit.n_exec_start, 0);
}

static void lines_go_on(void **state)
{
	(void)state;
	take("[Service]\nExecStart=/bin/sh \\\n# between\n  -c \\\n  'x y'\nUser=u");
	assert_int_equal(unit.n_exec_start, 1);
	assert_string_equal(unit.exec_start[0].argv[1], "-c");
	assert_string_equal(unit.exec_start[0].argv[2], "x y");
	assert_string_equal(unit.user, "u");
}

static void an_empty_one_resets(void **state)
{
	(void)state;
	take("[Service]\nExecStart=/a\nExecStart=\nExecStart=/b\nExecStart=/c\n");
	assert_int_equal(unit.n_exec_start, 2);
	assert_string_equal(unit.exec_start[0].path, "/b");
}

static void prefixes_are_not_the_program(void **state)
{
	(void)state;
	take("[Service]\nExecStart=-+/a x\nExecStart=@/b name y\n");
	assert_string_equal(unit.exec_start[0].path, "/a");
	assert_string_equal(unit.exec_start[1].path, "/b");
	assert_string_equal(unit.exec_start[1].argv[1], "y");
}

static void what_cannot_be_known_is_said(void **state)
{
	(void)state;
	take("[Service]\nExecStart=/srv/%i/bin\n");
	assert_false(whole);
	assert_int_equal(unit.n_exec_start, 0);
	take("[Service]\nExecStart=/bin/x \"open\n");
	assert_false(whole);
	take("[Service]\nWorkingDirectory=%h\n");
	assert_false(whole);
	assert_string_equal(unit.working_directory, "");
	take("[Service]\nDynamicUser=perhaps\n");
	assert_false(whole);
	assert_false(unit.is_prepared);
	take("[Service]\nExecStartPre=/bin/make\n");
	assert_true(unit.is_prepared);
}

static void a_key_is_found_where_it_counts(void **state)
{
	(void)state;
	assert_true(unitfile_sets("[Service]\nExecStart=\n", "ExecStart"));
	assert_false(unitfile_sets(
		"[Unit]\nExecStart=/x\n[Service]\n#ExecStart=/x\nExecStartPre=/y", "ExecStart"));
	assert_false(unitfile_sets("", "ExecStart"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(what_service_says_counts, done),
		cmocka_unit_test_teardown(lines_go_on, done),
		cmocka_unit_test_teardown(an_empty_one_resets, done),
		cmocka_unit_test_teardown(prefixes_are_not_the_program, done),
		cmocka_unit_test_teardown(what_cannot_be_known_is_said, done),
		cmocka_unit_test_teardown(a_key_is_found_where_it_counts, done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
