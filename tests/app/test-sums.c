/* Files as sha256sum(1) writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "app/sums.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void assert_found(const char *text, const char *name, const char *hex)
{
	char got[DIGEST_HEX_MAX];
	struct digest digest;
	struct error err = {};

	if (sums_find(text, name, &digest, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(digest_to_hex(&digest, got), hex);
}

static void assert_not_found(const char *text, const char *name, const char *said)
{
	struct digest digest;
	struct error err = {};

	assert_true(sums_find(text, name, &digest, &err) < 0);
	assert_int_equal(err.fault, FAULT_CONFIG);
	if (!strstr(err.text, said))
		fail_msg("\"%s\" does not say \"%s\"", err.text, said);
}

static void test_forms(void **unused)
{
	(void)unused;
	assert_found(A "  app.tar\n", "app.tar", A);
	assert_found(A " *dist/app.tar\n", "/home/x/app.tar", A);
	assert_found(B "  other.tar\n" A "  app.tar", "app.tar", A);
	assert_found(A "\n", "any.tar", A);
	assert_found(A, "any.tar", A);
	assert_found("SHA256 (app.tar) = " A "\n", "app.tar", A);
	assert_found(A "  app.tar\r\n", "app.tar", A);
	assert_found("# a comment\n\n" A "  app.tar\n", "app.tar", A);
	assert_found(A "  app.tar\n" A "  app.tar\n", "app.tar", A);
}

static void test_what_is_not_there(void **unused)
{
	(void)unused;
	assert_not_found("", "app.tar", "no SHA-256 for app.tar");
	assert_not_found(A "  other.tar\n", "app.tar", "no SHA-256");
	assert_not_found(A "a  app.tar\n", "app.tar", "no SHA-256");
	assert_not_found("SHA256 (app.tar) = 12\n", "app.tar", "no SHA-256");
	assert_not_found("SHA256 (app.tar = " A "\n", "app.tar", "no SHA-256");
	assert_not_found("SHA256 (" A, "app.tar", "no SHA-256");
}

static void test_two_that_differ(void **unused)
{
	(void)unused;
	assert_not_found(A "  app.tar\n" B "  app.tar\n", "app.tar", "two different");
	assert_not_found(A "\n" B "\n", "app.tar", "two different");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_what_is_not_there),
		cmocka_unit_test(test_two_that_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
