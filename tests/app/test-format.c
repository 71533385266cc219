/* Figures and tables for people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/format.h"
#include "base/clock.h"

static void test_size(void **unused)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{ 0, "0 B" },
		{ 17, "17 B" },
		{ 999, "999 B" },
		{ 1000, "1.0 kB" },
		{ 3449, "3.4 kB" },
		{ 99949, "99.9 kB" },
		{ 99950, "100 kB" },
		{ 999499, "999 kB" },
		{ 999500, "1.0 MB" },
		{ 218000000, "218 MB" },
		{ UINT64_MAX, "18.4 EB" },
	};
	char text[FORMAT_MAX];

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(format_size(rows[i].bytes, text), rows[i].text);
}

static void test_ago(void **unused)
{
	const uint64_t now = 1000000 * USEC_PER_SEC;
	char text[FORMAT_MAX];

	(void)unused;
	assert_string_equal(format_ago(0, now, text), "never");
	assert_string_equal(format_ago(now - USEC_PER_SEC / 2, now, text), "just now");
	assert_string_equal(format_ago(now - 303 * USEC_PER_SEC, now, text), "5min 3s ago");
	assert_string_equal(format_ago(now + 7200 * USEC_PER_SEC, now, text), "in 2h");
}

static void test_width_counts_characters(void **unused)
{
	(void)unused;
	assert_int_equal(format_width(""), 0);
	assert_int_equal(format_width("añb…"), 4);
}

static void test_table_is_aligned(void **unused)
{
	_cleanup_(format_table_freep) struct format_table *table = NULL;
	_cleanup_free_ char *printed = NULL;
	size_t size;
	FILE *out = open_memstream(&printed, &size);

	(void)unused;
	assert_non_null(out);
	assert_int_equal(format_table_new(3, &table, NULL), 0);
	format_table_add(table, (const char *[]){ "A", "LONG", "LAST" });
	assert_int_equal(format_table_print(table, out, NULL), 0);
	assert_int_equal(ftell(out), 0); /* nothing but the head: nothing */
	format_table_add(table, (const char *[]){ "é…é", "x", "end" });
	assert_int_equal(format_table_print(table, out, NULL), 0);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(printed, "A    LONG  LAST\n"
				     "é…é  x     end\n");
}

static char *wrapped(const char *text, size_t at, size_t indent, size_t width)
{
	char *printed = NULL;
	size_t size;
	FILE *out = open_memstream(&printed, &size);

	assert_non_null(out);
	format_wrapped(out, text, at, indent, width);
	assert_int_equal(fclose(out), 0);
	return printed;
}

static void lines_are_broken_between_words(void **unused)
{
	static const struct {
		const char *text;
		size_t at, indent, width;
		const char *wanted;
	} cases[] = {
		{ "one two  three four five six", 0, 2, 0, "one two  three four five six" },
		{ "one two  three four five six", 0, 2, 24, "one two  three four five\n  six" },
		{ "one two  three four five six", 0, 2, 25, "one two  three four five\n  six" },
		{ "é…é two  three four five six", 0, 2, 24, "é…é two  three four five\n  six" },
		{ "one two", 20, 4, 26, "one\n    two" },
		{ "averylongwordthatdoesnotfitintoaline x", 0, 2, 25,
		  "averylongwordthatdoesnotfitintoaline\n  x" },
		{ "where there is no room nothing is broken", 0, 30, 40,
		  "where there is no room nothing is broken" },
	};

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *got =
			wrapped(cases[i].text, cases[i].at, cases[i].indent, cases[i].width);

		assert_string_equal(got, cases[i].wanted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_ago),
		cmocka_unit_test(test_width_counts_characters),
		cmocka_unit_test(test_table_is_aligned),
		cmocka_unit_test(lines_are_broken_between_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
