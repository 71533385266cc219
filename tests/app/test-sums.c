/* Files as sha256sum(1) writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

/* /dev/fd/63, as a shell makes it of <(sha256sum app.tar). */
static void test_a_pipe(void **unused)
{
	static const char text[] = A "  app.tar\n";
	char name[32], got[DIGEST_HEX_MAX];
	struct digest digest;
	struct error err = {};
	int fds[2];

	(void)unused;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(write(fds[1], text, sizeof(text) - 1), sizeof(text) - 1);
	assert_int_equal(close(fds[1]), 0);
	(void)snprintf(name, sizeof(name), "/dev/fd/%d", fds[0]);
	if (sums_read(name, "app.tar", &digest, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(digest_to_hex(&digest, got), A);
	assert_int_equal(close(fds[0]), 0);
	assert_true(sums_read("/nothing/there", "app.tar", &digest, &err) < 0);
	assert_non_null(strstr(err.text, "/nothing/there: No such file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_what_is_not_there),
		cmocka_unit_test(test_two_that_differ),
		cmocka_unit_test(test_a_pipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
