/* How many records of priority err or worse a service has logged, counted by the child that reads the journal. */
#include "fixture.h"

#include "running.h"
#include "unit/complaint.h"

static unsigned int count_until(const struct probe_context *context, unsigned int wanted)
{
	unsigned int n = 0;
	struct error err = {};

	for (int i = 0; i < 1500; i++) {
		assert_int_equal(complaint_count(context, &n, &err), 0);
		if (n == wanted)
			break;
		fixture_sleep_ms(20);
	}
	return n;
}

static void only_errors_of_the_invocation_count(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	_cleanup_unit_ struct unit unit = {};
	_cleanup_unit_ struct unit again = {};
	struct probe_context context;
	const char *text =
		"[Service]\nExecStart=/bin/sh -c 'echo \"<3>no disk\"; echo \"<2>fire\"; echo fine; "
		"echo \"<4>hm\"; echo \"<3>still none\"; sleep 1000'\n";

	running_start(manager, "complaint-a.service", text, &unit);
	context = running_context(manager, &unit);
	context.started = 0;
	assert_int_equal(count_until(&context, 3), 3);
	context.started = clock_monotonic_usec();
	assert_int_equal(count_until(&context, 0), 0);
	running_start(manager, "complaint-a.service", text, &again);
	context = running_context(manager, &again);
	context.started = 0;
	assert_int_equal(count_until(&context, 3), 3);
	fixture_systemctl("stop complaint-a.service");
}

static int last_of(const struct probe_context *context, char ret_line[static 100])
{
	struct error err = {};
	int r = COMPLAINT_UNKNOWN;

	for (int i = 0; i < 100 && r == COMPLAINT_UNKNOWN; i++) {
		r = complaint_last(context, ret_line, 100, &err);
		if (r == COMPLAINT_UNKNOWN)
			fixture_sleep_ms(20);
	}
	return r;
}

/* Of its processes: systemd says something of the same invocation after that. */
static void the_last_line_is_that_of_the_service(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	_cleanup_unit_ struct unit unit = {};
	struct probe_context context;
	char line[100] = "";

	running_start(manager, "complaint-b.service",
		      "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c "
		      "'printf \"first\\\\nno \\\\033[31mdisk\\\\n  \\\\n\"; sleep 0.3'\n",
		      &unit);
	context = running_context(manager, &unit);
	assert_int_equal(last_of(&context, line), 0);
	assert_string_equal(line, "no  [31mdisk");
	fixture_systemctl("stop complaint-b.service");
	assert_int_equal(last_of(&context, line), 0);
	assert_string_equal(line, "no  [31mdisk");
}

static void without_an_invocation_nothing_is_known(void **state UNUSED)
{
	const struct probe_context context = { .helper = "/proc/self/exe", .invocation = "" };
	unsigned int n;
	char line[8];

	assert_int_equal(complaint_count(&context, &n, NULL), COMPLAINT_UNKNOWN);
	assert_int_equal(complaint_last(&context, line, sizeof(line), NULL), COMPLAINT_UNKNOWN);
}

static void a_helper_that_does_not_answer_is_no_number(void **state UNUSED)
{
	const struct probe_context context = { .helper = "/bin/true",
					       .app = "app",
					       .invocation = "0123456789abcdef0123456789abcdef" };
	unsigned int n;

	assert_int_equal(complaint_count(&context, &n, NULL), COMPLAINT_UNKNOWN);
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WITH_DIR(only_errors_of_the_invocation_count),
		WITH_DIR(the_last_line_is_that_of_the_service),
		WITH_DIR(without_an_invocation_nothing_is_known),
		WITH_DIR(a_helper_that_does_not_answer_is_no_number),
	};

	if (argc == 2 && strcmp(argv[1], "probe-helper") == 0)
		_exit(probe_helper_main()); /* without LeakSanitizer, which the filter would stop */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
