/* Bytes of a day. */
#include "deploy/allowance.h"

#include <errno.h>
#include <time.h>

#include "app.h"

static struct session session;
static struct watcher watcher;

static int setup(void **state)
{
	const struct state staging = { .phase = PHASE_STAGING };
	int r = app_setup(state);

	app_options.source.max_bytes_per_day = 1000;
	app_open(&session, &staging);
	watcher = (struct watcher){ .session = &session };
	return r;
}

static int teardown(void **state)
{
	session_close(&session);
	return check_teardown_closed(state);
}

static void a_day_ends_at_midnight_here(void **state)
{
	const uint64_t noon = 1700049600ULL * USEC_PER_SEC; /* 2023-11-15 12:00 UTC */
	const uint64_t hour = 3600 * USEC_PER_SEC;

	assert_int_equal(setenv("TZ", "UTC", 1), 0);
	tzset();
	assert_int_equal(allowance_day(noon + 11 * hour), allowance_day(noon));
	assert_int_equal(allowance_day(noon + 12 * hour), allowance_day(noon) + 1);
	assert_int_equal(setenv("TZ", "UTC-5", 1), 0); /* five hours ahead */
	tzset();
	assert_int_equal(allowance_day(noon + 6 * hour), allowance_day(noon));
	assert_int_equal(allowance_day(noon + 7 * hour), allowance_day(noon) + 1);
	assert_int_equal(unsetenv("TZ"), 0);
	tzset();
}

static void what_is_used_up_is_said_and_stays_so(void **state)
{
	struct checked checked;

	assert_int_equal(allowance_left(&session), 1000);
	assert_int_equal(allowance_take(&watcher, 600, NULL), 0);
	assert_int_equal(allowance_clip(&session, 4096), 400);
	assert_int_equal(allowance_ask(&watcher, NULL), 0);
	assert_int_equal(allowance_take(&watcher, 400, NULL), -EDQUOT);
	assert_true(watcher.exhausted);
	assert_int_equal(watcher.fetched, 1000);
	assert_int_equal(checked_load(check_fd, &checked, NULL), 0);
	assert_int_equal(checked.day_bytes, 1000);
	assert_int_equal(allowance_ask(&watcher, NULL), -EDQUOT);
	assert_int_equal(allowance_clip(&session, 4096), 1);
	assert_int_equal(allowance_range(&session, 1ULL << 40), 1);
}

static void another_day_begins_anew(void **state)
{
	assert_int_equal(allowance_take(&watcher, 1000, NULL), -EDQUOT);
	session.checked.day--;
	assert_int_equal(allowance_left(&session), 1000);
	assert_int_equal(allowance_take(&watcher, 10, NULL), 0);
	assert_int_equal(session.checked.day_bytes, 10);
}

static void without_a_limit_it_is_only_counted(void **state)
{
	app_options.source.max_bytes_per_day = 0;
	assert_int_equal(allowance_take(&watcher, 1ULL << 40, NULL), 0);
	assert_int_equal(allowance_left(&session), UINT64_MAX);
	assert_int_equal(allowance_settle(&watcher, NULL), 0);
	assert_int_equal(session.checked.day_bytes, 1ULL << 40);
}

static void what_comes_at_once_must_fit_into_a_day(void **state)
{
	struct error err = {};

	assert_int_equal(allowance_ask_whole(&watcher, 1000, NULL), 0);
	assert_int_equal(allowance_ask_whole(&watcher, 1001, NULL), ALLOWANCE_NEVER);
	assert_false(watcher.exhausted);
	check_error(allowance_require_whole(&watcher, 1001, &err), &err, FAULT_CONFIG,
		    "MaxBytesPerDay=, which is 1000");
	assert_int_equal(allowance_take(&watcher, 10, NULL), 0);
	assert_int_equal(allowance_ask_whole(&watcher, 1000, NULL), -EDQUOT);
	assert_true(watcher.exhausted);
	app_options.source.max_bytes_per_day = 0;
	assert_int_equal(allowance_ask_whole(&watcher, UINT64_MAX, NULL), 0);
}

#define allowance_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		allowance_test(a_day_ends_at_midnight_here),
		allowance_test(what_is_used_up_is_said_and_stays_so),
		allowance_test(another_day_begins_anew),
		allowance_test(without_a_limit_it_is_only_counted),
		allowance_test(what_comes_at_once_must_fit_into_a_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
