/* TargetPattern=: which paths are releases, and what their versions are. */
#include "trust/target-pattern.h"

#include "base/cleanup.h"

#include "../base/check.h"

static void what_is_a_pattern(void **state)
{
	static const char *const good[] = { "a",
					    "a-*",
					    "*",
					    "d/e/a-*-{arch}.tar.zst",
					    "{arch}/{arch}-*",
					    "a b?[c]%\xc3\xa9-*",
					    "...",
					    ".a/..b" };
	static const char *const bad[] = { "",	  "/a",	   "a/",     "a//b",  ".",
					   "..",  "a/./b", "../a-*", "a-*-*", "*/*",
					   "a{b", "a}b",   "{}",     "{arch", "{Arch}-*" };
	struct error err = {};
	char longest[TARGET_PATTERN_MAX + 1];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (target_pattern_check(good[i], &err) < 0)
			fail_msg("%s", err.text);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		check_error(target_pattern_check(bad[i], &err), &err, FAULT_CONFIG, bad[i]);
	memset(longest, 'a', sizeof(longest));
	longest[TARGET_PATTERN_MAX] = '\0';
	check_error(target_pattern_check(longest, &err), &err, FAULT_CONFIG, "more than");
	longest[TARGET_PATTERN_MAX - 1] = '\0';
	assert_int_equal(target_pattern_check(longest, NULL), 0);
}

static void the_machine_is_put_in(void **state)
{
	char expanded[TARGET_PATTERN_MAX];
	char longest[TARGET_PATTERN_MAX];
	struct error err = {};

	assert_int_equal(target_pattern_expand("{arch}/a-*-{arch}", "x86_64", expanded, NULL), 0);
	assert_string_equal(expanded, "x86_64/a-*-x86_64");
	assert_int_equal(target_pattern_expand("a", "x", expanded, NULL), 0);
	assert_string_equal(expanded, "a");
	memset(longest, 'a', sizeof(longest));
	memcpy(longest, "{arch}", 6);
	longest[TARGET_PATTERN_MAX - 1] = '\0';
	check_error(target_pattern_expand(longest, "x86_64z", expanded, &err), &err, FAULT_CONFIG,
		    "cannot be used");
	assert_int_equal(target_pattern_expand(longest, "x86_64", expanded, NULL), 0);
	check_error(target_pattern_expand("a-{arch}", "*", expanded, &err), &err, FAULT_CONFIG,
		    "cannot be used");
}

static void what_matches(void **state)
{
	static const struct {
		const char *pattern, *path, *version; /* NULL: does not match */
	} rows[] = {
		{ "a-*.tar", "a-1.tar", "1" },
		{ "a-*.tar", "a-1.4~rc1+g12_x^2-r3.tar", "1.4~rc1+g12_x^2-r3" },
		{ "a-*.tar", "a-v1.4.tar", "v1.4" },
		{ "*", "1", "1" },
		{ "*.tar", "1.tar.tar", "1.tar" },
		{ "a-*", "a-2", "2" },
		{ "a-*.tar", "a-.tar", NULL },
		{ "a-*.tar", "a-1.tar.gz", NULL },
		{ "a-*.tar", "xa-1.tar", NULL },
		{ "a-*.tar", "a-1tar", NULL },
		{ "a-*.tar", "a-b1.tar", NULL },
		{ "a-*.tar", "a-v.tar", NULL },
		{ "a-*.tar", "a-vv1.tar", NULL },
		{ "a-*.tar", "a-V1.tar", NULL },
		{ "a-*.tar", "a-tools-1.tar", NULL },
		{ "a-*.tar", "a-1/2.tar", NULL },
		{ "a-*.tar", "a-1 2.tar", NULL },
		{ "a-*.tar", "a-1\n.tar", NULL },
		{ "a-*.tar", "a-1\xc3\xa9.tar", NULL },
		{ "a-*.tar", "", NULL },
		{ "a-*-a", "a-a", NULL }, /* the two ends must not share a letter */
		{ "aa*aa", "aaa", NULL },
		{ "a[1]-*", "a1-1", NULL },
		{ "a?-*", "ab-1", NULL },
		{ "d/*", "d/1", "1" },
		{ "d/*", "d/e/1", NULL },
	};
	char version[TARGET_PATTERN_VERSION_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool matches = target_pattern_match(rows[i].pattern, rows[i].path, version);

		if (matches != (rows[i].version != NULL) ||
		    (matches && strcmp(version, rows[i].version) != 0))
			fail_msg("%s, %s", rows[i].pattern, rows[i].path);
	}
}

static void versions_are_bounded(void **state)
{
	char path[TARGET_PATTERN_VERSION_MAX + 1];
	char version[TARGET_PATTERN_VERSION_MAX];

	memset(path, '1', sizeof(path));
	path[TARGET_PATTERN_VERSION_MAX] = '\0';
	assert_false(target_pattern_match("*", path, version));
	path[TARGET_PATTERN_VERSION_MAX - 1] = '\0';
	assert_true(target_pattern_match("*", path, version));
	assert_string_equal(version, path);
}

static void the_rest(void **state)
{
	assert_true(target_pattern_is_open("a-*"));
	assert_false(target_pattern_is_open("a-?"));
	assert_int_equal(target_pattern_prefix("abc-*-d"), 4);
	assert_int_equal(target_pattern_prefix("*"), 0);
	assert_true(target_pattern_compare("v1.10", "1.9") > 0);
	assert_true(target_pattern_compare("1.9", "v1.10") < 0);
	assert_int_equal(target_pattern_compare("v1", "1"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_a_pattern), cmocka_unit_test(the_machine_is_put_in),
		cmocka_unit_test(what_matches),	     cmocka_unit_test(versions_are_bounded),
		cmocka_unit_test(the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
