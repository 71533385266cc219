/* How a transaction ends: what the state, the history and the listener say afterwards. */
#include "deploy/ending.h"

#include "app.h"

static struct session session;

static void close_session(void)
{
	session_close(&session);
	session = (struct session){};
}

static bool is_release(const struct state_release *is, const struct state_release *wanted)
{
	return digest_equal(&is->digest, &wanted->digest) && !digest_is_null(&is->digest);
}

static void committed_is_known_good(void **unused)
{
	struct state before = app_under_way(PHASE_WATCHING);
	struct history_entry newest = {};
	struct state after = {};

	before.transaction.downtime = 1500;
	before.transaction.switched = 1;
	before.starts[0] = 700;
	state_remember_bad(&before, &before.transaction.release);
	app_open(&session, &before);
	assert_int_equal(ending_commit(&session, "was well", NULL), 0);
	close_session();
	after = app_load();
	assert_int_equal(after.phase, PHASE_IDLE);
	assert_int_equal(after.transaction.outcome, OUTCOME_COMMITTED);
	assert_true(after.transaction.recorded);
	assert_true(after.transaction.ended >= before.transaction.began);
	assert_true(is_release(&after.good, &before.transaction.release));
	assert_true(is_release(&after.fallback, &before.good));
	assert_false(state_is_bad(&after, &after.good.digest));
	assert_false(after.hold.held); /* an install holds nothing */
	assert_int_equal(after.starts[0], 1500);
	assert_int_equal(after.starts[1], 700);
	assert_int_equal(app_history(&newest), 1);
	assert_int_equal(newest.outcome, OUTCOME_COMMITTED);
	assert_string_equal(newest.id, "id-1");
	assert_string_equal(newest.from_version, "1.0");
	assert_string_equal(newest.to_version, "2.0");
	assert_string_equal(newest.who, "tester");
	assert_string_equal(newest.reason, "was well");
	assert_int_equal(newest.downtime, 1500);
	assert_int_equal(newest.slot, SLOT_B);
	assert_int_equal(newest.ended, after.transaction.ended);
}

/* The phase is told before the outcome: who follows sees the end last. */
static void the_end_is_told_once_and_last(void **unused)
{
	struct state before = app_under_way(PHASE_WATCHING);

	app_open(&session, &before);
	assert_int_equal(ending_commit(&session, "was well", NULL), 0);
	assert_int_equal(ending_record(&session, NULL), 0);
	close_session();
	assert_int_equal(app_n_heard, 2);
	assert_int_equal(app_heard[0].kind, EVENT_PHASE);
	assert_int_equal(app_heard[0].from, PHASE_WATCHING);
	assert_int_equal(app_heard[0].to, PHASE_IDLE);
	assert_int_equal(app_heard[1].kind, EVENT_OUTCOME);
	assert_string_equal(app_heard[1].text, "was well");
}

static void which_outcomes_are_held_against_the_release(void **unused)
{
	static const struct {
		enum outcome outcome;
		enum phase phase;
		bool bad;
	} rows[] = {
		{ OUTCOME_REFUSED, PHASE_STAGED, false },
		{ OUTCOME_CANCELLED, PHASE_STAGED, false },
		{ OUTCOME_FAILED, PHASE_WATCHING, false },
		{ OUTCOME_FAILED_FIRST, PHASE_REVERTING, true },
		{ OUTCOME_ROLLED_BACK, PHASE_REVERTING, true },
		{ OUTCOME_ROLLED_BACK_UNHEALTHY, PHASE_REVERTING, true },
		{ OUTCOME_BOTH_BAD, PHASE_REVERTING, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct state before = app_under_way(rows[i].phase);
		struct history_entry newest = {};
		struct state after = {};

		before.transaction.id[0] = (char)('a' + i);
		app_open(&session, &before);
		assert_int_equal(ending_end(&session, rows[i].outcome, FAULT_UNHEALTHY, "so it is",
					    NULL),
				 0);
		close_session();
		after = app_load();
		assert_int_equal(after.phase, PHASE_IDLE);
		assert_int_equal(after.transaction.outcome, rows[i].outcome);
		assert_int_equal(state_is_bad(&after, &before.transaction.release.digest),
				 rows[i].bad);
		assert_true(is_release(&after.good, &before.good));
		assert_true(digest_is_null(&after.fallback.digest));
		assert_int_equal(after.starts[0], 0);
		assert_int_equal(app_history(&newest), i + 1);
		assert_int_equal(newest.outcome, rows[i].outcome);
		assert_int_equal(newest.fault, FAULT_UNHEALTHY);
		assert_string_equal(newest.reason, "so it is");
	}
}

/* A release that was never staged has no digest: nothing to remember. */
static void what_has_no_digest_is_not_remembered(void **unused)
{
	struct state before = app_under_way(PHASE_REVERTING);

	before.transaction.release.digest = (struct digest){};
	app_open(&session, &before);
	assert_int_equal(ending_end(&session, OUTCOME_BOTH_BAD, FAULT_UNHEALTHY, "x", NULL), 0);
	assert_string_equal(session.state.bad[0].version, "");
	close_session();
}

/* Killed between the state and the history, or between the history and the mark in the state. */
/* A target without a descriptor: the next look knows the file, and not what is in it. */
static void a_target_is_remembered_by_its_file_too(void **unused)
{
	struct state before = app_under_way(PHASE_REVERTING);
	struct state after = {};

	before.transaction.source_digest = app_digest("archive");
	before.transaction.verb = VERB_INSTALL;
	app_open(&session, &before);
	assert_int_equal(ending_end(&session, OUTCOME_ROLLED_BACK, FAULT_UNHEALTHY, "x", NULL), 0);
	close_session();
	after = app_load();
	assert_false(state_is_bad(&after, &before.transaction.source_digest));

	before.transaction.verb = VERB_UPDATE;
	app_open(&session, &before);
	assert_int_equal(ending_end(&session, OUTCOME_ROLLED_BACK, FAULT_UNHEALTHY, "x", NULL), 0);
	close_session();
	after = app_load();
	assert_true(state_is_bad(&after, &before.transaction.source_digest));
	assert_true(state_is_bad(&after, &before.transaction.release.digest));

	after.phase = PHASE_WATCHING;
	after.transaction = before.transaction;
	app_open(&session, &after);
	assert_int_equal(ending_commit(&session, "well now", NULL), 0);
	close_session();
	after = app_load();
	assert_false(state_is_bad(&after, &before.transaction.source_digest));
	assert_false(state_is_bad(&after, &before.transaction.release.digest));
}

static void recording_is_idempotent(void **unused)
{
	struct state before = app_under_way(PHASE_IDLE);
	struct history_entry newest = {};

	before.transaction.outcome = OUTCOME_ROLLED_BACK;
	for (unsigned int i = 0; i < 3; i++) {
		app_open(&session, &before); /* recorded is false again each time */
		assert_int_equal(ending_record(&session, NULL), 0);
		close_session();
		assert_int_equal(app_history(&newest), 1);
		assert_true(app_load().transaction.recorded);
	}
	assert_int_equal(newest.outcome, OUTCOME_ROLLED_BACK);
}

static void nothing_is_recorded_without_an_outcome(void **unused)
{
	struct state before = app_under_way(PHASE_IDLE);
	struct history_entry newest = {};

	app_open(&session, &before);
	assert_int_equal(ending_record(&session, NULL), 0);
	close_session();
	assert_int_equal(app_history(&newest), 0);
	assert_int_equal(app_n_heard, 0);
}

/* The outcome is on disk though the history cannot be written. */
static void a_history_that_fails_comes_later(void **unused)
{
	struct state before = app_under_way(PHASE_WATCHING);
	struct error err = {};

	app_open(&session, &before);
	assert_int_equal(renameat(check_fd, LAYOUT_HISTORY, check_fd, "away"), 0);
	assert_true(ending_commit(&session, "was well", &err) < 0);
	assert_non_null(strstr(err.text, "history of gw"));
	close_session();
	assert_int_equal(app_load().transaction.outcome, OUTCOME_COMMITTED);
	assert_false(app_load().transaction.recorded);
	assert_int_equal(app_told(EVENT_OUTCOME, ""), 0);
	assert_int_equal(renameat(check_fd, "away", check_fd, LAYOUT_HISTORY), 0);
	before = app_load();
	app_open(&session, &before);
	assert_int_equal(ending_record(&session, NULL), 0);
	close_session();
	assert_int_equal(app_told(EVENT_OUTCOME, "was well"), 1);
}

/* Who fled from a release must not be sent back to it. */
static void a_rollback_clears_the_fallback(void **unused)
{
	struct state before = app_under_way(PHASE_WATCHING);
	struct state after = {};

	before.transaction.verb = VERB_ROLLBACK;
	before.transaction.switched = 1;
	before.fallback = before.transaction.release;
	app_open(&session, &before);
	assert_int_equal(ending_commit(&session, "was well", NULL), 0);
	close_session();
	after = app_load();
	assert_true(is_release(&after.good, &before.transaction.release));
	assert_true(digest_is_null(&after.fallback.digest));
	assert_true(state_is_bad(&after, &before.good.digest));
	assert_true(after.hold.held);
	assert_string_equal(after.hold.who, "tester");
	assert_non_null(strstr(after.hold.why, "rollback to 2.0"));
}

static void a_switch_holds_and_keeps_the_way_back(void **unused)
{
	struct state before = app_under_way(PHASE_WATCHING);
	struct state after = {};

	before.transaction.verb = VERB_SWITCH;
	(void)text_copy("to compare", before.transaction.why, sizeof(before.transaction.why));
	app_open(&session, &before);
	assert_int_equal(ending_commit(&session, "was well", NULL), 0);
	close_session();
	after = app_load();
	assert_true(is_release(&after.fallback, &before.good));
	assert_false(state_is_bad(&after, &before.good.digest));
	assert_true(after.hold.held && after.hold.since > 0 && after.hold.until == 0);
	assert_non_null(strstr(after.hold.why, "switch to 2.0 by hand: to compare"));
}

static void a_hold_that_is_there_is_not_overwritten(void **unused)
{
	struct state before = app_under_way(PHASE_WATCHING);

	before.transaction.verb = VERB_SWITCH;
	before.hold = (struct state_hold){ .held = true, .who = "boss", .why = "holidays" };
	app_open(&session, &before);
	assert_int_equal(ending_commit(&session, "was well", NULL), 0);
	close_session();
	assert_string_equal(app_load().hold.who, "boss");
}

/* The same content in both slots: a rollback would change nothing. Unless nothing was switched at all. */
static void the_same_content_clears_the_fallback(void **unused)
{
	for (unsigned int switched = 0; switched < 2; switched++) {
		struct state before = app_under_way(PHASE_WATCHING);
		struct state after;

		before.fallback = before.good;
		before.transaction.release = app_seal(SLOT_B, "1.0");
		before.good = before.transaction.release;
		before.transaction.switched = switched;
		app_open(&session, &before);
		assert_int_equal(ending_commit(&session, "was well", NULL), 0);
		close_session();
		after = app_load();
		assert_int_equal(digest_is_null(&after.fallback.digest), switched);
		assert_true(is_release(&after.good, &before.good));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		app_test(committed_is_known_good),
		app_test(the_end_is_told_once_and_last),
		app_test(which_outcomes_are_held_against_the_release),
		app_test(what_has_no_digest_is_not_remembered),
		app_test(a_target_is_remembered_by_its_file_too),
		app_test(recording_is_idempotent),
		app_test(nothing_is_recorded_without_an_outcome),
		app_test(a_history_that_fails_comes_later),
		app_test(a_rollback_clears_the_fallback),
		app_test(a_switch_holds_and_keeps_the_way_back),
		app_test(a_hold_that_is_there_is_not_overwritten),
		app_test(the_same_content_clears_the_fallback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
