/* Which request is possible in which phase. */
#include "deploy/mailbox.h"

#include "app.h"
#include "base/cleanup.h"

static int judge(enum phase phase, enum verb verb, struct error *err)
{
	const struct state state = { .phase = phase };
	const struct request request = { .verb = verb };

	return mailbox_judge(&state, &request, err);
}

static void test_table(void **unused)
{
	/* phases: idle staging staged switching trial watching reverting */
	static const struct {
		enum verb verb;
		bool possible[PHASE_MAX];
	} rows[] = {
		{ VERB_INSTALL, { 1, 0, 0, 0, 0, 0, 0 } },
		{ VERB_SWITCH, { 1, 0, 0, 0, 0, 0, 0 } },
		{ VERB_ROLLBACK, { 1, 0, 0, 1, 1, 1, 0 } },
		{ VERB_CANCEL, { 0, 1, 1, 0, 0, 0, 0 } },
		{ VERB_HOLD, { 1, 1, 1, 1, 1, 1, 1 } },
		{ VERB_UNHOLD, { 1, 1, 1, 1, 1, 1, 1 } },
		{ VERB_FORGIVE, { 1, 1, 1, 1, 1, 1, 1 } },
		{ VERB_NONE, { 0, 0, 0, 0, 0, 0, 0 } },
	};

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (unsigned int phase = 0; phase < PHASE_MAX; phase++) {
			struct error err = {};
			int r = judge(phase, rows[i].verb, &err);

			assert_int_equal(r == 0, rows[i].possible[phase]);
			assert_int_equal(err.text[0] == '\0', rows[i].possible[phase]);
		}
	}
}

/* What is refused names the phase and the way out. */
static void test_refusal_says_what_to_do(void **unused)
{
	struct error err = {};

	(void)unused;
	assert_true(judge(PHASE_WATCHING, VERB_CANCEL, &err) < 0);
	assert_int_equal(err.fault, FAULT_BUSY);
	assert_non_null(strstr(err.text, "watching"));
	assert_non_null(strstr(err.text, "flipslot rollback"));
	assert_true(judge(PHASE_WATCHING, VERB_INSTALL, &err) < 0);
	assert_non_null(strstr(err.text, "wait for it, or `flipslot rollback`"));
	assert_null(strstr(err.text, "cancel"));
	assert_true(judge(PHASE_STAGING, VERB_SWITCH, &err) < 0);
	assert_non_null(strstr(err.text, "wait for it, or `flipslot cancel`"));
	assert_true(judge(PHASE_REVERTING, VERB_UPDATE, &err) < 0);
	assert_null(strstr(err.text, "`"));
}

/* A worker that died between accepting a check and writing what it found: the next one looks, once. */
static void a_lost_check_is_made_up_for(void **unused)
{
	struct state before = app_under_way(PHASE_IDLE);
	struct request request = { .verb = VERB_CHECK };
	struct checked checked = {};
	struct session session;

	(void)unused;
	assert_int_equal(request_new_id(request.id, NULL), 0);
	(void)text_copy(request.id, before.answered, sizeof(before.answered));
	before.accepted = true;
	assert_int_equal(clock_boot_id(request.boot_id, NULL), 0);
	request.expires = clock_monotonic_usec() + 60 * USEC_PER_SEC;
	app_open(&session, &before);
	assert_int_equal(request_store(session.dirfd, &request, NULL), 0);
	assert_int_equal(mailbox_serve(&session, NULL), 0);
	assert_string_equal(session.check_id, request.id);
	session.check_id[0] = '\0';
	assert_int_equal(mailbox_serve(&session, NULL), 0);
	assert_string_equal(session.check_id, "");
	session.served = false;
	(void)text_copy(request.id, checked.id, sizeof(checked.id));
	assert_int_equal(checked_store(session.dirfd, &checked, NULL), 0);
	assert_int_equal(mailbox_serve(&session, NULL), 0);
	assert_string_equal(session.check_id, ""); /* it was not lost */
	session_close(&session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_refusal_says_what_to_do),
		cmocka_unit_test_setup_teardown(a_lost_check_is_made_up_for, app_setup,
						check_teardown_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
