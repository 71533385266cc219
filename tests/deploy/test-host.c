/* What this machine has. */
#include "deploy/host.h"

#include "../base/check.h"

static void an_os_says_what_it_is(void **state)
{
	static const char text[] = "PRETTY_NAME=\"x\"\nVERSION_ID=\"12\"\nID=debian\nID_LIKE=y\n";
	char path[300], id[32], version[32];

	check_write(check_dirfd(state), "os", text, strlen(text));
	(void)snprintf(path, sizeof(path), "%s/os", check_path);
	host_os(path, id, sizeof(id), version, sizeof(version));
	assert_string_equal(id, "debian");
	assert_string_equal(version, "12");
	host_os("/nonexistent", id, sizeof(id), version, sizeof(version));
	assert_string_equal(id, "");
	assert_string_equal(version, "");
}

static void what_every_machine_has(void **state)
{
	(void)state;
	assert_true(host_has_command("sh"));
	assert_false(host_has_command("no-such-command"));
	assert_false(host_has_command("../bin/sh"));
	assert_false(host_has_command(""));
	assert_true(host_has_library("libc.so.6"));
	assert_false(host_has_library("libno-such.so.1"));
	assert_false(host_has_library("*"));
	assert_false(host_has_library("../lib/libc.so.6"));
	assert_true(host_glibc()[0] == '2');
	assert_true(host_available() > 1 << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_os_says_what_it_is, check_setup,
						check_teardown_closed),
		cmocka_unit_test(what_every_machine_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
