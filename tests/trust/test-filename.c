#include "trust/filename.h"

#include "base/cleanup.h"

#include "../base/check.h"

static void role_files_are_one_part_of_a_path(void **state)
{
	static const struct {
		const char *role;
		uint64_t version;
		const char *name;
	} cases[] = {
		{ "timestamp", 0, "timestamp.json" },
		{ "root", 42, "42.root.json" },
		{ "root", UINT64_MAX, "18446744073709551615.root.json" },
		{ "a/b", 0, "a%2Fb.json" },
		{ "../x", 1, "1...%2Fx.json" },
		{ "..", 0, "...json" },
		{ ".", 0, "..json" },
		{ "a b?#%", 0, "a%20b%3F%23%25.json" },
		{ "Az09_.-~", 0, "Az09_.-~.json" },
		{ "\xc3\xa9\x7f\n", 0, "%C3%A9%7F%0A.json" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *name = NULL;

		assert_int_equal(filename_of_role(cases[i].role, cases[i].version, &name, NULL), 0);
		assert_string_equal(name, cases[i].name);
	}
}

static void role_files_have_room(void **state)
{
	char role[FILENAME_MAX_BYTES + 1] = {};
	_cleanup_free_ char *name = NULL;
	char *none = NULL;
	struct error err = {};

	check_error(filename_of_role("", 0, &none, &err), &err, FAULT_CORRUPT, "no name");
	memset(role, 'x', FILENAME_MAX_BYTES - strlen(".json"));
	assert_int_equal(filename_of_role(role, 0, &name, NULL), 0);
	assert_int_equal(strlen(name), FILENAME_MAX_BYTES);
	check_error(filename_of_role(role, 1, &none, &err), &err, FAULT_CORRUPT, "too long");
	role[0] = '/';
	check_error(filename_of_role(role, 0, &none, &err), &err, FAULT_CORRUPT, "too long");
	assert_null(none);
}

/* Whatever the role: never a slash, never . or .., and another role has another file. */
static void no_role_leads_out_or_into_another(void **state)
{
	static const char characters[] = "a./%2F~\\:\n\xc3\xa9";

	for (int round = 0; round < 20000; round++) {
		char roles[2][6];
		_cleanup_free_ char *first = NULL;
		_cleanup_free_ char *second = NULL;

		check_text(roles[0], sizeof(roles[0]), characters);
		check_text(roles[1], sizeof(roles[1]), characters);
		if (!roles[0][0] || !roles[1][0])
			continue;
		assert_int_equal(filename_of_role(roles[0], 0, &first, NULL), 0);
		assert_int_equal(filename_of_role(roles[1], 0, &second, NULL), 0);
		assert_null(strchr(first, '/'));
		assert_true(strlen(first) > strlen(".json"));
		assert_int_equal(strcmp(first, second) == 0, strcmp(roles[0], roles[1]) == 0);
	}
}

static void target_files_keep_their_folders(void **state)
{
	static const struct {
		const char *path;
		const char *hash;
		const char *name;
	} cases[] = {
		{ "file", NULL, "file" },
		{ "file", "", "file" },
		{ "file", "abc", "abc.file" },
		{ "a/b/file.txt", "abc", "a/b/abc.file.txt" },
		{ "a b/?", "abc", "a%20b/abc.%3F" },
		{ "..x/.y/z..", NULL, "..x/.y/z.." },
		{ "%2e%2e/x", NULL, "%252e%252e/x" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *name = NULL;

		assert_int_equal(filename_of_target(cases[i].path, cases[i].hash, &name, NULL), 0);
		assert_string_equal(name, cases[i].name);
	}
}

static void targets_that_lead_elsewhere_have_no_file(void **state)
{
	static const char *const wrong[] = { "",   "/",	   "/a",   "a/",  "a//b",  ".",
					     "..", "../a", "a/..", "./a", "a/./b", "a/../b" };

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		char *name = NULL;
		struct error err = {};

		check_error(filename_of_target(wrong[i], "abc", &name, &err), &err, FAULT_CORRUPT,
			    "can be fetched");
		assert_null(name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(role_files_are_one_part_of_a_path),
		cmocka_unit_test(role_files_have_room),
		cmocka_unit_test(no_role_leads_out_or_into_another),
		cmocka_unit_test(target_files_keep_their_folders),
		cmocka_unit_test(targets_that_lead_elsewhere_have_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
