#include "fixture.h"

#include "running.h"

static struct unit of_nobody(void)
{
	return (struct unit){ .name = "exec-a.service", .user = "nobody", .group = "nogroup" };
}

/* What the command says, run with the rights of the unit's user; `script` is its shell text. */
static struct probe_answer ask(struct manager *manager, const struct unit *unit, const char *script,
			       uint64_t timeout_usec)
{
	struct probe_options options = running_options(PROBE_EXEC);
	struct probe_context context = running_context(manager, unit);
	char *command[] = { (char[]){ "bin/check" }, (char[]){ "an argument" }, NULL };
	char text[2048];

	(void)snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);
	fixture_write("bin/check", text, 0755);
	options.command = command;
	options.timeout_usec = timeout_usec;
	return running_ask(&options, &context);
}

static void check_answer(const char *script, bool passed, const char *wanted)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	struct unit unit = of_nobody();
	struct probe_answer answer = ask(manager, &unit, script, 60 * USEC_PER_SEC);

	assert_string_equal(answer.text, wanted);
	assert_int_equal(answer.passed, passed);
}

static void test_status(void **state UNUSED)
{
	check_answer("exit 0", true, "exited with status 0");
	check_answer("exit 3", false, "exited with status 3");
	check_answer("kill -KILL $$", false, "was killed by signal 9 (KILL)");
	check_answer("(exit 127) || exit 127", false,
		     "exited with status 127 (a shell's word for: command not found; the "
		     "loader's for: a shared library is missing)");
}

static void test_last_line(void **state UNUSED)
{
	check_answer("echo one; echo 'db: not reachable' >&2; exit 1", false,
		     "exited with status 1: db: not reachable");
	check_answer("printf 'no end of line'; exit 1", false,
		     "exited with status 1: no end of line");
	check_answer("echo fine", true, "exited with status 0");
	check_answer("printf 'a\\033[31m\\001b'; exit 1", false, "exited with status 1: a [31m b");
	check_answer("yes | head -c 1000000; echo; echo end; exit 1", false,
		     "exited with status 1: end");
}

/* Where it runs, and as who. */
static void test_surroundings(void **state UNUSED)
{
	char wanted[512];

	(void)snprintf(wanted, sizeof(wanted), "exited with status 1: nobody nogroup %s app %s %s",
		       fixture_dir, "exec-a.service", fixture_dir);
	check_answer("echo $(id -un) $(id -gn) $PWD $FLIPSLOT_APP $FLIPSLOT_UNIT $FLIPSLOT_SLOT; "
		     "exit 1",
		     false, wanted);
	check_answer("[ \"$1\" = 'an argument' ] && [ $# = 1 ]", true, "exited with status 0");
}

/* Even as root: nothing of the system can be written, no new privileges, a /tmp of its own. */
static void test_sandbox(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	struct unit root = { .name = "exec-b.service" };
	struct probe_answer answer;

	answer = ask(manager, &root,
		     "touch /etc/x 2>/dev/null && echo etc; touch /usr/x 2>/dev/null && echo usr;"
		     "touch /root/x 2>/dev/null && echo home; touch /tmp/in-the-probe || echo tmp;"
		     "echo 1 2>/dev/null >/proc/sys/kernel/printk && echo kernel;"
		     "grep -q 'NoNewPrivs:.*1' /proc/self/status || echo privileges;"
		     "chmod u+s /tmp/in-the-probe 2>/dev/null && echo suid; exit 1",
		     60 * USEC_PER_SEC);
	assert_string_equal(answer.text, "exited with status 1");
	assert_int_equal(access("/tmp/in-the-probe", F_OK), -1);
}

static void test_absolute(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	struct probe_options options = running_options(PROBE_EXEC);
	struct unit unit = of_nobody();
	struct probe_context context = running_context(manager, &unit);
	char *command[] = { (char[]){ "/usr/bin/test" }, (char[]){ "-d" }, (char[]){ "/etc" },
			    NULL };
	char *missing[] = { (char[]){ "bin/nowhere" }, NULL };

	options.command = command;
	assert_true(running_ask(&options, &context).passed);
	options.command = missing;
	check_says(running_ask(&options, &context).text, "could not be executed");
}

static void test_unknown_user(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	struct unit unit = { .name = "exec-c.service", .user = "no-such-user" };

	check_says(ask(manager, &unit, "exit 0", 60 * USEC_PER_SEC).text,
		   "its user does not exist or may not be taken (217/USER)");
}

/* The user of the service, or one made for the moment: no user database knows either. */
static void test_dynamic_user(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	struct unit gone = { .name = "exec-gone.service",
			     .user = "exec-gone",
			     .dynamic_user = true };
	_cleanup_unit_ struct unit unit = {};
	char script[256];

	running_start(manager, "exec-dyn.service",
		      "[Service]\nDynamicUser=yes\nExecStart=/bin/sleep 1000\n", &unit);
	assert_true(unit.dynamic_user);
	assert_string_equal(unit.user, "exec-dyn");
	(void)snprintf(script, sizeof(script), "[ $(id -u) = $(stat -c %%u /proc/%d) ]",
		       unit.main_pid);
	assert_string_equal(ask(manager, &unit, script, 60 * USEC_PER_SEC).text,
			    "exited with status 0");
	fixture_systemctl("stop exec-dyn.service");
	assert_string_equal(ask(manager, &gone, "[ $(id -u) != 0 ]", 60 * USEC_PER_SEC).text,
			    "exited with status 0");
}

/* Systemd says that it ended; nothing of it is left, nor of its children. */
static void test_timeout(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	struct unit unit = of_nobody();
	struct probe_answer answer;

	answer = ask(manager, &unit, "trap '' TERM; sleep 4321 & sleep 4321 & wait",
		     400 * USEC_PER_MSEC);
	assert_false(answer.passed);
	assert_string_equal(answer.text, "the command did not end within 400ms");
	assert_in_range(answer.took_usec, 400 * USEC_PER_MSEC, 60 * USEC_PER_SEC);
	assert_int_not_equal(fixture_shell("pgrep -f 'sleep 432[1]' >/dev/null"), 0);
}

static void check_nothing_left(void)
{
	for (int i = 0; i < 1500; i++) {
		if (fixture_shell("systemctl $([ $(id -u) = 0 ] || echo --user) "
				  "list-units --all --plain --no-legend 'flipslot-probe-*' | "
				  "grep -q . || pgrep -f 'sleep 432[1]' >/dev/null") != 0)
			return;
		fixture_sleep_ms(20);
	}
	fail_msg("a probe's unit or a process of it is left");
}

/* A run that is given up takes its unit along at once, not at its timeout. */
static void test_given_up(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	struct probe_options options = running_options(PROBE_EXEC);
	struct unit unit = of_nobody();
	struct probe_context context = running_context(manager, &unit);
	struct probe_run *run = NULL;
	struct error err = {};
	char *command[] = { (char[]){ "bin/check" }, NULL };
	uint64_t began;

	fixture_write("bin/check", "#!/bin/sh\nsleep 4321\n", 0755);
	options.command = command;
	options.timeout_usec = 60 * USEC_PER_SEC;
	check_ok(probe_begin(&options, &context, &run, &err), &err);
	for (int i = 0; i < 3000 && fixture_shell("pgrep -f 'sleep 432[1]' >/dev/null") != 0; i++)
		fixture_sleep_ms(10);
	began = clock_monotonic_usec();
	probe_run_free(run);
	check_nothing_left();
	assert_in_range(clock_monotonic_usec() - began, 0, 50 * USEC_PER_SEC);
}

/* Good or bad, systemd forgets the unit when we have our answer. */
static void test_collected(void **state UNUSED)
{
	check_answer("exit 0", true, "exited with status 0");
	check_answer("exit 1", false, "exited with status 1");
	check_nothing_left();
}

/* In a user's own manager, with nothing to give away (as flipslot --user does). */
static void test_as_user(void **state UNUSED)
{
	if (geteuid() == 0)
		skip();
	check_answer("exit 0", true, "exited with status 0");
	check_answer("echo $(id -un) $FLIPSLOT_APP; exit 3", false,
		     "exited with status 3: tester app");
	check_answer("grep -q 'NoNewPrivs:.*1' /proc/self/status", true, "exited with status 0");
	check_nothing_left();
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WITH_DIR(test_status),	     WITH_DIR(test_last_line), WITH_DIR(test_surroundings),
		WITH_DIR(test_sandbox),	     WITH_DIR(test_absolute),  WITH_DIR(test_unknown_user),
		WITH_DIR(test_dynamic_user), WITH_DIR(test_timeout),   WITH_DIR(test_given_up),
		WITH_DIR(test_collected),
	};

	const struct CMUnitTest of_user[] = {
		WITH_DIR(test_as_user),
		WITH_DIR(test_timeout),
		WITH_DIR(test_given_up),
		WITH_DIR(test_absolute),
	};

	if (argc == 2 && strcmp(argv[1], "probe-helper") == 0)
		_exit(probe_helper_main()); /* without LeakSanitizer, which the filter would stop */
	if (geteuid() != 0)
		return cmocka_run_group_tests(of_user, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
