#include "base/clock.h"

#include "base/cleanup.h"
#include "base/parse.h"
#include "check.h"

static void times_are_rfc_3339_in_utc(void **state)
{
	char text[CLOCK_TEXT_MAX];

	assert_string_equal(clock_format(0, text), "never");
	assert_string_equal(clock_format(1, text), "1970-01-01T00:00:00Z");
	assert_string_equal(clock_format(1795469645 * USEC_PER_SEC + 999999, text),
			    "2026-11-23T21:34:05Z");
	assert_true(strlen(clock_format(UINT64_MAX, text)) < CLOCK_TEXT_MAX);
}

static void what_is_formatted_is_parsed_again(void **state)
{
	for (int round = 0; round < 1000; round++) {
		uint64_t usec = (1 + check_below(200000000000)) * USEC_PER_SEC;
		uint64_t back = 0;
		char text[CLOCK_TEXT_MAX];

		assert_int_equal(clock_parse(clock_format(usec, text), &back, NULL), 0);
		assert_true(back == usec);
	}
}

static void times_without_z_are_local(void **state)
{
	uint64_t usec = 0;

	assert_int_equal(setenv("TZ", "EAST-02:00", 1), 0); /* two hours east */
	tzset();
	assert_int_equal(clock_parse("2026-11-23 21:34:05", &usec, NULL), 0);
	assert_int_equal(usec / USEC_PER_SEC, 1795469645 - 7200);
	assert_int_equal(clock_parse("2026-11-23 21:34", &usec, NULL), 0);
	assert_int_equal(usec / USEC_PER_SEC, 1795469640 - 7200);
	assert_int_equal(clock_parse("2026-11-23", &usec, NULL), 0);
	assert_int_equal(usec / USEC_PER_SEC, 1795392000 - 7200);
	assert_int_equal(clock_parse("2026-11-23T21:34:05Z", &usec, NULL), 0);
	assert_int_equal(usec / USEC_PER_SEC, 1795469645);
	assert_int_equal(unsetenv("TZ"), 0);
	tzset();
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"now",
		"2026-11-23T21:34:05",
		"2026-11-23T21:34:05Z ",
		"2026-11-23 21:34:05Z",
		" 2026-11-23",
		"2026-02-30",
		"2026-13-01",
		"2026-00-01",
		"2026-11-23 24:00",
		"2026-11-23 21:60",
		"2026-11-23 21:34:61",
		"1960-01-01T00:00:00Z",
		"2026-1-1",
		"+026-11-23",
		"2026-11-23\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct error err = {};
		uint64_t usec = 42;

		check_error(clock_parse(wrong[i], &usec, &err), &err, FAULT_CONFIG, "not a time");
		assert_int_equal(usec, 42);
	}
}

static void spans_are_for_people(void **state)
{
	static const struct {
		uint64_t usec;
		const char *text;
	} spans[] = {
		{ 0, "0us" },
		{ 999, "999us" },
		{ USEC_PER_MSEC, "1ms" },
		{ 41 * USEC_PER_MSEC, "41ms" },
		{ USEC_PER_SEC, "1s" },
		{ 3299 * USEC_PER_MSEC, "3.2s" },
		{ 59999 * USEC_PER_MSEC, "59.9s" },
		{ 60 * USEC_PER_SEC, "1min" },
		{ 3600 * USEC_PER_SEC, "1h" },
		{ 86400 * USEC_PER_SEC, "1d" },
		{ 125 * 60 * USEC_PER_SEC, "2h 5min" },
		{ 90061 * USEC_PER_SEC, "1d 1h" },
		{ USEC_INFINITY, "infinity" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(spans); i++) {
		char text[CLOCK_TEXT_MAX];

		assert_string_equal(clock_format_span(spans[i].usec, text), spans[i].text);
	}
}

/* A span that is shown can be typed again, and is never more than what was. */
static void a_shown_span_can_be_parsed(void **state)
{
	for (int round = 0; round < 10000; round++) {
		uint64_t usec = check_random() >> check_below(64);
		uint64_t back = 0;
		char text[CLOCK_TEXT_MAX];

		assert_int_equal(parse_span(clock_format_span(usec, text), &back, NULL), 0);
		assert_true(back <= usec);
		assert_true(back >= usec - usec / 24 || usec - back < USEC_PER_SEC);
	}
}

static void clocks_run(void **state)
{
	static const clockid_t ids[] = { CLOCK_REALTIME, CLOCK_MONOTONIC };

	for (size_t i = 0; i < 200; i++) {
		struct timespec before;
		struct timespec after;
		uint64_t now;

		assert_int_equal(clock_gettime(ids[i % 2], &before), 0);
		now = i % 2 ? clock_monotonic_usec() : clock_realtime_usec();
		assert_int_equal(clock_gettime(ids[i % 2], &after), 0);
		assert_true((uint64_t)before.tv_sec * 1000000 + (uint64_t)before.tv_nsec / 1000 <=
			    now);
		assert_true((uint64_t)after.tv_sec * 1000000 + (uint64_t)after.tv_nsec / 1000 >=
			    now);
	}
}

static void the_boot_id_is_a_uuid_and_stays(void **state)
{
	char one[CLOCK_BOOT_ID_MAX];
	char two[CLOCK_BOOT_ID_MAX];

	assert_int_equal(clock_boot_id(one, NULL), 0);
	assert_int_equal(clock_boot_id(two, NULL), 0);
	assert_int_equal(strlen(one), 36);
	assert_string_equal(one, two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_rfc_3339_in_utc),
		cmocka_unit_test(what_is_formatted_is_parsed_again),
		cmocka_unit_test(times_without_z_are_local),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(spans_are_for_people),
		cmocka_unit_test(a_shown_span_can_be_parsed),
		cmocka_unit_test(clocks_run),
		cmocka_unit_test(the_boot_id_is_a_uuid_and_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
