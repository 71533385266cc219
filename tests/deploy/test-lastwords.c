/* LDFLAGS: @tests/deploy/systemd.flags */
/* What a failed service said last, in the reason. */
#include "deploy/lastwords.h"

#include "deploy/ending.h"
#include "deploy/resume.h"
#include "systemd.h"

static struct session session;

static struct history_entry end(enum outcome outcome, const char *reason, unsigned int attempts)
{
	struct history_entry newest = {};
	struct error err = {};

	systemd_open(&session, PHASE_REVERTING);
	session.state.transaction.attempts = attempts;
	if (ending_end(&session, outcome, FAULT_UNHEALTHY, reason, &err) < 0)
		fail_msg("%s", err.text);
	session_close(&session);
	(void)app_history(&newest);
	return newest;
}

static void a_status_that_says_little_is_explained(void **unused)
{
	systemd.last = "no disk";
	assert_string_equal(end(OUTCOME_ROLLED_BACK, "gw: exited with status 1", 0).reason,
			    "gw: exited with status 1, and said last: \"no disk of inv-2\"");
}

static void what_says_enough_is_left_alone(void **unused)
{
	systemd.last = "no disk";
	assert_string_equal(end(OUTCOME_ROLLED_BACK, "probe web: HTTP 500", 0).reason,
			    "probe web: HTTP 500");
}

static void who_said_nothing_is_not_quoted(void **unused)
{
	assert_string_equal(end(OUTCOME_FAILED_FIRST, "gw: exited with status 1", 0).reason,
			    "gw: exited with status 1");
}

static void in_haste_nobody_is_asked(void **unused)
{
	systemd.last = "no disk";
	assert_string_equal(
		end(OUTCOME_BOTH_BAD, "gw: exited with status 1", RESUME_ATTEMPTS_MAX + 1).reason,
		"gw: exited with status 1");
}

/* Its end is what is cut. */
static void a_long_line_is_cut(void **unused)
{
	static char line[LASTWORDS_MAX + 100];
	struct history_entry ended;

	memset(line, 'x', sizeof(line) - 1);
	systemd.last = line;
	ended = end(OUTCOME_ROLLED_BACK, "gw: exited with status 1", 0);
	assert_int_equal(
		strncmp(ended.reason, "gw: exited with status 1, and said last: \"xxx", 44), 0);
	assert_true(strlen(ended.reason) < 44 + LASTWORDS_MAX + 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		systemd_test(a_status_that_says_little_is_explained),
		systemd_test(what_says_enough_is_left_alone),
		systemd_test(who_said_nothing_is_not_quoted),
		systemd_test(in_haste_nobody_is_asked),
		systemd_test(a_long_line_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
