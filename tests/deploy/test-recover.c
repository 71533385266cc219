/* At boot, before the app starts: which slot `current` names, and what is left for the worker. */
#include "deploy/recover.h"
#include "deploy/resume.h"

#include "app.h"
#include "store/lock.h"

static struct {
	bool resume, flipped;
} got;

static void recover(void)
{
	struct error err = {};

	if (recover_app(&app_options, &app_listener, &got.resume, &got.flipped, &err) != 0)
		fail_msg("%s", err.text);
}

static void current_is_settled_in_each_phase(void **unused)
{
	static const struct {
		enum phase phase;
		enum slot before, after;
	} rows[] = {
		{ PHASE_IDLE, SLOT_A, SLOT_A },		{ PHASE_IDLE, SLOT_NONE, SLOT_A },
		{ PHASE_IDLE, SLOT_B, SLOT_B }, /* whole, and somebody's choice */
		{ PHASE_STAGING, SLOT_NONE, SLOT_A },	{ PHASE_STAGED, SLOT_NONE, SLOT_A },
		{ PHASE_STAGED, SLOT_A, SLOT_A },	{ PHASE_SWITCHING, SLOT_A, SLOT_A },
		{ PHASE_SWITCHING, SLOT_B, SLOT_B },	{ PHASE_TRIAL, SLOT_A, SLOT_B },
		{ PHASE_TRIAL, SLOT_B, SLOT_B },	{ PHASE_TRIAL, SLOT_NONE, SLOT_B },
		{ PHASE_WATCHING, SLOT_A, SLOT_B },	{ PHASE_WATCHING, SLOT_B, SLOT_B },
		{ PHASE_REVERTING, SLOT_B, SLOT_A },	{ PHASE_REVERTING, SLOT_A, SLOT_A },
		{ PHASE_REVERTING, SLOT_NONE, SLOT_A },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct state state = app_under_way(rows[i].phase);

		app_store(&state);
		if (rows[i].before == SLOT_NONE)
			assert_int_equal(layout_remove_current(check_fd, NULL), 0);
		else
			app_point(rows[i].before);
		recover();
		if (app_current() != rows[i].after)
			fail_msg("row %zu: `current` names %s", i, slot_name(app_current()));
		assert_int_equal(got.flipped, rows[i].before != rows[i].after);
		assert_int_equal(got.resume, rows[i].phase != PHASE_IDLE);
		assert_int_equal(app_load().phase, rows[i].phase);
	}
}

static void an_unsealed_current_gives_way_to_the_known_good(void **unused)
{
	struct state state = app_under_way(PHASE_IDLE);

	app_store(&state);
	app_point(SLOT_B);
	assert_int_equal(unlinkat(check_fd, slot_seal_name(SLOT_B), 0), 0);
	recover();
	assert_int_equal(app_current(), SLOT_A);
	assert_int_equal(app_told(EVENT_WARNING, "put to slot a"), 1);
}

/* The last try: the app must start on the old release already. */
static void boot_tries_run_out(void **unused)
{
	static const enum phase phases[] = { PHASE_TRIAL, PHASE_WATCHING, PHASE_SWITCHING };

	for (size_t i = 0; i < ARRAY_SIZE(phases); i++) {
		struct state state = app_under_way(phases[i]);

		app_point(SLOT_B);
		(void)text_copy("another", state.transaction.boot_id,
				sizeof(state.transaction.boot_id));
		app_store(&state);
		recover();
		assert_int_equal(app_load().phase, phases[i]);
		assert_int_equal(app_load().transaction.boot_tries_left, 1);
		assert_int_equal(app_current(), SLOT_B);

		state.transaction.boot_tries_left = 1;
		app_store(&state);
		recover();
		assert_int_equal(app_load().phase, PHASE_REVERTING);
		assert_int_equal(app_load().transaction.fault, FAULT_UNHEALTHY);
		assert_non_null(strstr(app_load().transaction.reason, "2.0"));
		assert_int_equal(app_current(), SLOT_A);
		assert_true(got.resume && got.flipped);
	}
}

/* A second recovery in the same boot is none of the release's tries. */
static void recovery_is_idempotent(void **unused)
{
	struct state state = app_under_way(PHASE_TRIAL);

	(void)text_copy("another", state.transaction.boot_id, sizeof(state.transaction.boot_id));
	app_store(&state);
	recover();
	recover();
	recover();
	assert_int_equal(app_load().transaction.boot_tries_left, 1);
	assert_int_equal(app_load().phase, PHASE_TRIAL);
	assert_false(got.flipped);
}

static void damage_state(void)
{
	_cleanup_close_ int fd = openat(check_fd, LAYOUT_STATE, O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, "?", 1, 100), 1);
	assert_int_equal(pwrite(fd, "?", 1, 8192 + 100), 1);
}

static void a_lost_state_is_mended_from_the_seals(void **unused)
{
	struct state state = app_under_way(PHASE_WATCHING);
	struct state mended;

	app_store(&state);
	damage_state();
	recover();
	mended = app_load();
	assert_false(got.resume || got.flipped);
	assert_int_equal(app_current(), SLOT_B);
	assert_int_equal(mended.phase, PHASE_IDLE);
	assert_string_equal(mended.good.version, "2.0");
	assert_true(digest_equal(&mended.good.digest, &state.transaction.release.digest));
	assert_int_equal(app_told(EVENT_WARNING, "was lost"), 1);
}

/* The request that was done last is not done again, one that came since waits for its answer still. */
static void a_lost_state_does_nothing_twice(void **unused)
{
	static const char *const last[] = { "id-1", "id-2" };
	struct state state = app_under_way(PHASE_IDLE);

	for (size_t i = 0; i < ARRAY_SIZE(last); i++) {
		struct request request = { .verb = VERB_INSTALL, .who = "tester" };
		struct history_entry entry;

		state.transaction.outcome = OUTCOME_COMMITTED;
		entry = history_entry_of(&state.transaction);
		assert_int_equal(history_append(check_fd, &entry, NULL), 0);
		(void)text_copy(last[i], request.id, sizeof(request.id));
		assert_int_equal(request_store(check_fd, &request, NULL), 0);
		app_store(&state);
		damage_state();
		recover();
		assert_string_equal(app_load().answered, i == 0 ? "id-1" : "");
	}
}

/* What is not sealed is never called known good. */
static void a_lost_state_without_a_seal_stays_lost(void **unused)
{
	struct state state = app_under_way(PHASE_IDLE);
	struct state loaded = {};

	app_store(&state);
	assert_int_equal(unlinkat(check_fd, slot_seal_name(SLOT_A), 0), 0);
	damage_state();
	recover();
	assert_true(state_load(check_fd, &loaded, NULL) < 0);
	assert_int_equal(app_current(), SLOT_A);
}

static void an_outcome_is_recorded_after_a_crash(void **unused)
{
	struct state state = app_under_way(PHASE_IDLE);
	struct history_entry newest = {};

	state.transaction.outcome = OUTCOME_ROLLED_BACK;
	app_store(&state);
	recover();
	recover();
	assert_int_equal(app_history(&newest), 1);
	assert_int_equal(newest.outcome, OUTCOME_ROLLED_BACK);
	assert_true(app_load().transaction.recorded);
}

static void a_staging_that_never_gets_on_has_failed(void **unused)
{
	struct state state = app_under_way(PHASE_STAGING);
	struct history_entry newest = {};

	state.transaction.attempts = RESUME_STAGING_MAX;
	app_store(&state);
	recover();
	state = app_load();
	assert_false(got.resume);
	assert_int_equal(app_history(&newest), 1);
	assert_int_equal(newest.outcome, OUTCOME_FAILED);
	assert_false(state_is_bad(&state, &state.transaction.release.digest));
	assert_int_equal(app_current(), SLOT_A);
}

static void a_worker_at_work_decides_itself(void **unused)
{
	struct state state = app_under_way(PHASE_TRIAL);
	_cleanup_close_ int fd = -1;

	app_store(&state);
	app_point(SLOT_A);
	assert_int_equal(lock_take(check_fd, LAYOUT_LOCK, &fd, NULL), 0);
	assert_int_equal(recover_app(&app_options, &app_listener, &got.resume, &got.flipped, NULL),
			 RECOVER_BUSY);
	assert_int_equal(app_current(), SLOT_A);
}

static void no_directory_is_said(void **unused)
{
	struct error err = {};

	app_options.root = "/nonexistent/gw";
	assert_true(recover_app(&app_options, &app_listener, &got.resume, &got.flipped, &err) < 0);
	assert_non_null(strstr(err.text, "flipslot init gw"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		app_test(current_is_settled_in_each_phase),
		app_test(an_unsealed_current_gives_way_to_the_known_good),
		app_test(boot_tries_run_out),
		app_test(recovery_is_idempotent),
		app_test(a_lost_state_is_mended_from_the_seals),
		app_test(a_lost_state_does_nothing_twice),
		app_test(a_lost_state_without_a_seal_stays_lost),
		app_test(an_outcome_is_recorded_after_a_crash),
		app_test(a_staging_that_never_gets_on_has_failed),
		app_test(a_worker_at_work_decides_itself),
		app_test(no_directory_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
