#include "fixture.h"

#include "running.h"

static struct probe_answer ask(const struct probe_context *context, const char *match,
			       const char *reject)
{
	struct probe_options options = running_options(PROBE_JOURNAL);

	options.match = fixture_text(match);
	options.reject = fixture_text(reject);
	return running_ask(&options, context);
}

/* Until the record is there: journald writes when it comes to it. */
static struct probe_answer ask_until(const struct probe_context *context, const char *match,
				     const char *reject, bool passed)
{
	struct probe_answer answer = {};

	for (int i = 0; i < 1500; i++) {
		answer = ask(context, match, reject);
		if (answer.passed == passed)
			break;
		fixture_sleep_ms(20);
	}
	return answer;
}

static void test_match(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	_cleanup_unit_ struct unit unit = {};
	struct probe_context context;
	struct probe_answer answer;

	running_start(
		manager, "journal-a.service",
		"[Service]\nUser=nobody\n"
		"ExecStart=/bin/sh -c 'echo before; echo listening on port 8080; sleep 1000'\n",
		&unit);
	context = running_context(manager, &unit);
	answer = ask_until(&context, "^listening on port [0-9]+$", NULL, true);
	assert_true(answer.passed);
	assert_string_equal(answer.text, "the journal has \"listening on port 8080\"");
	print_message("journal probe, with its child: %" PRIu64 " us\n", answer.took_usec);
	answer = ask(&context, "listening on port 9090", NULL);
	assert_false(answer.passed);
	check_says(answer.text, "records of this invocation matches \"listening on port 9090\"");
	answer = ask(&context, "(", NULL);
	assert_false(answer.passed);
	check_says(answer.text, "a regular expression is wrong");
	/* what systemd says about the unit counts too */
	assert_true(ask_until(&context, "^Started .*journal-a", NULL, true).passed);
	fixture_systemctl("stop journal-a.service");
}

static void test_reject(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	_cleanup_unit_ struct unit unit = {};
	struct probe_context context;
	struct probe_answer answer;

	running_start(
		manager, "journal-b.service",
		"[Service]\nExecStart=/bin/sh -c 'echo up; echo panic: no disk; sleep 1000'\n",
		&unit);
	context = running_context(manager, &unit);
	answer = ask_until(&context, "up", "panic:", false);
	assert_false(answer.passed);
	assert_string_equal(answer.text,
			    "the journal has what Reject= forbids: \"panic: no disk\"");
	answer = ask_until(&context, "up", "fatal:", true);
	assert_true(answer.passed);
	answer = ask(&context, NULL, "fatal:");
	assert_true(answer.passed);
	check_says(answer.text, "nothing that Reject= forbids in ");
	fixture_systemctl("stop journal-b.service");
}

/* The run before this one has nothing to say. */
static void test_only_this_invocation(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	_cleanup_unit_ struct unit first = {};
	_cleanup_unit_ struct unit second = {};
	struct probe_context context;

	running_start(manager, "journal-c.service",
		      "[Service]\nExecStart=/bin/sh -c 'echo ready one; sleep 1000'\n", &first);
	context = running_context(manager, &first);
	assert_true(ask_until(&context, "ready one", NULL, true).passed);
	running_start(manager, "journal-c.service",
		      "[Service]\nExecStart=/bin/sh -c 'echo ready two; sleep 1000'\n", &second);
	context = running_context(manager, &second);
	assert_true(ask_until(&context, "ready two", NULL, true).passed);
	assert_false(ask(&context, "ready one", NULL).passed);
	/* what systemd said at the end of the first one */
	assert_false(ask(&context, "^(Stopping|Stopped) ", NULL).passed);
	fixture_systemctl("stop journal-c.service");
}

/* Others may write what they like into the journal, but not for this invocation. */
static void test_forged(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	_cleanup_unit_ struct unit unit = {};
	struct probe_context context;
	char command[512];

	running_start(manager, "journal-d.service", "[Service]\nExecStart=/bin/sleep 1000\n",
		      &unit);
	context = running_context(manager, &unit);
	(void)snprintf(command, sizeof(command),
		       "printf 'MESSAGE=forged ready\\nINVOCATION_ID=%s\\nUNIT=%s\\n"
		       "_SYSTEMD_INVOCATION_ID=%s\\n' | logger --journald",
		       unit.invocation, unit.name, unit.invocation);
	assert_int_equal(fixture_shell(command), 0);
	fixture_sleep_ms(300);
	assert_false(ask(&context, "forged ready", NULL).passed);
	fixture_systemctl("stop journal-d.service");
}

/* Many records: the wanted one is found from the front, the forbidden one from the back. */
static void test_many(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	_cleanup_unit_ struct unit unit = {};
	struct probe_context context;
	struct probe_answer answer;

	running_start(manager, "journal-e.service",
		      "[Service]\nType=notify\nNotifyAccess=all\nExecStart=/bin/sh -c '"
		      "echo first; seq 20000; echo last; systemd-notify --ready; sleep 1000'\n",
		      &unit);
	context = running_context(manager, &unit);
	assert_true(ask_until(&context, "^last$", NULL, true).passed);
	assert_true(ask(&context, "^first$", "^nothing$").passed);
	answer = ask(&context, "^first$", "^last$");
	assert_false(answer.passed);
	print_message("20000 records: %" PRIu64 " us\n", answer.took_usec);
	fixture_systemctl("stop journal-e.service");
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WITH_DIR(test_match),  WITH_DIR(test_reject), WITH_DIR(test_only_this_invocation),
		WITH_DIR(test_forged), WITH_DIR(test_many),
	};

	if (argc == 2 && strcmp(argv[1], "probe-helper") == 0)
		_exit(probe_helper_main()); /* without LeakSanitizer, which the filter would stop */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
