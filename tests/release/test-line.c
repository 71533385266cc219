#include "release/line.h"

#include "../base/check.h"

#define HEX "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"

static int parse(const char *line, struct index_entry *ret_entry, struct error *err)
{
	return line_parse(line, strlen(line), ret_entry, err);
}

static void test_directory(void **state)
{
	_cleanup_index_entry_ struct index_entry entry = {};

	assert_int_equal(parse("d 0755 a/b\n", &entry, NULL), 0);
	assert_int_equal(entry.type, INDEX_DIRECTORY);
	assert_int_equal(entry.mode, 0755);
	assert_string_equal(entry.path, "a/b");
	assert_null(entry.target);
}

static void test_file(void **state)
{
	_cleanup_index_entry_ struct index_entry entry = {};
	struct digest digest;

	assert_int_equal(digest_of("1", 1, &digest, NULL), 0);
	assert_int_equal(parse("f 4755 8589934592 9223372036854775807 " HEX " a\\x20b cap=01ff\n",
			       &entry, NULL),
			 0);
	assert_int_equal(entry.type, INDEX_FILE);
	assert_int_equal(entry.mode, 04755);
	assert_int_equal(entry.mtime, INDEX_MTIME_MAX);
	assert_int_equal(entry.size, INT64_MAX);
	assert_true(digest_equal(&entry.digest, &digest));
	assert_string_equal(entry.path, "a b");
	assert_int_equal(entry.capability_size, 2);
	assert_memory_equal(entry.capability, "\1\xff", 2);
}

static void test_links(void **state)
{
	_cleanup_index_entry_ struct index_entry symlink = {};
	_cleanup_index_entry_ struct index_entry hardlink = {};

	assert_int_equal(parse("l a ../\\x5c\n", &symlink, NULL), 0);
	assert_int_equal(symlink.type, INDEX_SYMLINK);
	assert_string_equal(symlink.target, "../\\");
	assert_int_equal(parse("h b a/c\n", &hardlink, NULL), 0);
	assert_int_equal(hardlink.type, INDEX_HARDLINK);
	assert_string_equal(hardlink.target, "a/c");
}

/* Longest names of blanks: each is four bytes in the text, and it comes back. */
static void test_longest(void **state)
{
	_cleanup_index_entry_ struct index_entry back = {};
	_cleanup_text_ struct text text = {};
	char name[4095 + 1];
	struct index_entry entry = { .type = INDEX_SYMLINK, .path = name, .target = name };

	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i % 200 == 199 ? '/' : ' ';
	name[sizeof(name) - 1] = '\0';
	line_add(&text, &entry);
	assert_int_equal(line_parse(text.data, text.size, &back, NULL), 0);
	assert_string_equal(back.path, name);
	assert_string_equal(back.target, name);
}

static void test_refuses_lines_that_are_too_long(void **state)
{
	_cleanup_free_ char *line = malloc(100001);
	struct index_entry entry = {};
	struct error err = {};

	memset(line, 'a', 100000);
	memcpy(line, "d 0755 ", 7);
	line[99999] = '\n';
	line[100000] = '\0';
	check_error(parse(line, &entry, &err), &err, FAULT_CORRUPT, "too long");
	check_error(line_parse("", 0, &entry, &err), &err, FAULT_CORRUPT, "does not end");
	assert_null(entry.path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_directory),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_refuses_lines_that_are_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
