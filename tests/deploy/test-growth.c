/* LDFLAGS: @tests/deploy/systemd.flags */
/* What a release uses and logs beside the one before it. */
#include "deploy/growth.h"

#include "systemd.h"

#include "deploy/trial.h"

static struct session session;

static void more_memory_is_told_and_condemns_nobody(void **unused)
{
	static const struct {
		uint64_t before, now; /* MiB */
		unsigned int growth;
		bool told;
	} rows[] = {
		{ 40, 81, 100, true }, { 40, 79, 100, false }, { 4, 19, 100, false },
		{ 40, 900, 0, false }, { 0, 900, 100, false }, { 40, 60, 30, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t before = app_told(EVENT_WARNING, "MemoryGrowth=");

		systemd_open(&session, PHASE_WATCHING);
		app_options.memory_growth = rows[i].growth;
		session.state.transaction.memory = rows[i].before << 20;
		systemd.memory = rows[i].now << 20;
		systemd_run(SLOT_B);
		(void)text_copy(systemd.invocation, session.state.transaction.invocation,
				sizeof(session.state.transaction.invocation));
		assert_int_equal(app_step(&session, trial_watch).transaction.outcome,
				 OUTCOME_COMMITTED);
		if ((app_told(EVENT_WARNING, "MemoryGrowth=") > before) != rows[i].told)
			fail_msg("row %zu", i);
	}
}

/* What grew is a warning where it is wanted, and a verdict where it is required. */
static void more_memory_condemns_where_it_is_required(void **unused)
{
	struct state after;

	systemd_open(&session, PHASE_WATCHING);
	app_options.memory_growth = 100;
	app_options.memory_required = true;
	session.state.transaction.memory = 40 << 20;
	systemd.memory = 400 << 20;
	after = app_step(&session, trial_watch);
	assert_int_equal(after.phase, PHASE_REVERTING);
	assert_non_null(strstr(after.transaction.reason, "2.0 uses 400 MiB"));
}

/* The window of the test is a minute long. */
static void more_errors_are_told(void **unused)
{
	static const struct {
		uint64_t before, span; /* errors of the old release, in so many seconds */
		unsigned int now, growth;
		bool mute, required, told, bad;
	} rows[] = {
		{ 0, 600, 40, 100, false, false, true, false },
		{ 0, 600, 10, 100, false, false, false, false },
		{ 100, 600, 19, 100, false, false, false, false },
		{ 100, 600, 25, 100, false, false, true, false },
		{ 100, 600, 25, 200, false, false, false, false },
		{ 0, 0, 900, 100, false, false, false, false },
		{ 0, 600, 900, 0, false, true, false, false },
		{ 0, 600, 900, 100, true, true, false, false },
		{ 0, 600, 40, 100, false, true, true, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t before = app_told(EVENT_WARNING, "ErrorGrowth=");
		struct state after;

		systemd_open(&session, PHASE_WATCHING);
		app_options.error_growth = rows[i].growth;
		app_options.errors_required = rows[i].required;
		session.state.transaction.errors = rows[i].before;
		session.state.transaction.errors_usec = rows[i].span * USEC_PER_SEC;
		systemd.errors = rows[i].now;
		systemd.mute = rows[i].mute;
		after = app_step(&session, trial_watch);
		if ((app_told(EVENT_WARNING, "ErrorGrowth=") > before) != rows[i].told ||
		    (after.phase == PHASE_REVERTING) != rows[i].bad)
			fail_msg("row %zu: %s", i, after.transaction.reason);
	}
}

/* What it logged while it started is not of the window. */
static void errors_count_from_when_the_window_began(void **unused)
{
	uint64_t began;

	systemd_open(&session, PHASE_WATCHING);
	app_options.error_growth = 100;
	session.state.transaction.errors_usec = 600 * USEC_PER_SEC;
	began = session.state.transaction.phase_began_monotonic;
	(void)app_step(&session, trial_watch);
	assert_int_equal(systemd.errors_since, began);
}

/* As long as the window, ten minutes at least, an hour at most, and never longer than it has been up. */
static void the_old_release_is_looked_back_on(void **unused)
{
	static const struct {
		uint64_t up, window, span; /* minutes */
	} rows[] = { { 1000, 1, 10 }, { 1000, 30, 30 }, { 1000, 600, 60 }, { 4, 30, 4 } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_unit_ struct unit unit = {};
		struct manager *manager;

		systemd_open(&session, PHASE_STAGED);
		systemd.errors = 3;
		app_options.error_growth = 100;
		app_options.watch_usec = rows[i].window * 60 * USEC_PER_SEC;
		systemd.now = systemd.since + rows[i].up * 60 * USEC_PER_SEC;
		assert_int_equal(session_manager(&session, &manager, NULL), 0);
		assert_int_equal(unit_query(manager, "gw.service", &unit, NULL), 0);
		growth_note(&session, &unit);
		assert_int_equal(session.state.transaction.errors, 3);
		assert_int_equal(session.state.transaction.errors_usec,
				 rows[i].span * 60 * USEC_PER_SEC);
		assert_int_equal(systemd.errors_since,
				 systemd.now - rows[i].span * 60 * USEC_PER_SEC);
		session_close(&session);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		systemd_test(more_memory_is_told_and_condemns_nobody),
		systemd_test(more_memory_condemns_where_it_is_required),
		systemd_test(more_errors_are_told),
		systemd_test(errors_count_from_when_the_window_began),
		systemd_test(the_old_release_is_looked_back_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
