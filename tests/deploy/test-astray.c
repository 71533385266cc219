/* LDFLAGS: @tests/deploy/systemd.flags */
/* A unit that a release has written anew is told, and is in the reason. */
#include "deploy/astray.h"

#include "systemd.h"

static struct session session;

static const char *blame(void)
{
	static char reason[STATE_REASON_MAX];

	(void)snprintf(reason, sizeof(reason), "it died");
	astray_blame(&session, reason, sizeof(reason));
	return reason;
}

static void what_goes_through_current_is_not_blamed(void **unused)
{
	(void)unused;
	systemd_open(&session, PHASE_WATCHING);
	assert_string_equal(blame(), "it died");
	astray_warn(&session);
	assert_int_equal(app_told(EVENT_WARNING, ""), 0);
	session_close(&session);
}

static void what_does_not_is(void **unused)
{
	(void)unused;
	systemd.is_rewritten = true;
	systemd_open(&session, PHASE_WATCHING);
	assert_non_null(strstr(blame(), "it died; ExecStart= of gw.service does not go through "));
	assert_non_null(strstr(blame(), "/current any more: it is set in "));
	astray_warn(&session);
	assert_int_equal(app_told(EVENT_WARNING, "the next start will run something else"), 1);
	session_close(&session);
}

/* Who cannot be asked, or is not there, is another trouble. */
static void what_cannot_be_asked_is_not_blamed(void **unused)
{
	(void)unused;
	systemd.is_rewritten = true;
	systemd.load_state = "not-found";
	systemd_open(&session, PHASE_WATCHING);
	assert_string_equal(blame(), "it died");
	systemd.load_state = NULL;
	systemd.gone = true;
	assert_string_equal(blame(), "it died");
	session_close(&session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		systemd_test(what_goes_through_current_is_not_blamed),
		systemd_test(what_does_not_is),
		systemd_test(what_cannot_be_asked_is_not_blamed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
