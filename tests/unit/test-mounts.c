/* On which mount a path lies. */
#include "unit/mounts.h"

#include "../base/check.h"

static const char table[] = "20 1 0:55 / / rw,relatime - overlay overlay rw\n"
			    "21 20 8:1 / /var rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
			    "22 21 8:2 / /var/lib/a\\040b rw - ext4 /dev/sda2 rw\n"
			    "broken\n"
			    "23 20 8:3 / /va rw - ext4 /dev/sda3 rw\n";

static const char *find(void **state, const char *path)
{
	static char point[64];
	char name[300];

	(void)snprintf(name, sizeof(name), "%s/table", check_path);
	check_write(check_dirfd(state), "table", table, sizeof(table) - 1);
	assert_int_equal(mounts_find(name, path, point, sizeof(point), NULL), 0);
	return point;
}

static void the_longest_that_holds_it(void **state)
{
	assert_string_equal(find(state, "/etc/x"), "/");
	assert_string_equal(find(state, "/var/lib/flipslot/x"), "/var");
	assert_string_equal(find(state, "/var"), "/var");
	assert_string_equal(find(state, "/various"), "/");
	assert_string_equal(find(state, "/var/lib/a b/c"), "/var/lib/a b");
}

static void this_machine_has_one(void **state)
{
	char point[256];

	(void)state;
	assert_int_equal(
		mounts_find("/proc/self/mountinfo", "/proc/self", point, sizeof(point), NULL), 0);
	assert_string_equal(point, "/proc");
	assert_true(mounts_find("/nonexistent", "/", point, sizeof(point), NULL) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_longest_that_holds_it, check_setup,
						check_teardown_closed),
		cmocka_unit_test(this_machine_has_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
