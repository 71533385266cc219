/* [Alert NAME]: what it gives, and what is wrong with it. */
#include "app/config-alert.h"

#include "base/clock.h"
#include "base/text.h"
#include "deploy/alert.h"
#include "loading.h"

static const struct alert_settings *load_alerts(struct scratch *scratch, const char *text,
						struct config **ret_config, size_t wanted)
{
	const struct alert_settings *alerts;
	size_t n = 0;

	*ret_config = load_text(scratch, text);
	alerts = config_alerts(*ret_config, &n);
	assert_int_equal(n, wanted);
	assert_int_equal(config_deploy(*ret_config)->n_alerts, wanted);
	for (size_t i = 0; i < n; i++) {
		const struct alert_receiver *receiver = &config_deploy(*ret_config)->alerts[i];

		assert_string_equal(receiver->name, alerts[i].name);
		assert_int_equal(receiver->events, alerts[i].events);
	}
	return alerts;
}

static void test_alerts(void **state)
{
	struct scratch *scratch = *state;
	_cleanup_(config_freep) struct config *config = NULL;
	const struct alert_settings *a = load_alerts(
		scratch,
		UNIT
		"[Alert ops]\nUrl=https://hooks.example.com/x?y=z\nKind=webhook\nTimeout=3s\n"
		"[Alert mail-1]\nKind=command\nCommand=/usr/bin/mail -s 'a b' x@example.com\n"
		"Events=both-bad, late-failure damaged-slot\n"
		"[Alert chat]\nKind=webhook\nUrl=http://[::1]:80/\nTemplate=chat\nEvents=all\n",
		&config, 3);

	assert_string_equal(a[0].name, "ops");
	assert_string_equal(a[0].url, "https://hooks.example.com/x?y=z");
	assert_int_equal(a[0].timeout_usec, 3 * USEC_PER_SEC);
	assert_int_equal(a[0].template, ALERT_CLOUDEVENTS);
	assert_int_equal(a[0].events, ALERT_DEFAULT);
	assert_false(a[0].events & 1U << OUTCOME_COMMITTED);
	assert_true(a[0].events & 1U << OUTCOME_ROLLED_BACK);
	assert_true(a[0].events & 1U << ALERT_LATE);
	assert_null(a[0].secret);
	assert_true(a[1].command_kind);
	assert_string_equal(a[1].command[0], "/usr/bin/mail");
	assert_string_equal(a[1].command[2], "a b");
	assert_null(a[1].command[4]);
	assert_int_equal(a[1].timeout_usec, 15 * USEC_PER_SEC);
	assert_int_equal(a[1].events,
			 1U << OUTCOME_BOTH_BAD | 1U << ALERT_LATE | 1U << ALERT_DAMAGED);
	assert_int_equal(a[2].template, ALERT_CHAT);
	assert_int_equal(a[2].events, ALERT_ALL);
	assert_true(a[2].events & 1U << OUTCOME_COMMITTED);
}

/* Each outcome has its word. */
static void test_every_event(void **state)
{
	for (enum outcome outcome = OUTCOME_COMMITTED; outcome < OUTCOME_MAX; outcome++) {
		_cleanup_(config_freep) struct config *config = NULL;
		_cleanup_free_ char *text = NULL;

		assert_true(asprintf(&text, UNIT "[Alert x]\nKind=command\nCommand=/x\nEvents=%s\n",
				     outcome_name(outcome)) > 0);
		assert_int_equal(load_alerts(*state, text, &config, 1)[0].events, 1U << outcome);
	}
}

static void test_an_alert_in_two_files(void **state)
{
	struct scratch *scratch = *state;
	_cleanup_(config_freep) struct config *config = NULL;
	const struct alert_settings *alerts;

	scratch_write(scratch, CONF ".d/50-site.conf",
		      "[Alert x]\nUrl=\nKind=command\nCommand=/bin/true\n");
	alerts = load_alerts(scratch, UNIT "[Alert x]\nKind=webhook\nUrl=http://x/\n", &config, 1);
	assert_true(alerts[0].command_kind);
}

#define ALERT UNIT "[Alert x]\n"
#define HOOK  ALERT "Kind=webhook\nUrl=http://x/\n"

static const struct {
	const char *text, *wanted;
} wrong[] = {
	{ ALERT "Url=http://x/\n", ":4: [Alert x] has no Kind=" },
	{ ALERT "Kind=pigeon\n", ":4: Kind=: \"pigeon\" is neither webhook nor command" },
	{ ALERT "Kind=webhook\n", ":4: [Alert x] is of Kind=webhook: Url= is missing" },
	{ ALERT "Kind=command\n", ":4: [Alert x] is of Kind=command: Command= is missing" },
	{ HOOK "Command=/bin/true\n", ":6: Command= does not fit Kind=webhook" },
	{ ALERT "Kind=command\nCommand=/bin/true\nSecret=x\n",
	  ":6: Secret= does not fit Kind=command" },
	{ ALERT "Kind=command\nCommand=mail\n",
	  ":5: Command=: \"mail\" is not the absolute path of a program" },
	{ ALERT "Kind=command\nCommand='x\n", ":5: Command=: \"'x\" is not a command line" },
	{ ALERT
	  "Kind=command\nCommand=/x 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 "
	  "0\n",
	  ":5: Command=: more than 30 words" },
	{ ALERT "Kind=webhook\nUrl=mailto:x\n", ":5: Url=: \"mailto:x\" is not a URL" },
	{ HOOK "Template=xml\n", ":6: Template=: \"xml\" is not cloudevents, text or chat" },
	{ HOOK "Events=rolledback\n",
	  ":6: Events=: \"rolledback\" is neither an outcome nor late-failure, damaged-slot or all" },
	{ HOOK "Events=none\n", ":6: Events=: \"none\" is neither" },
	{ HOOK "Timeout=1h\n", ":6: Timeout=: \"1h\" is not between 1s and 5min" },
	{ HOOK "Secrt=x\n", ":6: there is no key Secrt= in [Alert x]: did you mean Secret=?" },
	{ UNIT "[Alert]\nKind=webhook\n",
	  ":4: there is no section [Alert]: did you mean [Alert NAME]?" },
	{ UNIT "[Alert a:b]\nKind=webhook\n",
	  ":4: [Alert a:b]: an alert's name has at most 31 letters, digits, - and _" },
	{ UNIT "[Alert 12345678901234567890123456789012]\nKind=webhook\n",
	  ":4: [Alert 12345678901234567890123456789012]: an alert's name has at most 31" },
	{ HOOK "Secret=x\n", ":6: Secret= stands where everybody can read it: use SecretFile=, or "
			     "chmod 600 " },
};

static void test_what_is_wrong(void **state)
{
	struct scratch *scratch = *state;
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		_cleanup_free_ char *wanted = NULL;

		assert_true(asprintf(&wanted, "%s%s", CONF, wrong[i].wanted) > 0);
		scratch_write(scratch, CONF, wrong[i].text);
		(void)refusal(scratch, &err);
		if (strncmp(err.text, wanted, strlen(wanted)) != 0)
			assert_string_equal(err.text, wanted);
	}
}

static void test_too_many(void **state)
{
	_cleanup_text_ struct text text = {};

	text_add(&text, UNIT);
	for (int i = 0; i < 9; i++)
		text_add(&text, "[Alert a%d]\nKind=command\nCommand=/bin/true\n", i);
	check_refused(*state, text.data, CONF ": more than 8 receivers of alerts");
}

/* Who can read a key can speak for us. */
static void test_secrets(void **state)
{
	struct scratch *scratch = *state;
	_cleanup_free_ char *conf = scratch_path(scratch, CONF);
	_cleanup_free_ char *file = scratch_path(scratch, "secret");
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_free_ char *text = NULL;
	struct error err;

	scratch_write(scratch, CONF, HOOK "Secret=x\n");
	assert_int_equal(chmod(conf, 0640), 0);
	config = load(scratch);
	config_free(TAKE_PTR(config));
	scratch_write(scratch, "secret", "x\n");
	assert_true(asprintf(&text, HOOK "SecretFile=%s\n", file) > 0);
	scratch_write(scratch, CONF, text);
	assert_int_equal(chmod(file, 0640), 0);
	assert_string_equal(refusal(scratch, &err),
			    CONF ":6: SecretFile= must be a file that nobody else can read: chmod "
				 "600 secret");
	assert_int_equal(chmod(file, 0600), 0);
	assert_non_null(config = load(scratch));
	free(TAKE_PTR(text));
	assert_true(asprintf(&text, HOOK "SecretFile=%s\nSecret=x\n", file) > 0);
	scratch_write(scratch, CONF, text);
	assert_int_equal(chmod(conf, 0600), 0);
	assert_string_equal(refusal(scratch, &err),
			    CONF ":4: [Alert x]: Secret= and SecretFile= exclude each other");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_alerts),
		scratch_test(test_every_event),
		scratch_test(test_an_alert_in_two_files),
		scratch_test(test_what_is_wrong),
		scratch_test(test_too_many),
		scratch_test(test_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
