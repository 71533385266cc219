#include "base/parse.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "check.h"

static void booleans(void **state)
{
	static const char *const yes[] = { "yes", "true", "on", "1" };
	static const char *const no[] = { "no", "false", "off", "0" };
	static const char *const wrong[] = { "", "Yes", "y", "2", "yes ", " no", "on\n", "00" };
	struct error err = {};
	bool value = false;

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		assert_int_equal(parse_bool(yes[i], &value, NULL), 0);
		assert_true(value);
		assert_int_equal(parse_bool(no[i], &value, NULL), 0);
		assert_false(value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		check_error(parse_bool(wrong[i], &value, &err), &err, FAULT_CONFIG, "yes or no");
}

static void numbers(void **state)
{
	static const char *const wrong[] = { "",
					     "-1",
					     "+1",
					     " 1",
					     "1 ",
					     "0x10",
					     "1.5",
					     "1k",
					     "1e3",
					     "１",
					     "1\n",
					     "18446744073709551616",
					     "99999999999999999999999" };
	uint64_t value = 7;
	struct error err = {};

	assert_int_equal(parse_u64("0", 0, UINT64_MAX, &value, NULL), 0);
	assert_true(value == 0);
	assert_int_equal(parse_u64("18446744073709551615", 0, UINT64_MAX, &value, NULL), 0);
	assert_true(value == UINT64_MAX);
	assert_int_equal(parse_u64("007", 0, 9, &value, NULL), 0);
	assert_true(value == 7);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		check_error(parse_u64(wrong[i], 0, UINT64_MAX, &value, &err), &err, FAULT_CONFIG,
			    "not a number");
	check_error(parse_u64("4", 5, 10, &value, &err), &err, FAULT_CONFIG, "from 5 to 10");
	check_error(parse_u64("11", 5, 10, &value, &err), &err, FAULT_CONFIG, "from 5 to 10");
	assert_true(value == 7);
}

static void sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} right[] = {
		{ "0", 0 },
		{ "4096", 4096 },
		{ "512K", 512 << 10 },
		{ "8M", 8 << 20 },
		{ "1.5G", 3ULL << 29 },
		{ "0.000001K", 0 },
		{ "0.5K", 512 },
		{ "2T", 2ULL << 40 },
		{ "16777215T", 16777215ULL << 40 },
		{ "16777215.999999T", UINT64_MAX - 1099512 },
	};
	static const char *const wrong[] = { "",    "M",      "8m",   "8 M",	    "8MB",
					     "1.5", "1.",     ".5G",  "-1M",	    "16777216T",
					     "8Mx", "1.5.5M", "1,5G", "1.0000001G", "infinity" };
	uint64_t bytes;

	for (size_t i = 0; i < ARRAY_SIZE(right); i++) {
		assert_int_equal(parse_size(right[i].text, &bytes, NULL), 0);
		if (i + 1 < ARRAY_SIZE(right))
			assert_true(bytes == right[i].bytes);
		else /* the last: rounded down, and no overflow */
			assert_true(bytes >= right[i].bytes);
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct error err = {};

		check_error(parse_size(wrong[i], &bytes, &err), &err, FAULT_CONFIG, "not a size");
	}
}

static void spans(void **state)
{
	static const struct {
		const char *text;
		uint64_t usec;
	} right[] = {
		{ "0", 0 },
		{ "90", 90 * USEC_PER_SEC },
		{ "90s", 90 * USEC_PER_SEC },
		{ "1.5", 1500 * USEC_PER_MSEC },
		{ "250ms", 250 * USEC_PER_MSEC },
		{ "5min", 300 * USEC_PER_SEC },
		{ "5 min", 300 * USEC_PER_SEC },
		{ "1h 30min", 5400 * USEC_PER_SEC },
		{ "1h30min", 5400 * USEC_PER_SEC },
		{ " 2 hours\t", 7200 * USEC_PER_SEC },
		{ "55s500ms", 55500 * USEC_PER_MSEC },
		{ "1.5h", 5400 * USEC_PER_SEC },
		{ "3µs", 3 },
		{ "3μs", 3 },
		{ "1w 1d", 8 * 86400 * USEC_PER_SEC },
		{ "1m", 60 * USEC_PER_SEC },
		{ "1M", 2629800 * USEC_PER_SEC },
		{ "1y", 31557600 * USEC_PER_SEC },
		{ "infinity", USEC_INFINITY },
	};
	static const char *const wrong[] = {
		"",
		" ",
		"s",
		"-1s",
		"1x",
		"1h 30",
		"30 1h",
		"1 2",
		"1us ms",
		"5mins",
		"1.s",
		"1.5.5s",
		"infinity s",
		"Infinity",
		"1hs",
		"99999999999999y",
		"18446744073709551615us",
	};
	uint64_t usec;

	for (size_t i = 0; i < ARRAY_SIZE(right); i++) {
		assert_int_equal(parse_span(right[i].text, &usec, NULL), 0);
		assert_true(usec == right[i].usec);
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct error err = {};

		if (parse_span(wrong[i], &usec, &err) == 0)
			fail_msg("\"%s\" was taken", wrong[i]);
		check_error(parse_span(wrong[i], &usec, &err), &err, FAULT_CONFIG,
			    "not a time span");
	}
}

static void what_is_refused_is_quoted_harmlessly(void **state)
{
	struct error err = {};
	bool value;

	(void)parse_bool("\x1b[2J\nevil", &value, &err);
	assert_non_null(strstr(err.text, "\"\\x1b[2J\\x0aevil\""));
}

static void app_names(void **state)
{
	char name[66];

	memset(name, 'a', sizeof(name));
	name[64] = '\0';
	assert_true(parse_is_app_name(name));
	name[64] = 'a';
	name[65] = '\0';
	assert_false(parse_is_app_name(name));
	assert_true(parse_is_app_name("a"));
	assert_true(parse_is_app_name("0-x_y"));
	assert_false(parse_is_app_name(""));
	assert_false(parse_is_app_name("-a"));
	assert_false(parse_is_app_name("_a"));
	assert_false(parse_is_app_name("A"));
	assert_false(parse_is_app_name("a.b"));
	assert_false(parse_is_app_name("a/b"));
	assert_false(parse_is_app_name("a@b"));
	assert_false(parse_is_app_name("a\n"));
	assert_false(parse_is_app_name("ä"));
}

/* Words, one behind the other, each in <>. */
static void check_argv(const char *text, const char *wanted)
{
	_cleanup_(parse_argv_freep) char **argv = NULL;
	char joined[256] = "";

	assert_int_equal(parse_argv(text, &argv, NULL), 0);
	for (char **word = argv; *word; word++)
		(void)snprintf(joined + strlen(joined), sizeof(joined) - strlen(joined), "<%s>",
			       *word);
	assert_string_equal(joined, wanted);
}

static void command_lines(void **state)
{
	static const char *const wrong[] = { "",	"  ",	  "a 'b",    "a \"b", "a\\",
					     "a \\q",	"a \\x0", "a \\x00", "\\000", "\\400",
					     "\\u00e9", "\\x-1",  "\\8",     "\\189", "\\x4g" };

	check_argv("/bin/x", "</bin/x>");
	check_argv("  a\t b  c ", "<a><b><c>");
	check_argv("a 'b c' \"d e\"", "<a><b c><d e>");
	check_argv("a'b c'd\"e f\"", "<ab cde f>");
	check_argv("a '' \"\"", "<a><><>");
	check_argv("a \"it's\" 'say \"x\"'", "<a><it's><say \"x\">");
	check_argv("a\\sb \\\"q\\\" \\'p\\' \\\\", "<a b><\"q\"><'p'><\\>");
	check_argv("\\x41\\102\\t\\n 'in \\x43'", "<AB\t\n><in C>");
	check_argv("\\xff\\377\\x7F", "<\xff\xff\x7f>");
	check_argv("a $HOME %i ; # x=1", "<a><$HOME><%i><;><#><x=1>");
	check_argv("größe", "<größe>");
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		char **argv = NULL;
		struct error err = {};

		check_error(parse_argv(wrong[i], &argv, &err), &err, FAULT_CONFIG, "command line");
		assert_null(argv);
	}
	parse_argv_free(NULL);
}

/* Any words come back when each is put in quotes, with " and \ escaped. */
static void quoted_words_come_back(void **state)
{
	for (int round = 0; round < 2000; round++) {
		_cleanup_(parse_argv_freep) char **argv = NULL;
		char words[4][16];
		char line[256] = "";
		char *at = line;
		size_t n = 1 + check_below(4);

		for (size_t i = 0; i < n; i++) {
			check_text(words[i], sizeof(words[i]), "ab \t'\"\\;#=$%");
			*at++ = '"';
			for (const char *c = words[i]; *c; *at++ = *c++)
				if (*c == '"' || *c == '\\')
					*at++ = '\\';
			*at++ = '"';
			*at++ = ' ';
		}
		assert_int_equal(parse_argv(line, &argv, NULL), 0);
		for (size_t i = 0; i < n; i++)
			assert_string_equal(argv[i], words[i]);
		assert_null(argv[n]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(booleans),
		cmocka_unit_test(numbers),
		cmocka_unit_test(sizes),
		cmocka_unit_test(spans),
		cmocka_unit_test(what_is_refused_is_quoted_harmlessly),
		cmocka_unit_test(app_names),
		cmocka_unit_test(command_lines),
		cmocka_unit_test(quoted_words_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
