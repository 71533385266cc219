#include "release/names.h"

#include "base/cleanup.h"
#include "../base/check.h"

static void normalise(const char *name, unsigned int strip, const char *wanted)
{
	_cleanup_free_ char *path = NULL;
	struct error err = {};

	if (names_normalise(name, strip, &path, &err) != 0)
		fail_msg("%s: %s", name, err.text);
	assert_string_equal(path, wanted);
}

static void test_normalises(void **state)
{
	normalise("a", 0, "a");
	normalise("./a", 0, "a");
	normalise("././a//b/./c/", 0, "a/b/c");
	normalise("a/...", 0, "a/...");
	normalise("..a/b..", 0, "..a/b..");
	normalise("a b\\c'\"", 0, "a b\\c'\"");
	normalise("h\xc3\xa9", 0, "h\xc3\xa9");
}

/* tar --strip-components counts the parts as they are written: "./" is one. */
static void test_strips_as_tar(void **state)
{
	normalise("pkg/a/b", 1, "a/b");
	normalise("pkg//a", 1, "a");
	normalise("pkg//a/b", 2, "b");
	normalise("./pkg/a", 1, "pkg/a");
	normalise("./pkg/a", 2, "a");
	normalise("a/b/c/d", 3, "d");
}

static void check_outcome(const char *name, unsigned int strip, int wanted)
{
	char *path = NULL;

	assert_int_equal(names_normalise(name, strip, &path, NULL), wanted);
	assert_null(path);
}

static void test_tells_what_is_left_out(void **state)
{
	check_outcome(".", 0, NAMES_ROOT);
	check_outcome("./", 0, NAMES_ROOT);
	check_outcome("././.", 0, NAMES_ROOT);
	check_outcome("pkg", 1, NAMES_STRIPPED);
	check_outcome("pkg/", 1, NAMES_STRIPPED);
	check_outcome("pkg/a", 2, NAMES_STRIPPED);
	check_outcome("pkg/.", 1, NAMES_STRIPPED);
}

static void refuse(const char *name, const char *word)
{
	struct error err = {};
	char *path = NULL;

	check_error(names_normalise(name, 0, &path, &err), &err, FAULT_CORRUPT, word);
	assert_null(path);
	check_error(names_check_path(name, &err), &err, FAULT_CORRUPT, word);
}

static void test_refuses(void **state)
{
	refuse("", "empty");
	refuse("/", "absolute");
	refuse("/a", "absolute");
	refuse("..", "\"..\"");
	refuse("../a", "\"..\"");
	refuse("a/../b", "\"..\"");
	refuse("a/..", "\"..\"");
	refuse("a\nb", "control");
	refuse("a\x1b[2J", "control");
	refuse("\x7f", "control");
	refuse("a\xc2\x9b", "control");
	refuse("a\xff", "UTF-8");
	refuse("a\xc3", "UTF-8");
	refuse("\xc0\xaf", "UTF-8");
	refuse("\xed\xa0\x80", "UTF-8");
}

/* What is stripped is read all the same. */
static void test_refuses_in_what_is_stripped(void **state)
{
	struct error err = {};
	char *path = NULL;

	check_error(names_normalise("../a/b", 1, &path, &err), &err, FAULT_CORRUPT, "\"..\"");
	check_error(names_normalise("a/../b", 2, &path, &err), &err, FAULT_CORRUPT, "\"..\"");
}

static void test_lengths(void **state)
{
	struct error err = {};
	char name[NAMES_PATH_MAX + 2];
	char *path = NULL;

	memset(name, 'a', sizeof(name));
	name[NAMES_PART_MAX] = '\0';
	normalise(name, 0, name);
	assert_int_equal(names_check_path(name, NULL), 0);
	name[NAMES_PART_MAX] = 'a';
	name[NAMES_PART_MAX + 1] = '\0';
	check_error(names_normalise(name, 0, &path, &err), &err, FAULT_CORRUPT, "255");
	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i % 200 == 199 ? '/' : 'a';
	name[NAMES_PATH_MAX] = '\0';
	normalise(name, 0, name);
	name[NAMES_PATH_MAX] = 'a';
	name[NAMES_PATH_MAX + 1] = '\0';
	check_error(names_normalise(name, 0, &path, &err), &err, FAULT_CORRUPT, "4095");
	check_error(names_check_target(name, &err), &err, FAULT_CORRUPT, "4095");
}

static void test_a_path_is_canonical(void **state)
{
	struct error err = {};

	assert_int_equal(names_check_path("a/b/c", &err), 0);
	check_error(names_check_path("./a", &err), &err, FAULT_CORRUPT, "\".\" part");
	check_error(names_check_path("a/", &err), &err, FAULT_CORRUPT, "\".\" part");
	check_error(names_check_path("a//b", &err), &err, FAULT_CORRUPT, "\".\" part");
	check_error(names_check_path("a/.", &err), &err, FAULT_CORRUPT, "\".\" part");
	check_error(names_check_path(".", &err), &err, FAULT_CORRUPT, "\".\" part");
}

static void test_targets(void **state)
{
	struct error err = {};

	assert_int_equal(names_check_target("../../x/./y/", &err), 0);
	check_error(names_check_target("/etc", &err), &err, FAULT_CORRUPT, "absolute");
	check_error(names_check_target("", &err), &err, FAULT_CORRUPT, "empty");
	check_error(names_check_target("a\tb", &err), &err, FAULT_CORRUPT, "control");
}

static void test_depth_and_show(void **state)
{
	char shown[NAMES_SHOWN_MAX];
	char longer[1000];

	assert_int_equal(names_depth("a"), 1);
	assert_int_equal(names_depth("a/b/c"), 3);
	assert_string_equal(names_show("a\x1b", shown), "a\\x1b");
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_true(strlen(names_show(longer, shown)) < NAMES_SHOWN_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_normalises),
		cmocka_unit_test(test_strips_as_tar),
		cmocka_unit_test(test_tells_what_is_left_out),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_refuses_in_what_is_stripped),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_a_path_is_canonical),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_depth_and_show),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
