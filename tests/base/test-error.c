#include "base/error.h"

#include <errno.h>

#include "base/text.h"
#include "check.h"

static void every_fault_gives_a_negative_errno(void **state)
{
	for (int i = 0; i < FAULT_MAX; i++) {
		struct error err = {};

		assert_true(error_set(&err, (enum fault)i, "x %d", i) < 0);
		assert_int_equal(err.fault, i);
		assert_true(error_set(NULL, (enum fault)i, "x") < 0);
	}
}

static void errno_is_appended_and_decides_the_fault(void **state)
{
	struct error err = {};

	errno = ENOENT;
	assert_int_equal(error_errno(&err, "opening %s", "x"), -ENOENT);
	assert_string_equal(err.text, "opening x: No such file or directory");
	assert_int_equal(err.fault, FAULT_INTERNAL);
	errno = ENOSPC;
	assert_int_equal(error_errno(&err, "writing"), -ENOSPC);
	assert_int_equal(err.fault, FAULT_NO_SPACE);
	assert_int_equal(error_code(&err, -EDQUOT, "writing"), -EDQUOT);
	assert_int_equal(err.fault, FAULT_NO_SPACE);
	assert_string_equal(err.text, "writing: Disk quota exceeded");
	errno = EMLINK;
	assert_int_equal(error_errno(&err, "making x"), -EMLINK);
	assert_int_equal(err.fault, FAULT_NO_SPACE);
	assert_string_equal(err.text, "making x: Too many links: the file system takes no more "
				      "folders in this one, or names of this file");
	errno = 0;
	assert_int_equal(error_errno(&err, "x"), -EIO);
	assert_int_equal(error_code(NULL, 0, "x"), -EIO);
}

static void a_prefix_keeps_fault_and_code(void **state)
{
	struct error err = {};

	(void)error_set(&err, FAULT_STALE, "too old");
	assert_int_equal(error_prefix(&err, -7, "app %s", "web"), -7);
	assert_string_equal(err.text, "app web: too old");
	assert_int_equal(err.fault, FAULT_STALE);
	assert_int_equal(error_prefix(NULL, -7, "x"), -7);
}

/* Whoever names a URL need not think of it. */
static void no_login_gets_into_a_text(void **state)
{
	struct error err = {};

	(void)error_set(&err, FAULT_NETWORK, "%s: gone", "https://me:secret@host/blobs/x");
	assert_string_equal(err.text, "https://host/blobs/x: gone");
	(void)error_prefix(&err, -EIO, "%s", "http://me@host");
	assert_string_equal(err.text, "http://host: https://host/blobs/x: gone");
}

static void an_argument_may_be_the_text_itself(void **state)
{
	struct error err = {};

	(void)error_set(&err, FAULT_UNIT, "inner");
	(void)error_set(&err, FAULT_BUSY, "outer (%s)", err.text);
	assert_string_equal(err.text, "outer (inner)");
}

/* The cause stands at the end, so a long text is cut before it; no character is cut in two. */
static void long_texts_keep_their_cause(void **state)
{
	struct error err = {};
	char name[2 * ERROR_TEXT_MAX];

	for (size_t n = sizeof(name) - 8; n < sizeof(name) - 1; n++) {
		size_t at = 0;

		for (; at + 2 < n; at += 2)
			memcpy(name + at, "ü", 2);
		memset(name + at, 'x', n - at);
		name[n] = '\0';
		errno = EACCES;
		(void)error_errno(&err, "%s", n % 2 ? name + 1 : name);
		assert_non_null(strstr(err.text, ": Permission denied"));
		assert_true(strlen(err.text) < ERROR_TEXT_MAX);
		for (size_t i = n % 2; i < strlen(err.text);) {
			size_t size = text_utf8_char(err.text + i, strlen(err.text + i), NULL);

			assert_true(size > 0);
			i += size;
		}
		(void)error_set(&err, FAULT_UNIT, "%s", name);
		assert_int_equal(text_cut_point(err.text, ERROR_TEXT_MAX), strlen(err.text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_fault_gives_a_negative_errno),
		cmocka_unit_test(errno_is_appended_and_decides_the_fault),
		cmocka_unit_test(a_prefix_keeps_fault_and_code),
		cmocka_unit_test(no_login_gets_into_a_text),
		cmocka_unit_test(an_argument_may_be_the_text_itself),
		cmocka_unit_test(long_texts_keep_their_cause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
