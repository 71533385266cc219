#include "fixture.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/spawn.h"
#include "server.h"
#include "unit/probe-helper.h"
#include "unit/probe.h"

/* ---- options ---- */

static void test_names(void **state UNUSED)
{
	for (int kind = 0; kind < PROBE_KIND_MAX; kind++)
		assert_int_equal(probe_kind_from_name(probe_kind_name((enum probe_kind)kind)),
				 kind);
	assert_string_equal(probe_kind_name(PROBE_JOURNAL), "journal");
	assert_string_equal(probe_kind_name(PROBE_HEALTH), "health");
	assert_int_equal(probe_kind_from_name("HTTP"), PROBE_KIND_MAX);
	assert_string_equal(probe_kind_name(PROBE_KIND_MAX), "unknown");
	assert_true(probe_is_of_unit(PROBE_UNIT) && probe_is_of_unit(PROBE_NOTIFY));
	assert_false(probe_is_of_unit(PROBE_HTTP));
}

static void test_defaults(void **state UNUSED)
{
	struct probe_options options;

	probe_options_init(&options);
	assert_true(options.required && !options.external && options.in_start && options.in_watch);
	assert_int_equal(options.kind, PROBE_UNIT);
	assert_int_equal(options.period_usec, 2 * USEC_PER_SEC);
	assert_int_equal(options.timeout_usec, 5 * USEC_PER_SEC);
	assert_int_equal(options.success_threshold, 1);
	assert_int_equal(options.failure_threshold, 3);
	options.url = strdup("x");
	options.command = calloc(2, sizeof(char *));
	options.command[0] = strdup("y");
	probe_options_done(&options);
	assert_null(options.url);
}

/* ---- of the unit ---- */

static void check_unit(const struct unit *unit, enum probe_kind kind, const char *match,
		       bool passed, const char *wanted)
{
	struct probe_options options = { .kind = kind, .match = fixture_text(match) };
	struct probe_context context = { .invocation = "abc" };
	struct probe_answer answer;

	probe_ask_unit(&options, &context, unit, &answer);
	assert_string_equal(answer.text, wanted);
	assert_int_equal(answer.passed, passed);
}

static struct unit active_unit(const char *type)
{
	struct unit unit = { .load_state = "loaded",
			     .active_state = "active",
			     .sub_state = "running",
			     .result = "success",
			     .invocation = "abc" };

	(void)snprintf(unit.type, sizeof(unit.type), "%s", type);
	return unit;
}

static void test_unit(void **state UNUSED)
{
	struct unit unit = active_unit("simple");

	check_unit(&unit, PROBE_UNIT, NULL, true, "active (running)");
	unit.restarts = 2;
	check_unit(&unit, PROBE_UNIT, NULL, false,
		   "it ended and was restarted by systemd, 2 times");
	unit = active_unit("simple");
	(void)snprintf(unit.invocation, sizeof(unit.invocation), "abd");
	check_unit(&unit, PROBE_UNIT, NULL, false, "it was restarted by somebody else");
	unit = active_unit("simple");
	(void)snprintf(unit.active_state, sizeof(unit.active_state), "activating");
	unit.main_pid = 5;
	check_unit(&unit, PROBE_UNIT, NULL, false, "is still starting (running)");
	unit = active_unit("simple");
	(void)snprintf(unit.active_state, sizeof(unit.active_state), "failed");
	(void)snprintf(unit.result, sizeof(unit.result), "exit-code");
	unit.exec_main_code = CLD_EXITED;
	unit.exec_main_status = 1;
	check_unit(&unit, PROBE_UNIT, NULL, false, "exited with status 1");
	unit = active_unit("oneshot");
	(void)snprintf(unit.active_state, sizeof(unit.active_state), "inactive");
	check_unit(&unit, PROBE_UNIT, NULL, false, "is not started");
	unit.exec_main_code = CLD_EXITED;
	check_unit(&unit, PROBE_UNIT, NULL, true, "inactive (running)");
}

static void test_notify(void **state UNUSED)
{
	struct unit unit = active_unit("simple");

	check_unit(&unit, PROBE_NOTIFY, NULL, false, "the unit has Type=simple, not notify");
	unit = active_unit("notify");
	check_unit(&unit, PROBE_NOTIFY, NULL, true, "ready");
	unit = active_unit("notify-reload");
	(void)snprintf(unit.status_text, sizeof(unit.status_text), "serving\033[m 5");
	check_unit(&unit, PROBE_NOTIFY, "serving", true, "ready: serving\\x1b[m 5");
	check_unit(&unit, PROBE_NOTIFY, "idle", false,
		   "its status is \"serving\\x1b[m 5\", wanted \"idle\"");
	unit.restarts = 1;
	check_unit(&unit, PROBE_NOTIFY, "serving", false,
		   "it ended and was restarted by systemd, 1 times");
}

/* ---- in a child ---- */

static struct probe_context context_of(const char *helper)
{
	return (struct probe_context){
		.helper = helper,
		.app = "app",
		.unit = "app.service",
		.slot_path = fixture_dir,
		.user = "nobody",
		.group = "",
		.invocation = "",
		.started = 0,
	};
}

static struct probe_answer ask(const struct probe_options *options,
			       const struct probe_context *context)
{
	_cleanup_(probe_run_freep) struct probe_run *run = NULL;
	struct probe_answer answer = {};
	struct error err = {};
	int r = PROBE_PENDING;

	check_ok(probe_begin(options, context, &run, &err), &err);
	while (r == PROBE_PENDING) {
		struct pollfd poll_fd = { .fd = probe_fd(run), .events = POLLIN };
		uint64_t now = clock_monotonic_usec();
		uint64_t deadline = probe_deadline(run);

		(void)poll(&poll_fd, 1, now < deadline ? (int)((deadline - now) / 1000) + 1 : 0);
		r = probe_finish(run, &answer, &err);
		check_ok(r, &err);
	}
	return answer;
}

static void check_no_children(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static struct probe_options options_of(enum probe_kind kind)
{
	struct probe_options options;

	probe_options_init(&options);
	options.kind = kind;
	options.name = fixture_text("test");
	return options;
}

static void test_http(void **state UNUSED)
{
	struct server server = { .answer = "HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n" };
	struct probe_options options = options_of(PROBE_HTTP);
	struct probe_context context = context_of("/proc/self/exe");
	struct probe_answer answer;
	char url[64];
	char wanted[128];

	server_start(&server);
	/* by name, so that the resolver has to work inside of the filter */
	(void)snprintf(url, sizeof(url), "http://localhost:%u/", server.port);
	options.url = url;
	answer = ask(&options, &context);
	(void)snprintf(wanted, sizeof(wanted), "HTTP 500 from %s, wanted 200-299", url);
	assert_string_equal(answer.text, wanted);
	assert_false(answer.passed);
	options.status_ranges[0][0] = 500;
	options.status_ranges[0][1] = 500;
	options.n_status_ranges = 1;
	answer = ask(&options, &context);
	assert_true(answer.passed);
	assert_in_range(answer.took_usec, 1, 60 * USEC_PER_SEC);
	print_message("http probe, with its child: %" PRIu64 " us\n", answer.took_usec);
	server_stop(&server);
	check_no_children();
}

static void test_name_by_dns(void **state UNUSED)
{
	struct probe_options options = options_of(PROBE_HTTP);
	struct probe_context context = context_of("/proc/self/exe");
	struct probe_answer answer;

	options.url = (char[]){ "http://no-such-name.invalid/" };
	answer = ask(&options, &context);
	assert_false(answer.passed);
	check_says(answer.text, "cannot be resolved");
	options.url = (char[]){ "https://127.0.0.1:1/" };
	answer = ask(&options, &context);
	assert_string_equal(answer.text, "connection refused at 127.0.0.1:1");
}

static void test_tcp(void **state UNUSED)
{
	struct server server = { .answer = "" };
	struct probe_options options = options_of(PROBE_TCP);
	struct probe_context context = context_of("/proc/self/exe");
	struct probe_answer answer;
	char address[64];

	server_start(&server);
	(void)snprintf(address, sizeof(address), "localhost:%u", server.port);
	options.address = address;
	answer = ask(&options, &context);
	assert_true(answer.passed);
	server_stop(&server);
	answer = ask(&options, &context);
	assert_false(answer.passed);
	check_says(answer.text, "connection refused at localhost:");
}

/* With the rights of the app's user, and paths in the slot. */
static void test_file_and_unix(void **state UNUSED)
{
	struct probe_options options = options_of(PROBE_FILE);
	struct probe_context context = context_of("/proc/self/exe");
	struct probe_answer answer;

	fixture_write("open", "yes", 0644);
	fixture_write("closed", "yes", 0600);
	options.path = (char[]){ "open" };
	options.match = (char[]){ "yes" };
	answer = ask(&options, &context);
	assert_string_equal(answer.text, "open is there, with the wanted text");
	assert_true(answer.passed);
	options.path = (char[]){ "closed" };
	answer = ask(&options, &context);
	assert_int_equal(answer.passed, geteuid() != 0);
	if (geteuid() == 0)
		assert_string_equal(answer.text, "closed cannot be opened: Permission denied");
	options = options_of(PROBE_UNIX);
	options.path = (char[]){ "no-socket" };
	answer = ask(&options, &context);
	assert_string_equal(answer.text, "there is no socket no-socket");
	context.user = "no-such-user";
	answer = ask(&options, &context);
	if (geteuid() == 0)
		assert_string_equal(answer.text,
				    "could not be asked: there is no user \"no-such-user\"");
	check_no_children();
}

static void test_timeout(void **state UNUSED)
{
	struct server server = { .manner = SERVER_IS_SILENT };
	struct probe_options options = options_of(PROBE_HTTP);
	struct probe_context context = context_of("/proc/self/exe");
	struct probe_answer answer;
	char url[64];

	server_start(&server);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", server.port);
	options.url = url;
	options.timeout_usec = 200 * USEC_PER_MSEC;
	answer = ask(&options, &context);
	assert_false(answer.passed);
	check_says(answer.text, "no answer from http://127.0.0.1:");
	assert_in_range(answer.took_usec, 200 * USEC_PER_MSEC, 30 * USEC_PER_SEC);
	server_stop(&server);
}

/* ---- helpers that cannot be trusted ---- */

static struct probe_answer ask_rogue(const char *script, uint64_t timeout_usec)
{
	struct probe_options options = options_of(PROBE_TCP);
	struct probe_context context;

	fixture_write("rogue", script, 0755);
	context = context_of(fixture_path("rogue"));
	options.timeout_usec = timeout_usec;
	return ask(&options, &context);
}

static void test_rogues(void **state UNUSED)
{
	struct probe_answer answer =
		ask_rogue("#!/bin/sh\nprintf 'ok \\033[31mred\\n'\n", 30 * USEC_PER_SEC);

	assert_true(answer.passed);
	assert_string_equal(answer.text, "\\x1b[31mred");
	answer = ask_rogue("#!/bin/sh\nexit 3\n", 30 * USEC_PER_SEC);
	assert_false(answer.passed);
	assert_string_equal(answer.text,
			    "the helper of the probe gave no answer: it exited with status 3");
	answer = ask_rogue("#!/bin/sh\nkill -SEGV $$\n", 30 * USEC_PER_SEC);
	assert_string_equal(
		answer.text,
		"the helper of the probe gave no answer: it was killed by signal 11 (SEGV)");
	answer = ask_rogue("#!/bin/sh\necho maybe\n", 30 * USEC_PER_SEC);
	assert_false(answer.passed);
	check_says(answer.text, "the helper of the probe gave no answer");
	answer = ask_rogue("#!/bin/sh\nprintf 'ok without an end'\n", 30 * USEC_PER_SEC);
	assert_false(answer.passed);
	answer = ask_rogue("#!/bin/sh\nhead -c 100000 /dev/zero | tr '\\0' x; sleep 100\n",
			   USEC_PER_SEC);
	assert_false(answer.passed);
	check_no_children();
}

/* No answer in time: killed, with what it started. */
static void test_hanging(void **state UNUSED)
{
	char script[256];
	struct probe_answer answer;
	char pid[16] = "";
	char link[64];
	char program[64];
	int fd;

	(void)snprintf(
		script, sizeof(script),
		"#!/bin/sh\ntrap '' TERM\nsleep 1000 &\necho $! >%s\nprintf ok\nsleep 1000\n",
		fixture_path("pid"));
	answer = ask_rogue(script, USEC_PER_SEC);
	assert_false(answer.passed);
	assert_string_equal(answer.text, "no answer in 1s");
	assert_in_range(answer.took_usec, 1500 * USEC_PER_MSEC, 30 * USEC_PER_SEC);
	fd = open(fixture_path("pid"), O_RDONLY | O_CLOEXEC);
	assert_true(read(fd, pid, sizeof(pid) - 1) > 0);
	(void)close(fd);
	pid[strcspn(pid, "\n")] = '\0';
	(void)snprintf(link, sizeof(link), "/proc/%s/exe", pid); /* a zombie has none */
	for (int i = 0; i < 3000 && readlink(link, program, sizeof(program)) > 0; i++)
		fixture_sleep_ms(10);
	assert_int_equal(readlink(link, program, sizeof(program)), -1);
	check_no_children();
}

static void test_given_up(void **state UNUSED)
{
	struct probe_options options = options_of(PROBE_TCP);
	struct probe_context context;
	struct probe_run *run = NULL;
	struct probe_answer answer;
	struct error err = {};

	fixture_write("rogue", "#!/bin/sh\nsleep 1000\n", 0755);
	context = context_of(fixture_path("rogue"));
	check_ok(probe_begin(&options, &context, &run, &err), &err);
	assert_int_equal(probe_finish(run, &answer, &err), PROBE_PENDING);
	probe_run_free(run);
	check_no_children();
	context = context_of("/nonexistent");
	assert_true(probe_begin(&options, &context, &run, &err) < 0);
	check_says(err.text, "starting the probe-helper /nonexistent: No such file");
	check_no_children();
}

/* A socket that nobody serves: the service cannot be blamed for an order that nobody takes. */
static void test_unasked(void **state UNUSED)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct probe_options options = options_of(PROBE_TCP);
	struct probe_context context = context_of("/proc/self/exe");
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct probe_run *run = NULL;
	struct probe_answer answer;
	struct error err = {};

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", fixture_path("spawner"));
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 8), 0);
	spawn_through(address.sun_path);
	options.timeout_usec = 50 * USEC_PER_MSEC;
	check_ok(probe_begin(&options, &context, &run, &err), &err);
	assert_int_equal(probe_finish(run, &answer, &err), PROBE_PENDING);
	(void)usleep(700000);
	assert_int_equal(probe_finish(run, &answer, &err), PROBE_UNASKED);
	check_says(err.text, "nobody started the helper of a probe");
	probe_run_free(run);
	spawn_through(NULL);
}

/* What a helper finds itself with. */
static int report(void)
{
	struct sigaction action;
	int fds = 0;

	for (int fd = 3; fd < 1024; fd++)
		fds += fcntl(fd, F_GETFD) >= 0;
	(void)sigaction(SIGTERM, NULL, &action);
	printf("ok secret %s, %d descriptors, SIGTERM %s, session %s\n",
	       getenv("SECRET") ? "seen" : "unseen", fds,
	       action.sa_handler == SIG_DFL ? "default" : "changed",
	       getsid(0) == getpid() ? "own" : "ours");
	return 0;
}

static void test_bare(void **state UNUSED)
{
	struct probe_answer answer;
	char program[512] = "";
	char script[600];
	int leak = open("/dev/null", O_RDONLY); /* NOLINT: without CLOEXEC, as a library might */

	assert_true(leak >= 3);
	assert_true(readlink("/proc/self/exe", program, sizeof(program) - 1) > 0);
	(void)snprintf(script, sizeof(script), "#!/bin/sh\nexec %s report\n", program);
	assert_int_equal(setenv("SECRET", "x", 1), 0);
	(void)signal(SIGTERM, SIG_IGN);
	answer = ask_rogue(script, 30 * USEC_PER_SEC);
	(void)signal(SIGTERM, SIG_DFL);
	assert_string_equal(answer.text,
			    "secret unseen, 0 descriptors, SIGTERM default, session own");
	(void)close(leak);
}

/* It dies with us. */
static void test_parent_dies(void **state UNUSED)
{
	struct server server = { .manner = SERVER_IS_SILENT };
	struct probe_options options = options_of(PROBE_HTTP);
	struct probe_context context = context_of("/proc/self/exe");
	char url[64];
	int fds[2];
	char byte;
	pid_t pid;

	server_start(&server);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", server.port);
	options.url = url;
	options.timeout_usec = 60 * USEC_PER_SEC;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		struct probe_run *run = NULL;
		struct error err = {};

		if (probe_begin(&options, &context, &run, &err) == 0) {
			fixture_sleep_ms(300); /* it is asking now, as another user */
			(void)!write(fds[1], "x", 1);
		}
		pause();
	}
	(void)close(fds[1]);
	assert_int_equal(read(fds[0], &byte, 1), 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	/* the silent server hears the connection close, and takes the next one */
	server.manner = SERVER_ANSWERS;
	server.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	options.timeout_usec = 30 * USEC_PER_SEC;
	assert_true(ask(&options, &context).passed);
	server_stop(&server);
	(void)close(fds[0]);
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names), cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_unit),  cmocka_unit_test(test_notify),
		WITH_DIR(test_http),	      WITH_DIR(test_name_by_dns),
		WITH_DIR(test_tcp),	      WITH_DIR(test_file_and_unix),
		WITH_DIR(test_timeout),	      WITH_DIR(test_rogues),
		WITH_DIR(test_hanging),	      WITH_DIR(test_given_up),
		WITH_DIR(test_unasked),	      WITH_DIR(test_bare),
		WITH_DIR(test_parent_dies),
	};

	if (argc == 2 && strcmp(argv[1], "probe-helper") == 0)
		_exit(probe_helper_main()); /* without LeakSanitizer, which the filter would stop */
	if (argc == 2 && strcmp(argv[1], "report") == 0)
		return report();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
