/* A state that was lost is put together again from links, seals and the history. */
#include "deploy/remember.h"

#include "app.h"

static struct session session;
static unsigned int made;

/* 1.0 in slot a, 2.0 in slot b, which is current. */
static void prepare(void)
{
	(void)app_seal(SLOT_A, "1.0");
	(void)app_seal(SLOT_B, "2.0");
	app_point(SLOT_B);
	made = 0;
}

static void ended(enum verb verb, enum slot slot, const char *version, enum outcome outcome,
		  const char *why)
{
	struct history_entry entry = {
		.verb = verb, .slot = slot, .outcome = outcome, .downtime = 1000
	};

	(void)snprintf(entry.id, sizeof(entry.id), "id-%u", ++made);
	(void)text_copy(version, entry.to_version, sizeof(entry.to_version));
	(void)text_copy(why, entry.why, sizeof(entry.why));
	assert_int_equal(history_append(check_fd, &entry, NULL), 0);
}

/* "known good, what rollback goes to, bad, h", as a worker that finds no state makes it. */
static const char *remember(void)
{
	static char text[4 * STATE_VERSION_MAX];
	struct error err = {};
	struct state state;

	assert_int_equal(unlinkat(check_fd, LAYOUT_STATE, 0), 0);
	if (session_open(&session, &app_options, &app_listener, -1, &err) != 0 ||
	    remember_state(&session, &err) < 0)
		fail_msg("%s", err.text);
	state = app_load();
	(void)snprintf(text, sizeof(text), "%s,%s,%s,%s", state.good.version,
		       state.fallback.version, state.bad[0].version, state.hold.held ? "h" : "");
	return text;
}

#define remembers(wanted)                                \
	do {                                             \
		assert_string_equal(remember(), wanted); \
		session_close(&session);                 \
	} while (0)

static void what_was_committed_is_known_good(void **state)
{
	(void)state;
	prepare();
	ended(VERB_INSTALL, SLOT_A, "1.0", OUTCOME_COMMITTED, "");
	ended(VERB_INSTALL, SLOT_B, "1.5", OUTCOME_ROLLED_BACK, "");
	ended(VERB_INSTALL, SLOT_B, "2.0", OUTCOME_COMMITTED, "");
	assert_string_equal(remember(), "2.0,1.0,,");
	assert_int_equal(app_told(EVENT_WARNING, "2.0 in slot b is taken for known good"), 1);
	assert_int_equal(session.state.totals.ended[OUTCOME_COMMITTED - 1], 2);
	assert_int_equal(session.state.totals.downtime, 3000);
	session_close(&session);
}

/* It was on trial: that it runs does not make it good. */
static void what_was_never_committed_is_not(void **state)
{
	(void)state;
	prepare();
	ended(VERB_INSTALL, SLOT_A, "1.0", OUTCOME_COMMITTED, "");
	remembers("1.0,,,");
	assert_int_equal(app_told(EVENT_WARNING, "1.0 in slot a is taken for known good"), 1);
	ended(VERB_INSTALL, SLOT_B, "2.0", OUTCOME_REFUSED, "");
	remembers("1.0,,,");
}

static void what_was_rolled_back_is_bad(void **state)
{
	(void)state;
	prepare();
	app_point(SLOT_A);
	ended(VERB_INSTALL, SLOT_A, "1.0", OUTCOME_COMMITTED, "");
	ended(VERB_INSTALL, SLOT_B, "2.0", OUTCOME_ROLLED_BACK, "");
	ended(VERB_UPDATE, SLOT_B, "2.0", OUTCOME_CANCELLED, "");
	remembers("1.0,,2.0,");
}

/* No timer undoes what a person did; a drill is no such person. */
static void a_rollback_by_hand_holds(void **state)
{
	(void)state;
	prepare();
	app_point(SLOT_A);
	ended(VERB_INSTALL, SLOT_A, "1.0", OUTCOME_COMMITTED, "");
	ended(VERB_INSTALL, SLOT_B, "2.0", OUTCOME_COMMITTED, "");
	ended(VERB_SWITCH, SLOT_A, "1.0", OUTCOME_COMMITTED, "drill: and back");
	remembers("1.0,2.0,,");
	ended(VERB_ROLLBACK, SLOT_A, "1.0", OUTCOME_COMMITTED, "");
	remembers("1.0,,2.0,h"); /* what was fled from */
	ended(VERB_INSTALL, SLOT_B, "2.0", OUTCOME_COMMITTED, "");
	app_point(SLOT_B);
	remembers("2.0,1.0,,");
}

static void without_a_history_it_is_what_is_current(void **state)
{
	struct request request = { .verb = VERB_INSTALL, .id = "asked" };

	(void)state;
	prepare();
	assert_int_equal(request_store(check_fd, &request, NULL), 0);
	assert_int_equal(unlinkat(check_fd, LAYOUT_HISTORY, 0), 0);
	assert_string_equal(remember(), "2.0,,,");
	assert_string_equal(session.state.answered, "asked");
	assert_false(session.state.accepted);
	assert_non_null(strstr(session.state.answer, "ask again"));
	session_close(&session);
}

static void a_state_that_is_there_is_left_alone(void **state)
{
	struct state held = { .hold.held = true };

	(void)state;
	prepare();
	(void)text_copy("x", held.answered, sizeof(held.answered));
	app_store(&held);
	assert_int_equal(session_open(&session, &app_options, &app_listener, -1, NULL), 0);
	assert_int_equal(remember_state(&session, NULL), 0);
	session_close(&session);
	assert_string_equal(app_load().good.version, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		app_test(what_was_committed_is_known_good),
		app_test(what_was_never_committed_is_not),
		app_test(what_was_rolled_back_is_bad),
		app_test(a_rollback_by_hand_holds),
		app_test(without_a_history_it_is_what_is_current),
		app_test(a_state_that_is_there_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
