/* LDFLAGS: -Wl,--wrap=fopen,--wrap=fopen64 */
/* What this machine has. */
#include "deploy/host.h"

#include "../base/check.h"
#include "base/cleanup.h"

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen64(const char *path, const char *mode);

static bool elsewhere; /* control groups are below the test's folder */

FILE *__wrap_fopen(const char *path, const char *mode)
{
	char moved[600];

	if (!elsewhere || !strstr(path, "cgroup"))
		return __real_fopen(path, mode);
	(void)snprintf(moved, sizeof(moved), "%s%s", check_path, path);
	return __real_fopen(moved, mode);
}

FILE *__wrap_fopen64(const char *path, const char *mode)
{
	return __wrap_fopen(path, mode);
}

static void put(void **state, const char *name, const char *text)
{
	check_write(check_dirfd(state), name, text, strlen(text));
}

static uint64_t available_elsewhere(void)
{
	uint64_t available;

	elsewhere = true;
	available = host_available();
	elsewhere = false;
	return available;
}

/* A unit has no more than the slice that it is in. */
static void what_control_groups_allow(void **state)
{
	static const char *const folders[] = { "proc",
					       "proc/self",
					       "sys",
					       "sys/fs",
					       "sys/fs/cgroup",
					       "sys/fs/cgroup/a.slice",
					       "sys/fs/cgroup/a.slice/b.service" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		assert_int_equal(mkdirat(check_dirfd(state), folders[i], 0755), 0);
	put(state, "proc/self/cgroup", "0::/a.slice/b.service\n");
	put(state, "sys/fs/cgroup/a.slice/b.service/memory.max", "max\n");
	put(state, "sys/fs/cgroup/a.slice/memory.max", "50331648\n");
	assert_int_equal(available_elsewhere(), 50331648);
	put(state, "sys/fs/cgroup/a.slice/b.service/memory.max", "1048576\n");
	assert_int_equal(available_elsewhere(), 1048576);
}

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
		cmocka_unit_test_setup_teardown(what_control_groups_allow, check_setup,
						check_teardown_closed),
		cmocka_unit_test(what_every_machine_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
