/* The command line: verbs are found, options and operands read, what is wrong said in one line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "app/cli.h"

#define WORDS_MAX 8

/* "verb app|-f" is two words; the text stays in a buffer until the next call. */
static int split(const char *line, char *ret_argv[static WORDS_MAX])
{
	static char buffer[256];
	int argc = 0;

	(void)snprintf(buffer, sizeof(buffer), "%s", line);
	for (char *rest = buffer, *word; (word = strsep(&rest, "|"));)
		ret_argv[argc++] = word;
	ret_argv[argc] = NULL;
	return argc;
}

struct values {
	const char *version, *number;
	bool force, json;
};

/* *ret_operands is valid until the next call. */
static int parse(struct values *values, int min, int max, const char *line, char ***ret_operands,
		 struct error *err)
{
	const struct cli_option options[] = {
		{ "version", 'V', "V", "", .text = &values->version },
		{ "number", '\0', "N", "", .text = &values->number },
		{ "force", 'f', NULL, "", .flag = &values->force },
		{ "json", '\0', NULL, "", .flag = &values->json },
		{},
	};
	static char *argv[WORDS_MAX];
	int argc = split(line, argv);

	return cli_parse(options, "APP FILE --version V", min, max, argc, argv, ret_operands, err);
}

static int match(const char *name, const char *line)
{
	const struct cli_verb verb = { .name = name };
	char *argv[WORDS_MAX];
	int argc = split(line, argv);

	return cli_match(&verb, line[0] ? argc : 0, argv);
}

static void test_options_and_operands_in_any_order(void **unused)
{
	struct values values = {};
	char **operands;

	(void)unused;
	assert_int_equal(parse(&values, 1, 2, "verb|app|--version=1.4|-f|file", &operands, NULL),
			 0);
	assert_string_equal(operands[0], "app");
	assert_string_equal(operands[1], "file");
	assert_null(operands[2]);
	assert_string_equal(values.version, "1.4");
	assert_true(values.force);
	assert_false(values.json);
	assert_null(values.number);
}

static void test_two_dashes_end_the_options(void **unused)
{
	struct values values = {};
	char **operands;

	(void)unused;
	assert_int_equal(parse(&values, 1, 1, "verb|--|--json", &operands, NULL), 0);
	assert_string_equal(operands[0], "--json");
	assert_false(values.json);
}

static void test_help(void **unused)
{
	struct values values = {};
	char **operands;

	(void)unused;
	assert_int_equal(parse(&values, 1, 1, "verb|--help", &operands, NULL), CLI_HELP);
	assert_int_equal(parse(&values, 1, 1, "verb|-h", &operands, NULL), CLI_HELP);
}

static void test_what_is_wrong_is_named(void **unused)
{
	static const struct {
		const char *line;
		const char *said;
	} rows[] = {
		{ "verb|app|--no-such", "there is no option --no-such" },
		{ "verb|app|-x", "there is no option -x" },
		{ "verb|app|-fx", "there is no option -x" },
		{ "verb|app|--version", "--version needs a value" },
		{ "verb|app|-V", "-V needs a value" },
		{ "verb|app|--force=1", "--force=1 takes no value" },
		{ "verb|app|-f|--force", "--force is given twice" },
		{ "verb|--version=1|--version=2", "--version is given twice" },
		{ "verb", "APP is missing" },
		{ "verb|app|file|more\n", "more\\x0a is one word too many" },
	};

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct values values = {};
		struct error err = {};
		char **operands;

		assert_true(parse(&values, 1, 2, rows[i].line, &operands, &err) < 0);
		assert_int_equal(err.fault, FAULT_CONFIG);
		if (!strstr(err.text, rows[i].said))
			fail_msg("\"%s\" does not say \"%s\"", err.text, rows[i].said);
	}
}

static void test_what_is_missing_is_named(void **unused)
{
	struct values values = {};
	struct error err = {};
	char **operands;

	(void)unused;
	assert_true(parse(&values, 2, 2, "verb", &operands, &err) < 0);
	assert_string_equal(err.text, "APP and FILE are missing");
	assert_true(parse(&values, 2, 2, "verb|app", &operands, &err) < 0);
	assert_string_equal(err.text, "FILE is missing");
}

static void test_verbs_of_one_and_two_words(void **unused)
{
	(void)unused;
	assert_int_equal(match("config check", "config|check|app"), 2);
	assert_int_equal(match("config", "config|check|app"), 1);
	assert_int_equal(match("config check", "config|app"), 0);
	assert_int_equal(match("config check", "config"), 0);
	assert_int_equal(match("config", "confi|check"), 0);
	assert_int_equal(match("config", "configs"), 0);
	assert_int_equal(match("config", ""), 0);
}

static void test_names_of_apps_are_checked_before_they_are_used(void **unused)
{
	struct config *config;
	struct error err = {};

	(void)unused;
	assert_true(cli_load("../etc", &config, &err) < 0);
	assert_int_equal(err.fault, FAULT_CONFIG);
	assert_non_null(strstr(err.text, "cannot be an app"));
}

static void test_worker_unit(void **unused)
{
	char unit[CLI_UNIT_MAX];

	(void)unused;
	assert_string_equal(cli_worker_unit("my-app", unit), "flipslot@my-app.service");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_and_operands_in_any_order),
		cmocka_unit_test(test_two_dashes_end_the_options),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_what_is_wrong_is_named),
		cmocka_unit_test(test_what_is_missing_is_named),
		cmocka_unit_test(test_verbs_of_one_and_two_words),
		cmocka_unit_test(test_names_of_apps_are_checked_before_they_are_used),
		cmocka_unit_test(test_worker_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
