/* LDFLAGS: @tests/deploy/systemd.flags -Wl,--wrap=judge_run */
/* What the release that still runs says of itself, and what comes of it when nobody can ask. */
#include "deploy/baseline.h"

#include "deploy/judge.h"
#include "systemd.h"

static struct session session;
static int verdict;
static uint64_t unasked_usec;

int __wrap_judge_run(const struct deploy_options *options, const struct judge_options *how,
		     struct manager *manager, const struct event_listener *listener,
		     const struct state *state, struct judge_report *ret_report, struct error *err);

int __wrap_judge_run(const struct deploy_options *options, const struct judge_options *how,
		     struct manager *manager, const struct event_listener *listener,
		     const struct state *state, struct judge_report *ret_report, struct error *err)
{
	assert_int_equal(how->phase, JUDGE_BASELINE);
	assert_string_equal(how->slot_path, session_slot_path(&session, SLOT_A));
	unasked_usec = how->unasked_usec;
	(void)text_copy(verdict == JUDGE_UNASKED ? "nobody is there" : "", ret_report->reason,
			sizeof(ret_report->reason));
	(void)text_copy("web,", ret_report->failed, sizeof(ret_report->failed));
	return verdict;
}

static struct state ask(enum verb verb, int judged, int wanted)
{
	_cleanup_unit_ struct unit unit = {};
	struct manager *manager = NULL;
	struct error err = {};

	verdict = judged;
	systemd_open(&session, PHASE_STAGED);
	session.state.transaction.verb = verb;
	assert_int_equal(__wrap_manager_open(&manager, &err), 0);
	assert_int_equal(baseline_ask(&session, manager, &unit, &err), wanted);
	assert_int_equal(session_store(&session, &err), 0);
	session_close(&session);
	return app_load();
}

static void what_fails_already_is_noted(void **unused)
{
	struct state after = ask(VERB_INSTALL, JUDGE_PASSED, 0);

	assert_string_equal(after.transaction.baseline, "web,");
	assert_int_equal(app_told(EVENT_NOTE, "will not condemn the new one: probe web"), 1);
}

static void nobody_who_could_ask_is_refused(void **unused)
{
	struct state after = ask(VERB_INSTALL, JUDGE_UNASKED, BASELINE_NO_GO);

	assert_int_equal(after.phase, PHASE_IDLE);
	assert_int_equal(after.transaction.outcome, OUTCOME_REFUSED);
	assert_int_equal(after.transaction.fault, FAULT_UNIT);
	assert_string_equal(after.transaction.reason, "nobody is there");
	assert_int_equal(unasked_usec, JUDGE_UNASKED_USEC);
	assert_false(state_is_bad(&after, &after.transaction.release.digest));
}

static void the_way_back_is_not_barred(void **unused)
{
	struct state after = ask(VERB_ROLLBACK, JUDGE_UNASKED, 0);

	assert_int_equal(after.phase, PHASE_STAGED);
	assert_true(unasked_usec < JUDGE_UNASKED_USEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		systemd_test(what_fails_already_is_noted),
		systemd_test(nobody_who_could_ask_is_refused),
		systemd_test(the_way_back_is_not_barred),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
