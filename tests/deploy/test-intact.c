/* LDFLAGS: @tests/deploy/systemd.flags */
/* Right before a switch: is what shall run what was sealed, and what would be come back to? */
#include "deploy/intact.h"

#include "../release/shell.h"
#include "deploy/soundness.h"
#include "systemd.h"

static struct session session;

static int setup(void **state)
{
	int r = systemd_setup(state);

	systemd_run(SLOT_A);
	app_options.scrub_usec = 3600 * USEC_PER_SEC;
	return r;
}

#define intact_test(test) cmocka_unit_test_setup_teardown(test, setup, check_teardown_closed)

#define ROT(slot)                      \
	"printf ? | dd of=slots/" slot \
	"/run bs=1 seek=3 conv=notrunc 2>/dev/null; touch -d @0 slots/" slot "/run"

/* From slot a to slot b. */
static int check(enum verb verb, bool force, bool built)
{
	struct state state = app_load();
	struct unit unit = {};
	struct error err = {};
	int r;

	state.transaction.verb = verb;
	state.transaction.force = force;
	app_open(&session, &state);
	session.built = built;
	(void)text_copy(systemd.active, unit.active_state, sizeof(unit.active_state));
	(void)text_copy(systemd.sub, unit.sub_state, sizeof(unit.sub_state));
	r = intact_check(&session, &unit, &err);
	if (r < 0)
		fail_msg("%s", err.text);
	session_close(&session);
	return r;
}

static void make_staged(void)
{
	const struct state state = app_under_way(PHASE_STAGED);

	app_store(&state);
}

static void assert_refused(const char *word)
{
	const struct state state = app_load();

	assert_int_equal(state.phase, PHASE_IDLE);
	assert_int_equal(state.transaction.outcome, OUTCOME_REFUSED);
	assert_int_equal(state.transaction.fault, FAULT_CORRUPT);
	assert_non_null(strstr(state.transaction.reason, "slot b (2.0) is damaged"));
	assert_non_null(strstr(state.transaction.reason, word));
}

static void whole_slots_go(void **unused)
{
	static const enum verb verbs[] = { VERB_INSTALL, VERB_UPDATE, VERB_SWITCH, VERB_ROLLBACK };

	make_staged();
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		assert_int_equal(check(verbs[i], false, false), 0);
	assert_int_equal(app_told(EVENT_WARNING, ""), 0);
}

static void what_rotted_since_it_was_staged_is_refused(void **unused)
{
	make_staged();
	shell(check_fd, ROT("b"));
	assert_int_equal(check(VERB_UPDATE, false, false), INTACT_NO_GO);
	assert_refused("install it again");
}

/* It was written, read and synced a moment ago. */
static void what_was_just_built_is_not_read_again(void **unused)
{
	make_staged();
	shell(check_fd, ROT("b"));
	assert_int_equal(check(VERB_UPDATE, false, true), 0);
}

static void by_hand_it_is_refused_while_all_is_well(void **unused)
{
	struct scrubbed_slot found = {};

	make_staged();
	shell(check_fd, ROT("b"));
	assert_int_equal(check(VERB_ROLLBACK, false, false), INTACT_NO_GO);
	assert_refused("--force");
	assert_int_equal(soundness_find(check_fd, SLOT_B, &found), 0); /* for the repair */
	assert_int_equal(found.differences, 1);
}

static void with_force_it_goes(void **unused)
{
	make_staged();
	shell(check_fd, ROT("b"));
	assert_int_equal(check(VERB_ROLLBACK, true, false), 0);
	assert_int_equal(app_told(EVENT_WARNING, "tried all the same"), 1);
}

/* A damaged release is better than none. */
static void it_goes_when_the_service_is_down(void **unused)
{
	make_staged();
	shell(check_fd, ROT("b"));
	systemd_set("failed", "failed");
	assert_int_equal(check(VERB_ROLLBACK, false, false), 0);
	assert_int_equal(app_told(EVENT_WARNING, "as the service does not run"), 1);
	assert_int_equal(app_load().phase, PHASE_STAGED);
}

/* The update may be the cure. */
static void a_damaged_origin_is_told(void **unused)
{
	make_staged();
	shell(check_fd, ROT("a"));
	assert_int_equal(check(VERB_UPDATE, false, true), 0);
	assert_int_equal(app_told(EVENT_WARNING, "what would be come back to: slot a (1.0)"), 1);
}

static void a_fresh_origin_is_not_read(void **unused)
{
	struct descriptor descriptor = { .app = "gw", .version = "1.0" };

	make_staged();
	descriptor.installed = clock_realtime_usec();
	(void)app_seal_as(SLOT_A, descriptor);
	shell(check_fd, ROT("a"));
	assert_int_equal(check(VERB_UPDATE, false, true), 0);
	assert_int_equal(app_told(EVENT_WARNING, ""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		intact_test(whole_slots_go),
		intact_test(what_rotted_since_it_was_staged_is_refused),
		intact_test(what_was_just_built_is_not_read_again),
		intact_test(by_hand_it_is_refused_while_all_is_well),
		intact_test(with_force_it_goes),
		intact_test(it_goes_when_the_service_is_down),
		intact_test(a_damaged_origin_is_told),
		intact_test(a_fresh_origin_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
