/* What is taken out of a text, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "app/redact.h"

static void assert_becomes(const char *before, const char *after)
{
	_cleanup_(redact_freep) struct redact *redact = NULL;
	_cleanup_text_ struct text text = {};

	assert_int_equal(redact_new(&redact, NULL), 0);
	redact_add(redact, before, &text);
	assert_string_equal(text.data, after);
}

static void secrets_go(void **unused)
{
	assert_becomes("Secret=whsec_abc\n", "Secret=[removed]\n");
	assert_becomes("Proxy=http://joe:pw@proxy:3128\n", "Proxy=http://[removed]@proxy:3128\n");
	assert_becomes("Url=https://ntfy.sh/topic-nobody-guesses",
		       "Url=https://ntfy.sh/[removed]\n");
	assert_becomes("Environment=A=b \"TOKEN=c\"\n", "Environment=[removed]\n");
	assert_becomes("Command=/bin/x --api-key 12 --password=34 -v\n",
		       "Command=/bin/x --api-key [removed] --password=[removed] -v\n");
	assert_becomes("{\"access_token\": \"a b\", \"n\": 1}\n",
		       "{\"access_token\": [removed], \"n\": 1}\n");
	assert_becomes("> Authorization: Basic am9lOnB3\n", "> Authorization: [removed]\n");
	assert_becomes("DB_PASSWORD_FILE=/x MY_SECRET_KEY=k\n",
		       "DB_PASSWORD_FILE=[removed] MY_SECRET_KEY=[removed]\n");
}

static void the_rest_stays(void **unused)
{
	static const char text[] = "Unit=gateway.service\n"
				   "\n"
				   "Url=http://localhost\n"
				   "2026-11-23 12:00:00 listening on http://127.0.0.1:8080/health\n"
				   "monkey=1 keyboard=2\n";

	assert_becomes(text, text);
}

static void long_lines_are_cut(void **unused)
{
	char line[20001];
	_cleanup_(redact_freep) struct redact *redact = NULL;
	_cleanup_text_ struct text text = {};

	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	assert_int_equal(redact_new(&redact, NULL), 0);
	redact_add(redact, line, &text);
	assert_true(text.size < 8200);
	assert_string_equal(text.data + text.size - strlen(" …\n"), " …\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets_go),
		cmocka_unit_test(the_rest_stays),
		cmocka_unit_test(long_lines_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
