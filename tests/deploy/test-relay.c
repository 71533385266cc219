/* Words from another thread. */
#include "deploy/relay.h"

#include <errno.h>

#include "app.h"

static struct session session;
static struct watcher watcher;
static struct relay relay;
static struct rebuild_listener listener;

static int setup(void **state)
{
	const struct state staging = { .phase = PHASE_STAGING };
	int r = app_setup(state);

	app_open(&session, &staging);
	session.working = PHASE_STAGING;
	watcher = (struct watcher){ .session = &session };
	relay_init(&relay, &watcher);
	listener = relay_listener(&relay);
	return r;
}

static int teardown(void **state)
{
	relay_done(&relay);
	session_close(&session);
	return check_teardown_closed(state);
}

static void *tell(void *data)
{
	static int result;

	result = listener.stage.progress(listener.stage.data, STAGE_CLONE, 1, 10, NULL);
	listener.tampered(listener.data, "a/b", "content differs");
	return &result;
}

static int tell_elsewhere(void)
{
	pthread_t thread;
	void *result;

	assert_int_equal(pthread_create(&thread, NULL, tell, NULL), 0);
	assert_int_equal(pthread_join(thread, &result), 0);
	return *(int *)result;
}

static void at_home_it_is_told_at_once(void **state)
{
	assert_int_equal(listener.stage.progress(listener.stage.data, STAGE_SYNC, 0, 1, NULL), 0);
	assert_int_equal(app_told(EVENT_PROGRESS, ""), 1);
}

static void from_elsewhere_when_it_is_shown(void **state)
{
	assert_int_equal(tell_elsewhere(), 0);
	assert_int_equal(app_n_heard, 0);
	assert_int_equal(relay_show(&relay, NULL), 0);
	assert_int_equal(app_told(EVENT_PROGRESS, ""), 1);
	assert_int_equal(app_told(EVENT_WARNING, "was changed: a/b: content differs"), 1);
	assert_int_equal(relay_show(&relay, NULL), 0);
	assert_int_equal(app_n_heard, 2); /* each once */
}

static void many_files_are_not_all_named(void **state)
{
	for (int i = 0; i < RELAY_TAMPERED_MAX + 3; i++)
		(void)tell_elsewhere();
	assert_int_equal(relay_show(&relay, NULL), 0);
	assert_int_equal(app_told(EVENT_WARNING, "was changed: a/b"), RELAY_TAMPERED_MAX);
	assert_int_equal(app_told(EVENT_WARNING, "more files"), 1);
}

static void whoever_is_stopped_hears_it(void **state)
{
	relay_stop(&relay);
	assert_int_equal(tell_elsewhere(), -ECANCELED);
}

#define relay_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		relay_test(at_home_it_is_told_at_once),
		relay_test(from_elsewhere_when_it_is_shown),
		relay_test(many_files_are_not_all_named),
		relay_test(whoever_is_stopped_hears_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
