/* Days and hours: what is accepted, when it is open, when it opens next. */
#include "base/window.h"

#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "check.h"

static struct window parsed(const char *text)
{
	struct window window;
	struct error err = {};

	if (window_parse(text, &window, &err) < 0)
		fail_msg("%s", err.text);
	return window;
}

static uint64_t at(const char *time)
{
	uint64_t usec;

	assert_int_equal(clock_parse(time, &usec, NULL), 0);
	return usec;
}

static void zone(const char *name)
{
	assert_int_equal(setenv("TZ", name, 1), 0);
	tzset();
}

static void what_is_a_window(void **unused)
{
	static const char *const bad[] = {
		"",
		";",
		"Mon;",
		"Montag",
		"25:00-26:00",
		"02:00",
		"2:00-3:00",
		"02:00-02:00",
		"02:60-03:00",
		"24:00-01:00",
		"02:00-05:00 Mon",
		"UTC",
		"Mon UTC 02:00-03:00",
		"Mon..",
		"Mon,,Tue",
		"Mon..Fri..Sun",
		"02:00-24:01",
		"*-*-* 02:00",
		"Mon Tue",
		"Mon UTC UTC",
		"Mon;Mon;Mon;Mon;Mon;Mon;Mon;Mon;Mon",
	};
	struct window window;

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error err = {};

		if (window_parse(bad[i], &window, &err) == 0)
			fail_msg("\"%s\" is accepted", bad[i]);
		assert_int_equal(err.fault, FAULT_CONFIG);
	}
	assert_int_equal(parsed("sat,SUNDAY").parts[0].days, 0x41);
	assert_int_equal(parsed("Fri..Mon").parts[0].days, 0x63);
	assert_int_equal(parsed("Mon..Tue,Sat").parts[0].days, 0x46);
	assert_int_equal(parsed("  02:00-24:00  ").parts[0].end, 24 * 60);
	assert_true(parsed("Mon 02:00-03:00 UTC").parts[0].utc);
	assert_int_equal(parsed("Mon; Tue ;Wed").n_parts, 3);
}

/* 2026-11-23 is a Monday. */
static void when_it_is_open(void **unused)
{
	static const struct {
		const char *window, *time;
		bool open;
	} rows[] = {
		{ "02:00-05:00", "2026-11-23 01:59:59", false },
		{ "02:00-05:00", "2026-11-23 02:00", true },
		{ "02:00-05:00", "2026-11-23 04:59:59", true },
		{ "02:00-05:00", "2026-11-23 05:00", false },
		{ "Mon", "2026-11-23 23:59:59", true },
		{ "Mon", "2026-11-24 00:00", false },
		{ "Tue 02:00-05:00", "2026-11-23 03:00", false },
		{ "Mon 22:00-04:00", "2026-11-23 03:59", false }, /* Sunday's night */
		{ "Mon 22:00-04:00", "2026-11-23 22:00", true },
		{ "Mon 22:00-04:00", "2026-11-24 03:59", true },
		{ "Mon 22:00-04:00", "2026-11-24 04:00", false },
		{ "Mon 22:00-04:00", "2026-11-24 22:00", false },
		{ "Sat 22:00-04:00", "2026-11-22 03:00", true },
		{ "Tue; Mon 10:00-11:00", "2026-11-23 10:30", true },
	};

	(void)unused;
	zone("UTC");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct window window = parsed(rows[i].window);

		if (window_is_open(&window, at(rows[i].time)) != rows[i].open)
			fail_msg("%s at %s", rows[i].window, rows[i].time);
	}
	assert_true(window_is_open(&(struct window){}, 1));
}

static void when_it_opens_next(void **unused)
{
	struct window window = parsed("Sun 02:00-05:00");

	(void)unused;
	zone("UTC");
	assert_int_equal(window_opens(&window, at("2026-11-23 12:34:56")), at("2026-11-29 02:00"));
	assert_int_equal(window_opens(&window, at("2026-11-29 02:30:07")),
			 at("2026-11-29 02:30:07"));
	assert_int_equal(window_opens(&window, at("2026-11-29 05:00")), at("2026-12-06 02:00"));
}

/* In the zone of the machine, over the end of summer time; UTC goes on its way. */
static void clocks_that_change(void **unused)
{
	struct window local = parsed("02:30-02:40");
	struct window utc = parsed("02:30-02:40 UTC");

	(void)unused;
	zone("CET-1CEST,M3.5.0,M10.5.0/3");
	/* 2026-03-29: there is no 02:30; the next one is a day later */
	assert_int_equal(window_opens(&local, at("2026-03-29T00:00:00Z")),
			 at("2026-03-30T00:30:00Z"));
	assert_int_equal(window_opens(&utc, at("2026-03-29T00:00:00Z")),
			 at("2026-03-29T02:30:00Z"));
	zone("UTC");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_a_window),
		cmocka_unit_test(when_it_is_open),
		cmocka_unit_test(when_it_opens_next),
		cmocka_unit_test(clocks_that_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
