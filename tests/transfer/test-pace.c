#include "transfer/pace.h"

#include "kit.h"

#define WINDOW (30 * USEC_PER_SEC)

static void a_window_without_enough_is_slow(void **state)
{
	struct pace pace;

	pace_reset(&pace, 1000);
	assert_false(pace_is_slow(&pace, 1000 + WINDOW - 1, 100, WINDOW));
	pace_count(&pace, 99);
	assert_true(pace_is_slow(&pace, 1000 + WINDOW, 100, WINDOW));
	pace_count(&pace, 1);
	assert_false(pace_is_slow(&pace, 1000 + WINDOW, 100, WINDOW));
}

/* Bytes of one window do not count in the next. */
static void each_window_counts_for_itself(void **state)
{
	struct pace pace;

	pace_reset(&pace, 0);
	pace_count(&pace, 1000000);
	assert_false(pace_is_slow(&pace, WINDOW, 100, WINDOW));
	assert_false(pace_is_slow(&pace, 2 * WINDOW - 1, 100, WINDOW));
	assert_true(pace_is_slow(&pace, 2 * WINDOW, 100, WINDOW));
	pace_reset(&pace, 5 * WINDOW);
	assert_false(pace_is_slow(&pace, 6 * WINDOW - 1, 100, WINDOW));
}

/* As a transfer would: takes chunks whenever it may, and waits otherwise. */
static uint64_t bytes_in(uint64_t rate, uint64_t usec, uint64_t chunk)
{
	struct pace_limit limit;
	uint64_t now = 12345, begin = now, bytes = 0;

	pace_limit_init(&limit, rate, now);
	while (now < begin + usec) {
		uint64_t wait = pace_limit_wait(&limit, now);

		if (wait == 0) {
			pace_limit_take(&limit, chunk);
			bytes += chunk;
			wait = 10;
		}
		now += wait;
	}
	return bytes;
}

static void a_limit_is_kept_and_used(void **state)
{
	static const uint64_t rates[] = { 1000, 50000, 1000000, 99999999 };

	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		uint64_t wanted = rates[i] * 100;
		uint64_t got = bytes_in(rates[i], 100 * USEC_PER_SEC, 16384);

		assert_true(got <= wanted + rates[i] / 8 + 2 * 16384);
		assert_true(got >= wanted * 99 / 100);
	}
}

static void no_limit_never_waits(void **state)
{
	struct pace_limit limit;

	pace_limit_init(&limit, 0, 5);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(pace_limit_wait(&limit, 5), 0);
		pace_limit_take(&limit, UINT32_MAX);
	}
}

/* A long pause does not save up more than a moment's worth. */
static void what_was_not_used_is_lost(void **state)
{
	struct pace_limit limit;
	uint64_t bytes = 0;

	pace_limit_init(&limit, 8000, 0);
	while (pace_limit_wait(&limit, 3600 * USEC_PER_SEC) == 0) {
		pace_limit_take(&limit, 100);
		bytes += 100;
	}
	assert_true(bytes <= 1200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_without_enough_is_slow),
		cmocka_unit_test(each_window_counts_for_itself),
		cmocka_unit_test(a_limit_is_kept_and_used),
		cmocka_unit_test(no_limit_never_waits),
		cmocka_unit_test(what_was_not_used_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
