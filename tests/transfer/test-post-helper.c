/* The child of post_run() by itself: orders of another form do nothing. What it does with good ones: test-post.c. */
#include "transfer/post-helper.h"

#include "kit.h"
#include "transfer/post.h"

static int output; /* what it says: a pipe */

/* As the helper, with these orders. */
static int helper(const char *orders)
{
	int in[2];

	if (pipe2(in, O_CLOEXEC) < 0 || dup2(in[0], STDIN_FILENO) < 0 ||
	    write(in[1], orders, strlen(orders)) < 0 || dup2(output, STDOUT_FILENO) < 0)
		return 99;
	return post_helper_main(); /* closes the rest */
}

static char said[512];

static int run(const char *orders)
{
	int out[2];
	ssize_t n;
	int status;

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	output = out[1];
	status = kit_in_child(helper, orders);
	(void)close(out[1]);
	n = read(out[0], said, sizeof(said) - 1);
	said[n > 0 ? n : 0] = '\0';
	(void)close(out[0]);
	return status;
}

#define GOOD "user=nobody\ntimeout=1000000\nbody=x\n"

static void test_other_forms(void **unused)
{
	static const char *const rows[] = {
		"",
		"garbage",
		GOOD, /* neither an URL nor a command */
		"user=nobody\ntimeout=1000000\nword.0=/bin/true\n",
		"user=nobody\nbody=x\nword.0=/bin/true\n",
		"timeout=1000000\nbody=x\nword.0=/bin/true\n",
		"user=nobody\ntimeout=0\nbody=x\nword.0=/bin/true\n",
		"user=nobody\ntimeout=99999999999999\nbody=x\nword.0=/bin/true\n",
		"user=nobody\ntimeout=1000000\nbody=x\nword.1=/bin/true\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(run(rows[i]), 1);
		assert_string_equal(said, "orders of another form\n");
	}
}

static void test_command(void **unused)
{
	assert_int_equal(run(GOOD "word.0=/bin/true\n"), 0);
	assert_int_equal(run(GOOD "word.0=/bin/false\n"), 1);
	assert_int_equal(run(GOOD "word.0=/nonexistent\n"), 1);
	kit_check_says(said, "executing /nonexistent: ");
	assert_int_equal(run(GOOD "word.0=/bin/sh\nword.1=-c\nword.2=exit 7\n"), 7);
}

/* Who has an URL executes nothing. */
static void test_url_comes_first(void **unused)
{
	assert_int_equal(run(GOOD "url=http://127.0.0.1:1/top\nword.0=/bin/true\n"), 1);
	kit_check_says(said, "127.0.0.1:1: ");
	assert_null(strstr(said, "/top"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_other_forms),
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_url_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
