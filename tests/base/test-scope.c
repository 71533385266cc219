#include "base/scope.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

static int clear(void **state)
{
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("XDG_STATE_HOME");
	unsetenv("XDG_RUNTIME_DIR");
	return setenv("HOME", "/home/ada", 1);
}

/* Before anybody chose: the first test of the program. */
static void test_system(void **state)
{
	assert_false(scope_is_user());
	assert_string_equal(scope_dir(SCOPE_CONFIG), "/etc/flipslot");
	assert_string_equal(scope_dir(SCOPE_VENDOR), "/usr/lib/flipslot");
	assert_string_equal(scope_dir(SCOPE_STATE), "/var/lib/flipslot");
	assert_string_equal(scope_dir(SCOPE_RUN), "/run/flipslot");
	assert_string_equal(scope_dir(SCOPE_UNITS), "/etc/systemd/system");
	assert_int_equal(scope_may_write(), geteuid() == 0);
	assert_string_equal(scope_systemctl(), "systemctl");
	assert_string_equal(scope_journalctl(), "journalctl");
}

static void test_has_user(void **state)
{
	char dir[] = "/tmp/flipslot-check-XXXXXX", path[64];

	assert_non_null(mkdtemp(dir));
	setenv("XDG_CONFIG_HOME", dir, 1);
	assert_false(scope_has_user());
	(void)snprintf(path, sizeof(path), "%s/flipslot", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_true(scope_has_user());
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_false(scope_is_user());
}

static void test_home(void **state)
{
	char run[64];

	assert_int_equal(scope_choose_user(NULL), 0);
	assert_true(scope_is_user());
	assert_true(scope_may_write());
	assert_string_equal(scope_dir(SCOPE_CONFIG), "/home/ada/.config/flipslot");
	assert_string_equal(scope_dir(SCOPE_VENDOR), "/usr/lib/flipslot/user");
	assert_string_equal(scope_dir(SCOPE_STATE), "/home/ada/.local/state/flipslot");
	assert_string_equal(scope_dir(SCOPE_UNITS), "/home/ada/.config/systemd/user");
	(void)snprintf(run, sizeof(run), "/run/user/%u/flipslot", (unsigned int)geteuid());
	assert_string_equal(scope_dir(SCOPE_RUN), run);
	assert_string_equal(scope_systemctl(), "systemctl --user");
	assert_string_equal(scope_journalctl(), "journalctl --user");
}

/* Absolute ones count, the others do not. */
static void test_variables(void **state)
{
	setenv("XDG_CONFIG_HOME", "/elsewhere/c", 1);
	setenv("XDG_STATE_HOME", "s", 1);
	setenv("XDG_RUNTIME_DIR", "/elsewhere/r", 1);
	assert_int_equal(scope_choose_user(NULL), 0);
	assert_string_equal(scope_dir(SCOPE_CONFIG), "/elsewhere/c/flipslot");
	assert_string_equal(scope_dir(SCOPE_UNITS), "/elsewhere/c/systemd/user");
	assert_string_equal(scope_dir(SCOPE_STATE), "/home/ada/.local/state/flipslot");
	assert_string_equal(scope_dir(SCOPE_RUN), "/elsewhere/r/flipslot");
}

/* Without HOME, what the user database says. */
static void test_no_home(void **state)
{
	unsetenv("HOME");
	assert_int_equal(scope_choose_user(NULL), 0);
	assert_int_equal(scope_dir(SCOPE_CONFIG)[0], '/');
}

static void test_too_long(void **state)
{
	char path[1024];
	struct error err = {};

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	setenv("XDG_STATE_HOME", path, 1);
	check_error(scope_choose_user(&err), &err, FAULT_CONFIG, "XDG_STATE_HOME");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_system, clear),
		cmocka_unit_test_setup(test_has_user, clear),
		cmocka_unit_test_setup(test_too_long, clear),
		cmocka_unit_test_setup(test_home, clear),
		cmocka_unit_test_setup(test_variables, clear),
		cmocka_unit_test_setup(test_no_home, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
