#include "transfer/retry.h"

#include "kit.h"

static bool decide(unsigned int attempt, enum fetch_class class, unsigned int status,
		   uint64_t after_usec, uint64_t *ret_delay)
{
	const struct retry_failure failure = { class, status, after_usec };

	return retry_decide(&retry_default, attempt, &failure, kit_random(), ret_delay);
}

static void what_may_pass_is_tried_again_and_nothing_else(void **state)
{
	static const enum fetch_class passing[] = { FETCH_TRUNCATED, FETCH_RESOLVE, FETCH_CONNECT,
						    FETCH_RESET,     FETCH_SLOW,    FETCH_HELPER };
	uint64_t delay;

	for (enum fetch_class class = FETCH_OK; class < FETCH_CLASS_MAX; class ++) {
		bool wanted = false;

		for (size_t i = 0; i < ARRAY_SIZE(passing); i++)
			wanted = wanted || passing[i] == class;
		if (decide(1, class, 0, 0, &delay) != wanted)
			fail_msg("%s", fetch_class_name(class));
	}
}

static void of_statuses_4xx_is_final_but_three(void **state)
{
	uint64_t delay;

	for (unsigned int status = 100; status < 600; status++) {
		bool wanted = status == 408 || status == 425 || status == 429 || status == 500 ||
			      status == 502 || status == 503 || status == 504;

		if (decide(1, FETCH_STATUS, status, 0, &delay) != wanted)
			fail_msg("%u", status);
	}
}

/* Never less than half, never more than the whole, of a time that doubles up to its cap. */
static void delays_double_with_jitter_up_to_the_cap(void **state)
{
	const struct retry_policy policy = { 40, USEC_PER_SEC, 60 * USEC_PER_SEC, 0 };
	const struct retry_failure failure = { .class = FETCH_RESET };

	for (unsigned int attempt = 1; attempt < 40; attempt++) {
		uint64_t whole = attempt < 7 ? USEC_PER_SEC << (attempt - 1) : 60 * USEC_PER_SEC;
		uint64_t least = UINT64_MAX, most = 0;

		for (int i = 0; i < 1000; i++) {
			uint64_t delay;

			assert_true(retry_decide(&policy, attempt, &failure, kit_random(), &delay));
			least = delay < least ? delay : least;
			most = delay > most ? delay : most;
		}
		assert_true(least >= whole / 2 && least < whole * 6 / 10);
		assert_true(most <= whole && most > whole * 9 / 10);
	}
}

static void the_last_attempt_is_the_last(void **state)
{
	uint64_t delay;

	assert_true(decide(retry_default.attempts - 1, FETCH_RESET, 0, 0, &delay));
	assert_false(decide(retry_default.attempts, FETCH_RESET, 0, 0, &delay));
	assert_false(decide(UINT32_MAX, FETCH_RESET, 0, 0, &delay));
}

static void a_server_is_never_asked_earlier_than_it_says(void **state)
{
	for (int i = 0; i < 1000; i++) {
		uint64_t delay;

		assert_true(decide(1, FETCH_STATUS, 429, 100 * USEC_PER_SEC, &delay));
		assert_true(delay >= 100 * USEC_PER_SEC && delay <= 110 * USEC_PER_SEC);
		assert_true(decide(1, FETCH_STATUS, 503, 1, &delay));
		assert_true(delay >= USEC_PER_SEC / 2);
		assert_false(decide(1, FETCH_STATUS, 429, 301 * USEC_PER_SEC, &delay));
	}
}

static uint32_t after(const char *value)
{
	size_t size;
	_cleanup_free_ char *exact = kit_exact(value, &size);

	return retry_parse_after(exact, size, 784111717 * USEC_PER_SEC); /* a minute before those */
}

static void retry_after_is_seconds_or_a_date(void **state)
{
	assert_int_equal(after("0"), 0);
	assert_int_equal(after("120"), 120);
	assert_int_equal(after(" 7\r\n"), 7);
	assert_int_equal(after("Sun, 06 Nov 1994 08:49:37 GMT"), 60);
	assert_int_equal(after("Sunday, 06-Nov-94 08:49:37 GMT"), 60);
	assert_int_equal(after("Sun Nov  6 08:49:37 1994"), 60);
	assert_int_equal(after("Sun, 06 Nov 1994 08:48:37 GMT"), 0);
	assert_int_equal(after("Sun, 06 Nov 1970 08:48:37 GMT"), 0);
}

static void retry_after_is_capped_and_otherwise_nothing(void **state)
{
	static const char *const nothing[] = { "",
					       " ",
					       "soon",
					       "-1",
					       "1.5",
					       "12 s",
					       "0x10",
					       "Sun, 06 Nov 1994",
					       "\x80\xff",
					       "1e9",
					       "Sun, 99 Nov 1994 08:49:37 GMT",
					       "Sun, 06 Nov 1994 08:49:37 GMT and so on" };

	for (size_t i = 0; i < ARRAY_SIZE(nothing); i++)
		if (after(nothing[i]) != 0)
			fail_msg("\"%s\"", nothing[i]);
	assert_int_equal(after("86401"), RETRY_AFTER_MAX);
	assert_int_equal(after("99999999999999999999999999999999999999999"), RETRY_AFTER_MAX);
	assert_int_equal(after("Sun, 06 Nov 9994 08:49:37 GMT"), RETRY_AFTER_MAX);
	assert_int_equal(retry_parse_after("12\0x", 4, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_may_pass_is_tried_again_and_nothing_else),
		cmocka_unit_test(of_statuses_4xx_is_final_but_three),
		cmocka_unit_test(delays_double_with_jitter_up_to_the_cap),
		cmocka_unit_test(the_last_attempt_is_the_last),
		cmocka_unit_test(a_server_is_never_asked_earlier_than_it_says),
		cmocka_unit_test(retry_after_is_seconds_or_a_date),
		cmocka_unit_test(retry_after_is_capped_and_otherwise_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
