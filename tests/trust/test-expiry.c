#include "trust/expiry.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include "../base/check.h"

static void times_are_read(void **state)
{
	static const struct {
		const char *text;
		uint64_t seconds;
	} right[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1985-10-21T01:21:00Z", 498705660 },
		{ "2024-02-29T23:59:59Z", 1709251199 },
		{ "2038-01-19T03:14:08Z", 2147483648 },
		{ "2038-01-19T03:14:08.999999999Z", 2147483648 },
		{ "9999-12-31T23:59:59Z", 253402300799 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(right); i++) {
		uint64_t usec;

		assert_int_equal(expiry_parse(right[i].text, &usec, NULL), 0);
		assert_int_equal(usec, right[i].seconds * USEC_PER_SEC);
	}
}

static void nothing_else_is_a_time(void **state)
{
	static const char *const wrong[] = {
		"",
		"Z",
		"2030-01-01",
		"2030-01-01T00:00:00",
		"2030-01-01T00:00:00z",
		"2030-01-01t00:00:00Z",
		"2030-01-01 00:00:00Z",
		"2030-01-01T00:00:00ZZ",
		"2030-01-01T00:00:00Z\n",
		" 2030-01-01T00:00:00Z",
		"2030-01-01T00:00:00.Z",
		"2030-01-01T00:00:00.5",
		"2030-01-01T00:00:00,5Z",
		"2030-01-01T00:00:00+00:00",
		"2030-1-01T00:00:00Z",
		"02030-01-01T00:00:00Z",
		"2030-00-01T00:00:00Z",
		"2030-13-01T00:00:00Z",
		"2030-01-00T00:00:00Z",
		"2030-02-30T00:00:00Z",
		"2023-02-29T00:00:00Z",
		"2030-01-01T24:00:00Z",
		"2030-01-01T00:60:00Z",
		"2030-01-01T00:00:60Z",
		"1969-12-31T23:59:59Z",
		"0000-01-01T00:00:00Z",
		"-030-01-01T00:00:00Z",
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct error err = {};
		uint64_t usec;

		check_error(expiry_parse(wrong[i], &usec, &err), &err, FAULT_CORRUPT, "not a time");
	}
}

static void what_clock_writes_is_read(void **state)
{
	for (int round = 0; round < 2000; round++) {
		uint64_t usec = (1 + check_below(253402300799)) * USEC_PER_SEC;
		char text[CLOCK_TEXT_MAX];
		uint64_t same;

		assert_int_equal(expiry_parse(clock_format(usec, text), &same, NULL), 0);
		assert_int_equal(usec, same);
	}
}

static void it_ends_at_the_very_moment(void **state)
{
	struct error err = {};

	assert_int_equal(expiry_check(1000, 999, NULL), 0);
	check_error(expiry_check(1000, 1000, &err), &err, FAULT_STALE, "expired at");
	check_error(expiry_check(2 * USEC_PER_SEC, 86400 * USEC_PER_SEC, &err), &err, FAULT_STALE,
		    "expired at 1970-01-01T00:00:02Z, and it is 1970-01-02T00:00:00Z");
}

static void floor_holds_the_clock_up(void **state)
{
	assert_int_equal(expiry_reference(EXPIRY_ENFORCE, 5, 100), 5);
	assert_int_equal(expiry_reference(EXPIRY_FLOOR, 5, 100), 100);
	assert_int_equal(expiry_reference(EXPIRY_FLOOR, 200, 100), 200);
	assert_int_equal(expiry_reference(EXPIRY_WARN, 5, 100), 100);
	assert_int_equal(expiry_reference(EXPIRY_WARN, 200, 100), 200);
	assert_string_equal(expiry_policy_name(EXPIRY_FLOOR), "floor");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_read),
		cmocka_unit_test(nothing_else_is_a_time),
		cmocka_unit_test(what_clock_writes_is_read),
		cmocka_unit_test(it_ends_at_the_very_moment),
		cmocka_unit_test(floor_holds_the_clock_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
