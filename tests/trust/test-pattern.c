#include "trust/pattern.h"

#include <time.h>

#include "base/cleanup.h"

#include "../base/check.h"

static const struct {
	const char *pattern;
	const char *path;
	bool matches;
} cases[] = {
	/* the examples of the specification */
	{ "targets/*.tgz", "targets/foo.tgz", true },
	{ "targets/*.tgz", "targets/foo.txt", false },
	{ "foo-version-?.tgz", "foo-version-2.tgz", true },
	{ "foo-version-?.tgz", "foo-version-alpha.tgz", false },
	{ "*.tgz", "foo.tgz", true },
	{ "*.tgz", "targets/foo.tgz", false },
	{ "foo.tgz", "foo.tgz", true },
	{ "foo.tgz", "foo.tgz ", false },
	/* ends and beginnings */
	{ "", "", true },
	{ "", "a", false },
	{ "a", "", false },
	{ "*", "", true },
	{ "**", "", true },
	{ "?", "", false },
	{ "*", "a/b", false },
	{ "*/*", "a/b", true },
	{ "*/*", "/", true },
	{ "*/*", "a/b/c", false },
	{ "**", "a/b", false },
	{ "?", "/", false },
	{ "a?b", "a/b", false },
	{ "a*b", "a/b", false },
	{ "/*", "/a", true },
	{ "*", ".hidden", true },
	{ "A", "a", false },
	/* more than one star */
	{ "*a*b*c", "xaxbxc", true },
	{ "*a*b*c", "xaxcxb", false },
	{ "*ab", "aab", true },
	{ "*ab*", "aaabaa", true },
	{ "a*/b*c/*d", "ax/bxxc/d", true },
	{ "a*/b*c/*d", "ax/bx/c/d", false },
	/* sets */
	{ "[abc]", "b", true },
	{ "[abc]", "d", false },
	{ "[a-c]x", "bx", true },
	{ "[!a-c]x", "bx", false },
	{ "[!a-c]x", "dx", true },
	{ "[]]", "]", true },
	{ "[!]]", "]", false },
	{ "[!]]", "x", true },
	{ "[a-]", "-", true },
	{ "[-a]", "-", true },
	{ "[\\]]", "]", true },
	{ "a[/]b", "a/b", false },
	{ "a[!x]b", "a/b", false },
	{ "a[.-0]b", "a/b", false },
	{ "[", "[", false },
	{ "[a", "[a", false },
	{ "[]", "[]", false },
	{ "*[0-9].bin", "file7.bin", true },
	{ "*[0-9].bin", "file.bin", false },
	/* quoting */
	{ "\\*", "*", true },
	{ "\\*", "a", false },
	{ "\\?", "a", false },
	{ "\\[a]", "[a]", true },
	{ "a\\", "a\\", true },
	/* characters, not bytes */
	{ "?", "\xc3\xa9", true },
	{ "[\xc3\xa0-\xc3\xaf]", "\xc3\xa9", true },
	{ "*\xa9", "\xc3\xa9", false },
	{ "\xff", "\xff", true },
	{ "?", "\xff", true },
};

static void patterns_match_what_they_should(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (pattern_match(cases[i].pattern, cases[i].path) != cases[i].matches)
			fail_msg("\"%s\" and \"%s\"", cases[i].pattern, cases[i].path);
}

/* The same in the plainest way, without sets and quotes. */
static bool plain_match(const char *pattern, const char *path)
{
	if (*pattern == '\0')
		return *path == '\0';
	if (*pattern == '*')
		return plain_match(pattern + 1, path) ||
		       (*path && *path != '/' && plain_match(pattern, path + 1));
	if (*path == '\0' || (*pattern == '?' ? *path == '/' : *path != *pattern))
		return false;
	return plain_match(pattern + 1, path + 1);
}

static void it_agrees_with_the_plainest_way(void **state)
{
	int matched = 0;

	for (int round = 0; round < 300000; round++) {
		char pattern[8];
		char path[9];
		bool plain;

		check_text(pattern, sizeof(pattern), "ab/**?");
		check_text(path, sizeof(path), "ab/");
		plain = plain_match(pattern, path);
		matched += plain;
		if (pattern_match(pattern, path) != plain)
			fail_msg("\"%s\" and \"%s\"", pattern, path);
	}
	assert_true(matched > 1000);
}

/* Patterns on which matchers that try everything take forever. */
static void no_pattern_takes_long(void **state)
{
	static const char *const pieces[] = { "*a", "*?", "*[a]", "*[!b]", "[", "*[", "[a-", "\\" };
	struct timespec limit;
	struct timespec now;
	char path[300];

	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	(void)clock_gettime(CLOCK_MONOTONIC, &limit);
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		char pattern[8000];
		size_t size = 0;

		while (size + strlen(pieces[i]) + 2 < sizeof(pattern))
			for (const char *c = pieces[i]; *c; c++)
				pattern[size++] = *c;
		pattern[size] = 'b';
		pattern[size + 1] = '\0';
		assert_false(pattern_match(pattern, path));
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	assert_true(now.tv_sec - limit.tv_sec < 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match_what_they_should),
		cmocka_unit_test(it_agrees_with_the_plainest_way),
		cmocka_unit_test(no_pattern_takes_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
