/* What a drill with a broken release puts in the place of the program, and where. */
#include "app/fault-release.h"

#include "../base/check.h"

static int find(const char *path, const char *argument, char *ret_path, bool *ret_script)
{
	char *argv[] = { (char *)path, (char *)argument, NULL };
	struct unit_exec exec = { .argv = argv };
	struct unit unit = { .exec_start = &exec, .n_exec_start = 1 };

	(void)snprintf(exec.path, sizeof(exec.path), "%s", path);
	return fault_release_find_program(&unit, "/var/lib/flipslot/gw", ret_path, 128, ret_script,
					  NULL);
}

static void the_program_is_found_below_current(void **state)
{
	char path[128];
	bool script;

	(void)state;
	assert_int_equal(find("/var/lib/flipslot/gw/current/bin/gw", "-v", path, &script), 0);
	assert_string_equal(path, "bin/gw");
	assert_false(script);
	assert_int_equal(find("/usr/bin/node", "/var/lib/flipslot/gw/current/app/main.js", path,
			      &script),
			 0);
	assert_string_equal(path, "app/main.js");
	assert_true(script);
}

static void nothing_else_is(void **state)
{
	char path[128];
	bool script;

	(void)state;
	assert_true(find("/usr/bin/gw", "-v", path, &script) < 0);
	assert_true(find("/var/lib/flipslot/gw/current/../../x", "", path, &script) < 0);
	assert_true(find("/var/lib/flipslot/gw2/current/x", "", path, &script) < 0);
	assert_true(find("/var/lib/flipslot/gw/current/", "", path, &script) < 0);
}

/* No kind opens a file of the service; the marker's name is added to one. */
static void no_kind_touches_data(void **state)
{
	(void)state;
	for (const struct fault_kind *kind = fault_release_kinds; kind->name; kind++) {
		assert_ptr_equal(fault_release_find_kind(kind->name), kind);
		assert_null(strstr(kind->behaviour, "migrate="));
		assert_null(strstr(kind->behaviour, "touch="));
		assert_null(strstr(kind->behaviour, "socket="));
		assert_null(strstr(kind->behaviour, "mark="));
		assert_non_null(strstr(kind->behaviour, "port="));
		assert_int_equal(kind->marks, strcmp(kind->name, "migrate") == 0);
	}
	assert_null(fault_release_find_kind("no-such"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_program_is_found_below_current),
		cmocka_unit_test(nothing_else_is),
		cmocka_unit_test(no_kind_touches_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
