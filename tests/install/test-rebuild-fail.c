/* LDFLAGS: @tests/store/calls.flags -Wl,--wrap=linkat,--wrap=futimens,--wrap=ftruncate,--wrap=pthread_create */
/*
 * Rebuilding, with each call that changes the disk failing.
 */
#include "rebuild-calls.h"

static void fail_each(struct fixture *fixture, int error)
{
	int failed = 0;

	for (int n = 1;; n++) {
		struct error err = {};
		size_t blocks;
		int r;

		restart(fixture);
		calls_begin(n, error, 0);
		r = build(fixture, &fixture->delta, &blocks, &err);
		if (calls_end() < n)
			break;
		failed += r < 0;
		if (r < 0 && !*err.text)
			fail_msg("call %d failed without a word", n);
		if (r < 0 && error == ENOSPC && err.fault != FAULT_NO_SPACE)
			fail_msg("call %d: %s", n, err.text);
		assert_int_equal(app_differences(fixture->app, SLOT_B), 0);
		assert_int_equal(build(fixture, &fixture->delta, &blocks, NULL), 0);
		check_sealed(fixture);
	}
	assert_true(failed > 50);
}

static void test_each_call_fails(void **state)
{
	_cleanup_fixture_ struct fixture fixture;

	prepare(&fixture, state);
	fail_each(&fixture, EIO);
}

static void test_a_full_disk(void **state)
{
	_cleanup_fixture_ struct fixture fixture;

	prepare(&fixture, state);
	fail_each(&fixture, ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_each_call_fails),
		check_in_dir(test_a_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
