/* LDFLAGS: @tests/store/calls.flags -Wl,--wrap=linkat,--wrap=futimens,--wrap=ftruncate,--wrap=pthread_create */
/*
 * Rebuilding, killed before each call that changes the disk; and the order of the calls.
 */
#include "rebuild-calls.h"

/* Whatever the disk is like: the next try asks for no more than the one before it would have. */
static void kill_before_each_call(struct fixture *fixture)
{
	size_t blocks = SIZE_MAX;
	int n = 0;
	bool killed;

	do {
		size_t before = blocks;
		struct error err = {};

		restart(fixture);
		killed = calls_killed(++n, act, fixture);
		assert_int_equal(app_differences(fixture->app, SLOT_B), 0);
		if (build(fixture, &fixture->delta, &blocks, &err) != 0)
			fail_msg("killed before call %d: %s", n, err.text);
		check_sealed(fixture);
		if (blocks > before)
			fail_msg(
				"killed before call %d: %zu blocks, and %zu before the call before",
				n, blocks, before);
	} while (killed);
	assert_int_equal(blocks, 0);
	print_message("%d calls\n", n);
	assert_true(n > 60);
}

static void test_killed_before_each_call(void **state)
{
	_cleanup_fixture_ struct fixture fixture;

	prepare(&fixture, state);
	kill_before_each_call(&fixture);
}

static void test_killed_without_tmpfile(void **state)
{
	_cleanup_fixture_ struct fixture fixture;

	prepare(&fixture, state);
	calls.no_tmpfile = true;
	kill_before_each_call(&fixture);
	calls.no_tmpfile = false;
}

/* The number of the first call of that name. */
static int find_call(const char *name)
{
	int n = 1;

	for (const char *at = calls.log; strncmp(at, name, strlen(name)) != 0; at++) {
		at = strchr(at, ' ');
		assert_non_null(at);
		n++;
	}
	return n;
}

/* The seal is gone durably before anything else changes; it comes back after all is synced. */
static void test_order(void **state)
{
	static const char end[] = "write fchmod fsync renameat fsync ";
	const char *next;
	_cleanup_fixture_ struct fixture fixture;
	int removed;

	prepare(&fixture, state);
	calls_begin(0, 0, 0);
	assert_int_equal(act(&fixture), 0);
	(void)calls_end();
	assert_true(strlen(calls.log) + 1 < sizeof(calls.log));
	next = strstr(calls.log, "syncfs ");
	assert_non_null(next);
	next += strlen("syncfs ");
	while (strncmp(next, "openat ", 7) == 0) /* the look at the tree, meanwhile */
		next += 7;
	assert_string_equal(next, end);
	removed = find_call("unlinkat ");
	assert_int_equal(find_call("fsync "), removed + 1);
	restart(&fixture);
	assert_true(calls_killed(removed, act, &fixture));
	assert_true(app_is_sealed(fixture.app, SLOT_A));
	assert_int_equal(app_differences(fixture.app, SLOT_A), 0);
	assert_true(calls_killed(removed + 2, act, &fixture));
	assert_false(app_is_sealed(fixture.app, SLOT_A));
	shell(fixture.top, "diff -r --no-dereference kept/a app/slots/a; test ! -e app/staging");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_killed_before_each_call),
		check_in_dir(test_killed_without_tmpfile),
		check_in_dir(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
