/* LDFLAGS: @tests/deploy/systemd.flags -Wl,--wrap=clock_realtime_usec */
/* The wall clock jumps, to either side, while a transaction is under way: spans are measured by the clock that nobody sets. */
#include "deploy/worker.h"

#include "systemd.h"

#define YEAR_USEC (365ULL * 24 * 3600 * USEC_PER_SEC)
#define NOW	  (56ULL * YEAR_USEC) /* 2026, about */

static uint64_t realtime;

uint64_t __wrap_clock_realtime_usec(void);
uint64_t __wrap_clock_realtime_usec(void)
{
	return realtime;
}

static int setup(void **state)
{
	realtime = NOW;
	return systemd_setup(state);
}

#define clock_test(test) cmocka_unit_test_setup_teardown(test, setup, check_teardown_closed)

static void ready(void *data)
{
}

static void work(void)
{
	struct error err = {};

	if (worker_run(&app_options, &app_listener, ready, NULL, -1, &err) != 0)
		fail_msg("%s", err.text);
}

static void jump_to_and_fro(void)
{
	realtime = realtime == NOW ? NOW + 20 * YEAR_USEC : realtime > NOW ? 1 : NOW;
}

/* 1970, 2046, and back, at each wait: the window is as long as it is, and one outcome is recorded. */
static void a_watch_window_is_as_long_as_it_is(void **unused)
{
	struct state state = app_under_way(PHASE_STAGED);
	struct history_entry newest = {};
	uint64_t began = systemd.now;

	systemd.on_wait = jump_to_and_fro;
	app_store(&state);
	work();
	assert_int_equal(app_history(&newest), 1);
	assert_int_equal(newest.outcome, OUTCOME_COMMITTED);
	assert_true(systemd.now - began >= app_options.watch_usec);
	assert_true(systemd.now - began < 2 * app_options.watch_usec);
	assert_true(newest.ended == 0 || newest.ended == 1 || newest.ended >= NOW);
}

static void a_bad_release_is_rolled_back_all_the_same(void **unused)
{
	struct state state = app_under_way(PHASE_STAGED);
	struct history_entry newest = {};

	systemd.on_wait = jump_to_and_fro;
	systemd.slots[SLOT_B].dies_after_usec = 20 * USEC_PER_SEC;
	app_store(&state);
	work();
	assert_int_equal(app_history(&newest), 1);
	assert_int_equal(newest.outcome, OUTCOME_ROLLED_BACK);
	assert_int_equal(systemd.runs, SLOT_A);
}

/* The worker is started again in the same boot, the clock being elsewhere: the rest of the window, no more and no less. */
static void the_rest_of_the_window(uint64_t clock)
{
	struct state state = app_under_way(PHASE_WATCHING);
	uint64_t began = systemd.now;

	systemd_run(SLOT_B);
	(void)text_copy(systemd.invocation, state.transaction.invocation,
			sizeof(state.transaction.invocation));
	state.transaction.phase_began = NOW;
	state.transaction.phase_began_monotonic = systemd.now - app_options.watch_usec / 2;
	realtime = clock;
	app_store(&state);
	work();
	assert_int_equal(app_load().transaction.outcome, OUTCOME_COMMITTED);
	assert_in_range(systemd.now - began, app_options.watch_usec / 2 - USEC_PER_SEC,
			app_options.watch_usec / 2 + 5 * USEC_PER_SEC);
}

static void forward_in_the_window(void **unused)
{
	the_rest_of_the_window(NOW + 20 * YEAR_USEC);
}

static void backward_in_the_window(void **unused)
{
	the_rest_of_the_window(1);
}

/* `hold --until` means the calendar: a clock that is behind holds longer, which is the safe side, one that is ahead lets go. */
static void a_hold_is_by_the_calendar(void **unused)
{
	struct state state = { .hold = { .held = true, .since = NOW, .until = NOW + 3600 } };

	assert_true(state_is_held(&state, NOW));
	assert_true(state_is_held(&state, 1));
	assert_false(state_is_held(&state, NOW + YEAR_USEC));
	state.hold.until = 0;
	assert_true(state_is_held(&state, NOW + YEAR_USEC));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		clock_test(a_watch_window_is_as_long_as_it_is),
		clock_test(a_bad_release_is_rolled_back_all_the_same),
		clock_test(forward_in_the_window),
		clock_test(backward_in_the_window),
		clock_test(a_hold_is_by_the_calendar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
