/* What is told of a staging, and what ends it. */
#include "deploy/watcher.h"

#include <errno.h>
#include <sys/eventfd.h>

#include "app.h"

static struct session session;
static struct watcher watcher;

static int setup(void **state)
{
	const struct state staging = { .phase = PHASE_STAGING };
	int r = app_setup(state);

	app_open(&session, &staging);
	session.working = PHASE_STAGING;
	watcher = (struct watcher){ .session = &session };
	return r;
}

static int teardown(void **state)
{
	session_close(&session);
	return check_teardown_closed(state);
}

static void a_new_step_is_told_at_once(void **state)
{
	assert_int_equal(watcher_progress(&watcher, STAGE_VERIFY, 0, 10, NULL), 0);
	assert_int_equal(watcher_progress(&watcher, STAGE_VERIFY, 1, 10, NULL), 0);
	assert_int_equal(watcher_progress(&watcher, STAGE_SCAN, 2, 10, NULL), 0);
	assert_int_equal(watcher_progress(&watcher, STAGE_SCAN, 10, 10, NULL), 0);
	assert_int_equal(app_told(EVENT_PROGRESS, ""), 3);
}

static void writing_touches_the_slot(void **state)
{
	assert_int_equal(watcher_progress(&watcher, STAGE_SCAN, 0, 10, NULL), 0);
	assert_false(watcher.touched);
	assert_int_equal(watcher_progress(&watcher, STAGE_WRITE, 0, 10, NULL), 0);
	assert_true(watcher.touched);
}

static void a_wish_to_stop_ends_it(void **state)
{
	struct error err = {};

	session.stop = true;
	assert_int_equal(watcher_progress(&watcher, STAGE_FETCH, 0, 10, &err), -ECANCELED);
}

#define watcher_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		watcher_test(a_new_step_is_told_at_once),
		watcher_test(writing_touches_the_slot),
		watcher_test(a_wish_to_stop_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
