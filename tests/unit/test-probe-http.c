#include "fixture.h"

#include "server.h"
#include "unit/probe-http.h"

static char text[PROBE_TEXT_MAX];
static char url[256];

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n"

static struct probe_order order_for(unsigned int port, const char *path)
{
	struct probe_order order = {};

	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", port, path);
	probe_options_init(&order.options);
	order.options.kind = PROBE_HTTP;
	order.options.url = url;
	return order;
}

static bool ask_within(const struct probe_order *order, unsigned int ms)
{
	return probe_http_ask(order, clock_monotonic_usec() + ms * USEC_PER_MSEC, text,
			      sizeof(text));
}

static bool ask(const struct probe_order *order)
{
	return ask_within(order, 60000);
}

static void test_status(void **state UNUSED)
{
	struct server server = { .answer = OK_HEAD "hello" };
	struct probe_order order;
	char wanted[128];

	server_start(&server);
	order = order_for(server.port, "/health");
	assert_true(ask(&order));
	(void)snprintf(wanted, sizeof(wanted), "HTTP 200 from http://127.0.0.1:%u/health",
		       server.port);
	assert_string_equal(text, wanted);
	check_says(server.request, "GET /health HTTP/1.1\r\n");
	check_says(server.request, "User-Agent: flipslot-probe/");
	order.options.status_ranges[0][0] = 204;
	order.options.status_ranges[0][1] = 204;
	order.options.status_ranges[1][0] = 300;
	order.options.status_ranges[1][1] = 399;
	order.options.n_status_ranges = 2;
	assert_false(ask(&order));
	check_says(text, ", wanted 204, 300-399");
	order.options.status_ranges[0][0] = 100;
	assert_true(ask(&order));
	order.options.status_ranges[0][1] = 199;
	assert_false(ask(&order));
	server_stop(&server);
}

static void test_bad_status(void **state UNUSED)
{
	struct server server = { .answer = "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n" };
	struct probe_order order;
	char wanted[128];

	server_start(&server);
	order = order_for(server.port, "/");
	assert_false(ask(&order));
	(void)snprintf(wanted, sizeof(wanted), "HTTP 500 from http://127.0.0.1:%u/, wanted 200-299",
		       server.port);
	assert_string_equal(text, wanted);
	server_stop(&server);
}

/* A redirection is an answer, not a way to somewhere else. */
static void test_redirection(void **state UNUSED)
{
	struct server server = {
		.answer = "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"
	};
	struct probe_order order;

	server_start(&server);
	order = order_for(server.port, "/");
	assert_false(ask(&order));
	check_says(text, "HTTP 302 from");
	order.options.status_ranges[0][0] = 302;
	order.options.status_ranges[0][1] = 302;
	order.options.n_status_ranges = 1;
	assert_true(ask(&order));
	server_stop(&server);
}

static void test_body(void **state UNUSED)
{
	struct server server = { .answer = OK_HEAD "hello" };
	struct probe_order order;

	server_start(&server);
	order = order_for(server.port, "/");
	order.options.body = (char[]){ "ell" };
	assert_true(ask(&order));
	order.options.body = (char[]){ "ok" };
	assert_false(ask(&order));
	check_says(text, "but its body does not contain \"ok\"");
	server_stop(&server);
}

/* Neither a body without end nor one that says nothing holds the probe up. */
static void test_endless_body(void **state UNUSED)
{
	struct server server = { .manner = SERVER_NEVER_ENDS,
				 .answer = "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\n\r\nready " };
	struct probe_order order;
	uint64_t began = clock_monotonic_usec();

	server_start(&server);
	order = order_for(server.port, "/events");
	assert_true(ask(&order));
	order.options.body = (char[]){ "ready" };
	assert_true(ask(&order));
	assert_in_range(clock_monotonic_usec() - began, 0, 30 * USEC_PER_SEC);
	order.options.body = (char[]){ "never" };
	assert_false(ask_within(&order, 300));
	check_says(text, "no answer from http://127.0.0.1:");
	server_stop(&server);
}

static void test_large_body(void **state UNUSED)
{
	_cleanup_free_ char *answer = malloc(200000);
	struct server server = {};
	struct probe_order order;

	(void)snprintf(answer, 200000,
		       "HTTP/1.1 200 OK\r\nContent-Length: 100003\r\n\r\n%0100000dend", 0);
	server.answer = answer;
	server_start(&server);
	order = order_for(server.port, "/");
	order.options.body = (char[]){ "end" };
	assert_false(ask(&order)); /* it is behind the 64 KiB that are looked at */
	check_says(text, "does not contain \"end\"");
	server_stop(&server);
}

static void test_header(void **state UNUSED)
{
	struct server server = { .answer = OK_HEAD "hello" };
	struct probe_order order;

	server_start(&server);
	order = order_for(server.port, "/");
	order.options.header = (char[]){ "content-type: text/" };
	assert_true(ask(&order));
	order.options.header = (char[]){ "Content-Type" };
	assert_true(ask(&order));
	order.options.header = (char[]){ "Content: text/" };
	assert_false(ask(&order));
	check_says(text, "but no header \"Content: text/\"");
	order.options.header = (char[]){ "Content-Type: html" };
	assert_false(ask(&order));
	server_stop(&server);
}

static void test_no_server(void **state UNUSED)
{
	struct probe_order order = order_for(server_no_port(), "/");
	char wanted[300];

	assert_false(ask(&order));
	(void)snprintf(wanted, sizeof(wanted), "connection refused at %s", url + strlen("http://"));
	wanted[strlen(wanted) - 1] = '\0';
	assert_string_equal(text, wanted);
}

static void test_bad_servers(void **state UNUSED)
{
	struct server hangs_up = { .manner = SERVER_HANGS_UP };
	struct server silent = { .manner = SERVER_IS_SILENT };
	struct server babbles = { .answer = "\x01\x02 not HTTP at all\r\n\r\n" };
	struct probe_order order;
	uint64_t began;

	server_start(&hangs_up);
	order = order_for(hangs_up.port, "/");
	assert_false(ask(&order));
	check_says(text, "closed the connection without an answer");
	server_stop(&hangs_up);
	server_start(&silent);
	order = order_for(silent.port, "/");
	began = clock_monotonic_usec();
	assert_false(ask_within(&order, 200));
	assert_in_range(clock_monotonic_usec() - began, 150 * USEC_PER_MSEC, 30 * USEC_PER_SEC);
	check_says(text, "no answer from http://127.0.0.1:");
	server_stop(&silent);
	server_start(&babbles);
	order = order_for(babbles.port, "/");
	assert_false(ask(&order));
	check_says(text, "http://127.0.0.1:");
	server_stop(&babbles);
}

static void test_bad_urls(void **state UNUSED)
{
	struct probe_order order = order_for(1, "/");

	order.options.url = (char[]){ "file:///etc/passwd" };
	assert_false(ask(&order));
	check_says(text, "Protocol");
	order.options.url = (char[]){ "gopher://127.0.0.1/" };
	assert_false(ask(&order));
	order.options.url = (char[]){ "http://no-such-name.invalid/" };
	assert_false(ask(&order));
	check_says(text, "no-such-name.invalid/ cannot be resolved");
	order.options.url = (char[]){ "http://[:::/" };
	assert_false(ask(&order));
}

/* Passwords and tokens stay out of the answer, and no proxy of the environment gets them. */
static void test_secrets(void **state UNUSED)
{
	struct server server = { .answer = "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n" };
	struct probe_order order;

	server_start(&server);
	order = order_for(server.port, "/");
	(void)snprintf(url, sizeof(url), "http://user:secret@127.0.0.1:%u/a?token=secret#secret",
		       server.port);
	assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
	assert_false(ask(&order));
	assert_int_equal(unsetenv("http_proxy"), 0);
	check_says(text, "HTTP 401 from http://127.0.0.1:");
	check_says(text, "/a, wanted");
	assert_null(strstr(text, "secret"));
	assert_null(strstr(text, "user"));
	check_says(server.request, "GET /a?token=secret HTTP/1.1\r\n");
	check_says(server.request, "Authorization: Basic dXNlcjpzZWNyZXQ=");
	server_stop(&server);
}

/* ---- HTTPS, by openssl's own server ---- */

static pid_t start_tls(unsigned int port)
{
	char command[1024];
	char number[16];
	pid_t pid;

	(void)snprintf(command, sizeof(command),
		       "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
		       "-keyout %s -out %s -days 2 -subj /CN=localhost "
		       "-addext subjectAltName=DNS:localhost 2>/dev/null",
		       fixture_path("key"), fixture_path("cert"));
	if (fixture_shell(command) != 0)
		skip();
	(void)snprintf(number, sizeof(number), "%u", port);
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		(void)dup2(null, STDOUT_FILENO);
		(void)dup2(null, STDERR_FILENO);
		(void)execlp("openssl", "openssl", "s_server", "-accept", number, "-cert",
			     fixture_path("cert"), "-key", fixture_path("key"), "-www", "-quiet",
			     NULL);
		_exit(127);
	}
	return pid;
}

static void test_tls(void **state UNUSED)
{
	unsigned int port = server_no_port();
	pid_t pid = start_tls(port);
	struct probe_order order = order_for(port, "/");
	bool passed = false;

	(void)snprintf(url, sizeof(url), "https://localhost:%u/", port);
	order.options.ca_file = fixture_text(fixture_path("cert"));
	for (int i = 0; i < 1500 && !passed; i++) {
		passed = ask(&order);
		fixture_sleep_ms(passed ? 0 : 20);
	}
	assert_true(passed);
	order.options.ca_file = NULL;
	assert_false(ask(&order));
	check_says(text, "the certificate of localhost:");
	check_says(text, "is not good");
	order.options.insecure = true;
	assert_true(ask(&order));
	order.options.ca_file = (char[]){ "/nonexistent.pem" };
	assert_false(ask(&order));
	check_says(text, "the CAFile= /nonexistent.pem cannot be read: No such file");
	/* right certificate, wrong name */
	order.options.insecure = false;
	order.options.ca_file = fixture_text(fixture_path("cert"));
	(void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/", port);
	assert_false(ask(&order));
	check_says(text, "the certificate of 127.0.0.1:");
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_bad_status),
		cmocka_unit_test(test_redirection),
		cmocka_unit_test(test_body),
		cmocka_unit_test(test_endless_body),
		cmocka_unit_test(test_large_body),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_no_server),
		cmocka_unit_test(test_bad_servers),
		cmocka_unit_test(test_bad_urls),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test_setup_teardown(test_tls, fixture_set_up, fixture_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
