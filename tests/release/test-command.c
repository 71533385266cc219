/* The command that a release carries. */
#include "release/command.h"

#include "base/cleanup.h"

#include "../base/check.h"

static void test_words_come_back(void **state)
{
	char *argv[COMMAND_WORDS_MAX + 1];
	struct command command = {};

	assert_int_equal(
		command_parse("bin/selftest --of 'two words' \"\" \xc3\xa9", &command, NULL), 0);
	command_argv(&command, argv);
	assert_string_equal(argv[0], "bin/selftest");
	assert_string_equal(argv[1], "--of");
	assert_string_equal(argv[2], "two words");
	assert_string_equal(argv[3], "");
	assert_string_equal(argv[4], "\xc3\xa9");
	assert_null(argv[5]);
}

static void test_no_words_are_none(void **state)
{
	struct command command = { .n_words = 1, .words = "x" };
	char *argv[COMMAND_WORDS_MAX + 1];

	assert_int_equal(command_parse(" ", &command, NULL), 0);
	assert_true(command_equal(&command, &(struct command){}));
	command_argv(&command, argv);
	assert_null(argv[0]);
}

static void test_what_is_none(void **state)
{
	static const char *const bad[] = {
		"../up",   "bin/../../up", "bin//x",	 "/",	   "''",     "x 'open",
		"x a\\tb", "x \\x1b",	   "x \xc2\x85", "x \xff", "x \x7f",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct command command = {};
		struct error err = {};

		check_error(command_parse(bad[i], &command, &err), &err, FAULT_CONFIG, "command");
		assert_int_equal(command.n_words, 0);
	}
}

static void test_bounded(void **state)
{
	struct command command = {};
	char word[COMMAND_BYTES_MAX + 1];

	for (int i = 0; i < COMMAND_WORDS_MAX; i++)
		assert_true(command_add(&command, "x"));
	assert_false(command_add(&command, "x"));
	memset(word, 'x', sizeof(word));
	word[COMMAND_BYTES_MAX] = '\0';
	command = (struct command){};
	assert_false(command_add(&command, word));
	word[COMMAND_BYTES_MAX - 2 - 1] = '\0'; /* "a" with its NUL comes before */
	assert_true(command_add(&command, "a"));
	assert_true(command_add(&command, word));
	assert_false(command_add(&command, ""));
}

static void test_equal_word_by_word(void **state)
{
	struct command a, b;

	assert_int_equal(command_parse("x a b", &a, NULL), 0);
	assert_int_equal(command_parse("x 'a b'", &b, NULL), 0);
	assert_false(command_equal(&a, &b));
	assert_int_equal(command_parse("x  a  b", &b, NULL), 0);
	assert_true(command_equal(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_come_back),	   cmocka_unit_test(test_no_words_are_none),
		cmocka_unit_test(test_what_is_none),	   cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_equal_word_by_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
