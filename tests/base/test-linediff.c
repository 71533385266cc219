/* The lines in which two texts differ. */
#include "base/linediff.h"

#include "check.h"

static char told[4096];

static void take(void *data, char sign, const char *line, size_t size)
{
	size_t at = strlen(told);

	(void)data;
	(void)snprintf(told + at, sizeof(told) - at, "%c%.*s|", sign, (int)size, line);
}

static const char *diff(const char *a, const char *b)
{
	told[0] = '\0';
	assert_int_equal(linediff_tell(a, b, take, NULL, NULL), 0);
	return told;
}

static void only_what_differs(void **unused)
{
	(void)unused;
	assert_string_equal(diff("a\nb\nc\n", "a\nb\nc\n"), "");
	assert_string_equal(diff("a\nb\nc\n", "a\nx\nc\n"), "-b|+x|");
	assert_string_equal(diff("a\nc\n", "a\nb\nc\n"), "+b|");
	assert_string_equal(diff("a\nb\nc\n", "a\nc\n"), "-b|");
	assert_string_equal(diff("", "a\n"), "+a|");
	assert_string_equal(diff("a", ""), "-a|");
	assert_string_equal(diff("a\n\nb", "a\nb"), "-|");
	assert_string_equal(diff("1\n2\n3\n4\n", "0\n2\n4\n5\n"), "-1|+0|-3|+5|");
}

/* From what is told and the old text the new one can be made: lines taken out and put in are all that changed. */
static void the_count_is_right(void **unused)
{
	char old_text[400], new_text[400];
	int lines, signs;

	(void)unused;
	for (unsigned int run = 0; run < 200; run++) {
		size_t n = check_random() % 60, m = check_random() % 60;

		for (size_t i = 0; i < n; i++)
			(void)snprintf(old_text + 2 * i, 3, "%c\n",
				       (char)('a' + check_random() % 3));
		for (size_t i = 0; i < m; i++)
			(void)snprintf(new_text + 2 * i, 3, "%c\n",
				       (char)('a' + check_random() % 3));
		old_text[2 * n] = '\0';
		new_text[2 * m] = '\0';
		(void)diff(old_text, new_text);
		lines = (int)m - (int)n;
		signs = 0;
		for (const char *at = told; *at; at += 3)
			signs += *at == '+' ? 1 : -1;
		assert_int_equal(signs, lines);
	}
}

static void too_long_is_said(void **unused)
{
	char text[2 * LINEDIFF_LINES_MAX + 3];

	(void)unused;
	for (size_t i = 0; i <= LINEDIFF_LINES_MAX; i++)
		(void)memcpy(text + 2 * i, "x\n", 3);
	told[0] = '\0';
	assert_int_equal(linediff_tell(text, "", take, NULL, NULL), LINEDIFF_TOO_LONG);
	assert_string_equal(told, "");
	text[2 * LINEDIFF_LINES_MAX] = '\0';
	assert_int_equal(linediff_tell(text, text, take, NULL, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_differs),
		cmocka_unit_test(the_count_is_right),
		cmocka_unit_test(too_long_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
