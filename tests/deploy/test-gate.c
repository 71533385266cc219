/* LDFLAGS: @tests/deploy/systemd.flags */
/* When a switch may happen: the window, and who holds it off. */
#include "deploy/gate.h"

#include <time.h>

#include "deploy/switching.h"
#include "systemd.h"
#include "unit/inhibitor.h"

static struct session session;
static int lock_fd = -1;

static void open_staged(void)
{
	struct state state = app_under_way(PHASE_STAGED);

	app_options.max_inhibit_usec = 600 * USEC_PER_SEC;
	app_open(&session, &state);
	session.working = PHASE_STAGED;
}

static int pass(void)
{
	struct error err = {};
	int r = gate_pass(&session, &err);

	if (r < 0)
		fail_msg("%s", err.text);
	return r;
}

/* A window of an hour that opens in three hours, or has been open for half an hour. */
static void set_window(int hours)
{
	time_t now = (time_t)(clock_realtime_usec() / USEC_PER_SEC) + hours * 3600 - 1800;
	struct tm tm;
	int begin;

	(void)gmtime_r(&now, &tm);
	begin = tm.tm_hour * 60 + tm.tm_min;
	app_options.window = (struct window){
		.parts = { { 0x7f, (uint16_t)begin, (uint16_t)((begin + 60) % 1440), true } },
		.n_parts = 1,
	};
}

static void let_go(void)
{
	if (systemd.waits == 20)
		cleanup_close(&lock_fd);
}

static void without_any_of_it_it_goes(void **unused)
{
	open_staged();
	assert_int_equal(pass(), 0);
	session_close(&session);
	assert_string_equal(systemd.timer, "");
}

static void an_open_window_lets_it_pass(void **unused)
{
	set_window(0);
	open_staged();
	assert_int_equal(pass(), 0);
	session_close(&session);
}

static void a_shut_window_leaves_a_timer_and_no_worker(void **unused)
{
	set_window(3);
	open_staged();
	session.state.transaction.attempts = 7;
	assert_int_equal(pass(), GATE_SHUT);
	assert_true(session.stop);
	session_close(&session);
	assert_string_equal(systemd.timer, "flipslot-window-gw: flipslot@gw.service");
	assert_true(systemd.wakes > clock_realtime_usec() + 2 * 3600 * USEC_PER_SEC);
	assert_true(systemd.wakes < clock_realtime_usec() + 3 * 3600 * USEC_PER_SEC);
	assert_int_equal(app_load().phase, PHASE_STAGED);
	assert_int_equal(app_load().transaction.attempts, 0); /* waiting is no failure */
	assert_non_null(strstr(app_load().transaction.reason, "waits for Window="));
}

static void what_does_not_wait(void **unused)
{
	set_window(3);
	assert_int_equal(inhibitor_hold(check_path, &lock_fd, NULL), 0);
	open_staged();
	session.state.transaction.now = true;
	assert_int_equal(pass(), 0);
	session.state.transaction.now = false;
	session.state.transaction.verb = VERB_ROLLBACK;
	assert_int_equal(pass(), 0);
	session.state.transaction.verb = VERB_INSTALL;
	session.state.transaction.origin = SLOT_NONE;
	assert_int_equal(pass(), 0);
	session_close(&session);
	cleanup_close(&lock_fd);
}

static void who_holds_it_off_is_waited_for(void **unused)
{
	assert_int_equal(inhibitor_hold(check_path, &lock_fd, NULL), 0);
	systemd.on_wait = let_go;
	open_staged();
	assert_int_equal(pass(), 0);
	session_close(&session);
	assert_true(systemd.waits >= 20);
	assert_int_equal(app_told(EVENT_NOTE, "held off for at most 10min"), 1);
	assert_int_equal(app_told(EVENT_WARNING, ""), 0);
}

/* It is bounded, also over the workers' ends. */
static void but_not_for_ever(void **unused)
{
	assert_int_equal(inhibitor_hold(check_path, &lock_fd, NULL), 0);
	open_staged();
	assert_int_equal(pass(), 0);
	assert_in_range(systemd.waits, 600, 602);
	assert_int_equal(app_told(EVENT_WARNING, "MaxInhibit="), 1);
	assert_int_equal(pass(), 0);
	assert_in_range(systemd.waits, 600, 602);
	session_close(&session);
	cleanup_close(&lock_fd);
}

static void a_stop_is_heard_while_waiting(void **unused)
{
	assert_int_equal(inhibitor_hold(check_path, &lock_fd, NULL), 0);
	open_staged();
	session.stop = true;
	assert_int_equal(pass(), GATE_SHUT);
	session_close(&session);
	cleanup_close(&lock_fd);
	assert_true(systemd.waits < 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		systemd_test(without_any_of_it_it_goes),
		systemd_test(an_open_window_lets_it_pass),
		systemd_test(a_shut_window_leaves_a_timer_and_no_worker),
		systemd_test(what_does_not_wait),
		systemd_test(who_holds_it_off_is_waited_for),
		systemd_test(but_not_for_ever),
		systemd_test(a_stop_is_heard_while_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
