/* LDFLAGS: @tests/deploy/systemd.flags -Wl,--wrap=seal_peek */
/* Whole runs of the worker on a machine that is played. */
#include "deploy/worker.h"

#include <errno.h>
#include <sys/eventfd.h>

#include "install/seal.h"
#include "store/lock.h"
#include "store/request.h"
#include "systemd.h"

static unsigned int n_ready;
static int stop_fd = -1;
static unsigned int n_peeks,
	peek_fails; /* which look at a seal the disk answers with an error; 0: none */

int __real_seal_peek(int dirfd, enum slot slot, struct descriptor *ret_descriptor,
		     struct error *err);
int __wrap_seal_peek(int dirfd, enum slot slot, struct descriptor *ret_descriptor,
		     struct error *err);

int __wrap_seal_peek(int dirfd, enum slot slot, struct descriptor *ret_descriptor,
		     struct error *err)
{
	if (++n_peeks != peek_fails)
		return __real_seal_peek(dirfd, slot, ret_descriptor, err);
	errno = EIO;
	return error_errno(err, "reading a seal");
}

static void ready(void *data)
{
	n_ready++;
}

static int work(void)
{
	struct error err = {};
	int r;

	n_ready = 0;
	r = worker_run(&app_options, &app_listener, ready, NULL, stop_fd, &err);
	if (r < 0)
		fail_msg("%s", err.text);
	return r;
}

static void ask(enum verb verb)
{
	struct request request = { .verb = verb, .id = "id-2", .who = "tester" };

	request.slot = SLOT_NONE;
	assert_int_equal(clock_boot_id(request.boot_id, NULL), 0);
	request.expires = systemd.now + 10 * USEC_PER_SEC;
	assert_int_equal(request_store(check_fd, &request, NULL), 0);
}

static void another_worker_is_not_disturbed(void **unused)
{
	struct state state = app_under_way(PHASE_TRIAL);
	_cleanup_close_ int fd = -1;

	app_store(&state);
	assert_int_equal(lock_take(check_fd, LAYOUT_LOCK, &fd, NULL), 0);
	assert_int_equal(work(), WORKER_BUSY);
	assert_int_equal(n_ready, 0);
	assert_int_equal(app_load().transaction.attempts, 0);
}

static void nothing_to_do_is_said_and_left(void **unused)
{
	struct state state = app_under_way(PHASE_IDLE);

	app_store(&state);
	assert_int_equal(work(), 0);
	assert_int_equal(n_ready, 1);
	assert_int_equal(app_n_heard, 0);
	assert_string_equal(systemd.jobs, "");
}

static void an_unrecorded_outcome_is_recorded_once(void **unused)
{
	struct state state = app_under_way(PHASE_IDLE);
	struct history_entry newest = {};

	state.transaction.outcome = OUTCOME_COMMITTED;
	app_store(&state);
	assert_int_equal(work(), 0);
	assert_int_equal(work(), 0);
	assert_int_equal(app_history(&newest), 1);
	assert_int_equal(app_told(EVENT_OUTCOME, ""), 1);
}

/* What the timer starts is a worker that nobody asked anything. */
static void after_both_bad_a_tick_starts_the_unit_again(void **unused)
{
	struct state state = app_under_way(PHASE_IDLE);

	state.transaction.outcome = OUTCOME_BOTH_BAD;
	state.transaction.recorded = true;
	app_store(&state);
	systemd_set("failed", "failed");
	assert_int_equal(work(), 0);
	assert_string_equal(systemd.jobs, "start a, ");
	assert_int_equal(app_told(EVENT_WARNING, "found down and started again (done)"), 1);
	assert_int_equal(work(), 0);
	assert_string_equal(systemd.jobs, "start a, "); /* it runs */
}

/* Nothing is under way, 9.9 is known good and in no slot, and 1.0 is what can be gone back to. */
static struct state known_good_is_gone(void)
{
	struct state state = app_under_way(PHASE_IDLE);

	state.transaction.outcome = OUTCOME_COMMITTED;
	state.transaction.recorded = true;
	state.fallback = state.good;
	(void)snprintf(state.good.version, sizeof(state.good.version), "9.9");
	state.good.digest.bytes[0] ^= 1;
	return state;
}

/* Also when the first thing that a worker hears of it is the request to go back. */
static void what_ran_is_gone_and_the_other_is_started(void **unused)
{
	struct state state = known_good_is_gone();

	assert_int_equal(layout_point_current(check_fd, SLOT_B, NULL), 0);
	assert_int_equal(unlinkat(check_fd, slot_seal_name(SLOT_B), 0), 0);
	app_store(&state);
	systemd_set("failed", "failed");
	ask(VERB_ROLLBACK);
	assert_int_equal(work(), 0);
	assert_int_equal(app_current(), SLOT_A);
	assert_string_equal(systemd.jobs, "start a, ");
	state = app_load();
	assert_non_null(strstr(state.answer, "it has gone back to 1.0 already"));
	assert_string_equal(state.good.version, "1.0");
	assert_true(digest_is_null(&state.fallback.digest));
}

/* A byte of the seal has rotted: what it seals runs, and is not taken from under the service. */
static void what_runs_under_a_rotten_seal_is_left_alone(void **unused)
{
	struct state state = known_good_is_gone();
	int fd;

	assert_int_equal(layout_point_current(check_fd, SLOT_B, NULL), 0);
	fd = openat(check_fd, slot_seal_name(SLOT_B), O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "rots", 4, 0), 4);
	assert_int_equal(close(fd), 0);
	app_store(&state);
	assert_int_equal(work(), 0);
	assert_int_equal(app_current(), SLOT_B);
	assert_string_equal(systemd.jobs, "");
	state = app_load();
	assert_string_equal(state.good.version, "9.9");
	assert_false(digest_is_null(&state.fallback.digest));
}

/* A seal that cannot be read this once: nothing is concluded from it. */
static void a_seal_that_cannot_be_read_is_not_gone(void **unused)
{
	for (peek_fails = 1;; peek_fails++) {
		struct state state = app_under_way(PHASE_IDLE);

		state.transaction.outcome = OUTCOME_COMMITTED;
		state.transaction.recorded = true;
		state.fallback = state.good;
		state.good = state.transaction.release;
		assert_int_equal(layout_point_current(check_fd, SLOT_B, NULL), 0);
		systemd_run(SLOT_B);
		app_store(&state);
		n_peeks = 0;
		assert_int_equal(work(), 0);
		assert_int_equal(app_current(), SLOT_B);
		assert_string_equal(systemd.jobs, "");
		assert_string_equal(app_load().good.version, "2.0");
		assert_string_equal(app_load().fallback.version, "1.0");
		if (n_peeks < peek_fails)
			break;
	}
	assert_true(peek_fails > 1);
	peek_fails = 0;
}

/* A worker has put `current` there, and was killed before it had started the unit. */
static void what_ran_is_gone_and_so_is_the_worker_that_saw_it(void **unused)
{
	struct state state = known_good_is_gone();

	app_store(&state);
	systemd_set("failed", "failed");
	assert_int_equal(work(), 0);
	assert_int_equal(app_current(), SLOT_A);
	assert_string_equal(systemd.jobs, "start a, ");
	state = app_load();
	assert_string_equal(state.good.version, "1.0");
	assert_true(digest_is_null(&state.fallback.digest));
	assert_int_equal(work(), 0);
	assert_string_equal(systemd.jobs, "start a, ");
}

/* From every phase behind the staging the transaction comes to its end. */
static void what_is_under_way_is_brought_to_its_end(void **unused)
{
	static const struct {
		enum phase phase;
		enum slot runs;
		enum outcome outcome;
		const char *jobs;
	} rows[] = {
		{ PHASE_STAGED, SLOT_A, OUTCOME_COMMITTED, "restart b, " },
		{ PHASE_SWITCHING, SLOT_A, OUTCOME_COMMITTED, "restart b, " },
		{ PHASE_TRIAL, SLOT_B, OUTCOME_COMMITTED, "" },
		{ PHASE_WATCHING, SLOT_B, OUTCOME_COMMITTED, "" },
		{ PHASE_REVERTING, SLOT_B, OUTCOME_ROLLED_BACK, "restart a, " },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct state state = app_under_way(rows[i].phase);
		struct history_entry newest = {};

		systemd.jobs[0] = '\0';
		systemd_run(rows[i].runs);
		state.transaction.id[0] = (char)('a' + i);
		(void)text_copy(systemd.invocation, state.transaction.invocation,
				sizeof(state.transaction.invocation));
		app_n_heard = 0;
		app_store(&state);
		assert_int_equal(work(), 0);
		assert_int_equal(n_ready, 1);
		assert_int_equal(app_history(&newest), i + 1);
		assert_string_equal(newest.id, state.transaction.id);
		assert_int_equal(newest.outcome, rows[i].outcome);
		assert_string_equal(systemd.jobs, rows[i].jobs);
		assert_int_equal(app_current(), systemd.runs);
	}
}

static void a_bad_release_is_rolled_back(void **unused)
{
	struct state state = app_under_way(PHASE_STAGED);
	struct history_entry newest = {};

	systemd.slots[SLOT_B].dies_after_usec = 20 * USEC_PER_SEC;
	app_store(&state);
	assert_int_equal(work(), 0);
	assert_string_equal(systemd.jobs, "restart b, restart a, ");
	assert_int_equal(app_history(&newest), 1);
	assert_int_equal(newest.outcome, OUTCOME_ROLLED_BACK);
	assert_int_equal(app_current(), SLOT_A);
	assert_int_equal(systemd.runs, SLOT_A);
	assert_string_equal(app_load().bad[0].version, "2.0");
}

static void a_request_is_answered_and_done(void **unused)
{
	struct state state = app_under_way(PHASE_IDLE);
	struct history_entry newest = {};

	app_store(&state);
	ask(VERB_SWITCH);
	assert_int_equal(work(), 0);
	assert_string_equal(app_load().answered, "id-2");
	assert_true(app_load().accepted);
	assert_int_equal(app_history(&newest), 1);
	assert_string_equal(newest.id, "id-2");
	assert_int_equal(newest.outcome, OUTCOME_COMMITTED);
	assert_int_equal(app_current(), SLOT_B);
	/* it is not done again */
	assert_int_equal(work(), 0);
	assert_int_equal(app_history(&newest), 1);
}

static void ask_for_rollback(void)
{
	if (systemd.waits == 5)
		ask(VERB_ROLLBACK);
}

static void a_rollback_in_the_window_is_heard(void **unused)
{
	struct state state = app_under_way(PHASE_STAGED);
	struct history_entry newest = {};

	systemd.on_wait = ask_for_rollback;
	app_store(&state);
	assert_int_equal(work(), 0);
	assert_int_equal(app_history(&newest), 1);
	assert_int_equal(newest.outcome, OUTCOME_ROLLED_BACK);
	assert_non_null(strstr(newest.reason, "rollback asked by tester"));
	assert_int_equal(systemd.runs, SLOT_A);
}

static void an_old_request_is_dropped(void **unused)
{
	struct state state = app_under_way(PHASE_IDLE);

	app_store(&state);
	ask(VERB_SWITCH);
	systemd.now += 60 * USEC_PER_SEC;
	assert_int_equal(work(), 0);
	assert_string_equal(app_load().answered, "id-2");
	assert_false(app_load().accepted);
	assert_int_equal(app_current(), SLOT_A);
}

static void stop_now(void)
{
	if (systemd.waits == 5)
		assert_int_equal(eventfd_write(stop_fd, 1), 0);
}

static void a_stop_leaves_the_transaction_as_it_is(void **unused)
{
	struct history_entry newest = {};

	for (unsigned int stopping = 0; stopping < 2; stopping++) {
		struct state state = app_under_way(PHASE_WATCHING);
		int r;

		systemd_run(SLOT_B);
		systemd.waits = 0;
		systemd.stopping = stopping;
		systemd.on_wait = stop_now;
		stop_fd = eventfd(0, EFD_CLOEXEC);
		app_store(&state);
		r = work();
		(void)close(stop_fd);
		stop_fd = -1;
		assert_int_equal(r, WORKER_STOPPED);
		assert_int_equal(app_load().phase, PHASE_WATCHING);
		/* only a shutdown of the machine excuses the boot to come */
		assert_int_equal(app_load().transaction.orderly, stopping);
		assert_int_equal(app_history(&newest), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		systemd_test(another_worker_is_not_disturbed),
		systemd_test(nothing_to_do_is_said_and_left),
		systemd_test(an_unrecorded_outcome_is_recorded_once),
		systemd_test(after_both_bad_a_tick_starts_the_unit_again),
		systemd_test(what_ran_is_gone_and_the_other_is_started),
		systemd_test(what_ran_is_gone_and_so_is_the_worker_that_saw_it),
		systemd_test(what_runs_under_a_rotten_seal_is_left_alone),
		systemd_test(a_seal_that_cannot_be_read_is_not_gone),
		systemd_test(what_is_under_way_is_brought_to_its_end),
		systemd_test(a_bad_release_is_rolled_back),
		systemd_test(a_request_is_answered_and_done),
		systemd_test(a_rollback_in_the_window_is_heard),
		systemd_test(an_old_request_is_dropped),
		systemd_test(a_stop_leaves_the_transaction_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
