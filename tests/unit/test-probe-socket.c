#include "fixture.h"

#include "server.h"
#include "unit/probe-socket.h"

static char text[PROBE_TEXT_MAX];

static bool ask_tcp(const char *address)
{
	struct probe_order order = { .options.address = fixture_text(address) };

	return probe_socket_ask_tcp(&order, clock_monotonic_usec() + 60 * USEC_PER_SEC, text,
				    sizeof(text));
}

static bool ask_unix(const char *path)
{
	struct probe_order order = { .options.path = fixture_text(path) };

	return probe_socket_ask_unix(&order, clock_monotonic_usec() + 60 * USEC_PER_SEC, text,
				     sizeof(text));
}

static void check_split(const char *address, const char *wanted)
{
	char host[32];
	char port[8];
	char both[64];

	if (!probe_socket_split(address, host, sizeof(host), port, sizeof(port))) {
		if (wanted)
			fail_msg("%s was refused", address);
		return;
	}
	(void)snprintf(both, sizeof(both), "%s %s", host, port);
	assert_non_null(wanted);
	assert_string_equal(both, wanted);
}

static void test_split(void **state UNUSED)
{
	check_split("localhost:80", "localhost 80");
	check_split("127.0.0.1:65535", "127.0.0.1 65535");
	check_split("[::1]:443", "::1 443");
	check_split("::1:443", NULL);
	check_split("localhost", NULL);
	check_split("localhost:", NULL);
	check_split(":80", NULL);
	check_split("[]:80", NULL);
	check_split("[::1:80", NULL);
	check_split("localhost:http", NULL);
	check_split("localhost:80 ", NULL);
	check_split("localhost:123456789", NULL);
	check_split("a-name-that-is-longer-than-32-bytes.example:80", NULL);
	check_split("", NULL);
}

static void test_tcp(void **state UNUSED)
{
	struct server server = { .answer = "" };
	char address[64];
	char wanted[128];

	server_start(&server);
	(void)snprintf(address, sizeof(address), "127.0.0.1:%u", server.port);
	assert_true(ask_tcp(address));
	(void)snprintf(wanted, sizeof(wanted), "%s accepts connections", address);
	assert_string_equal(text, wanted);
	(void)snprintf(address, sizeof(address), "localhost:%u", server.port);
	assert_true(ask_tcp(address)); /* also where ::1 comes first and refuses */
	server_stop(&server);
	(void)snprintf(address, sizeof(address), "127.0.0.1:%u", server.port);
	assert_false(ask_tcp(address));
	(void)snprintf(wanted, sizeof(wanted), "connection refused at %s", address);
	assert_string_equal(text, wanted);
}

static void test_tcp_unresolved(void **state UNUSED)
{
	assert_false(ask_tcp("no-such-name.invalid:80"));
	check_says(text, "no-such-name.invalid cannot be resolved");
	assert_false(ask_tcp("nonsense"));
	check_says(text, "Address= is not HOST:PORT");
}

/* A listener that takes nobody off its queue: the kernel stops answering. */
static void test_tcp_full(void **state UNUSED)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct probe_order order = {};
	char place[64];
	uint64_t began;
	bool passed = true;

	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(fd, 0), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	(void)snprintf(place, sizeof(place), "127.0.0.1:%u", ntohs(address.sin_port));
	order.options.address = place;
	for (int i = 0; i < 4 && passed; i++) {
		began = clock_monotonic_usec();
		passed = probe_socket_ask_tcp(&order, began + 200 * USEC_PER_MSEC, text,
					      sizeof(text));
		if (passed) { /* it stays in the queue */
			int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

			(void)connect(other, (struct sockaddr *)&address, size);
		}
	}
	assert_false(passed);
	check_says(text, "no connection to 127.0.0.1:");
	check_says(text, " in time");
	assert_in_range(clock_monotonic_usec() - began, 150 * USEC_PER_MSEC, 30 * USEC_PER_SEC);
	(void)close(fd);
}

static int listen_unix(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t size = strlen(path);

	memcpy(address.sun_path, path, size);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	size += offsetof(struct sockaddr_un, sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, (socklen_t)size), 0);
	assert_int_equal(listen(fd, 0), 0);
	return fd;
}

static void test_unix(void **state UNUSED)
{
	const char *path = fixture_path("socket");
	int fd;

	assert_false(ask_unix(path));
	check_says(text, "there is no socket /tmp/");
	fd = listen_unix(path);
	assert_true(ask_unix(path));
	check_says(text, "/socket accepts connections");
	assert_true(ask_unix(path) || strstr(text, "its queue is full"));
	(void)close(fd);
	assert_false(ask_unix(path));
	check_says(text, "connection refused at /tmp/");
}

static void test_unix_queue(void **state UNUSED)
{
	const char *path = fixture_path("socket");
	int fd = listen_unix(path);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int others[2];

	memcpy(address.sun_path, path, strlen(path));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		others[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)connect(others[i], (struct sockaddr *)&address, sizeof(address));
	}
	assert_false(ask_unix(path));
	check_says(text, "its queue is full");
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		(void)close(others[i]);
	(void)close(fd);
}

static void test_unix_names(void **state UNUSED)
{
	char name[64];
	char longer[256];
	int fd;

	(void)snprintf(name, sizeof(name), "@flipslot-test-%d", getpid());
	fd = listen_unix(name);
	assert_true(ask_unix(name));
	(void)close(fd);
	assert_false(ask_unix(name));
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_false(ask_unix(longer));
	check_says(text, "longer than 107 bytes");
	assert_false(ask_unix(""));
	assert_int_equal(mkdir(fixture_path("folder"), 0755), 0);
	assert_false(ask_unix(fixture_path("folder")));
	check_says(text, "connection refused at");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_tcp_unresolved),
		cmocka_unit_test(test_tcp_full),
		cmocka_unit_test_setup_teardown(test_unix, fixture_set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(test_unix_queue, fixture_set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(test_unix_names, fixture_set_up, fixture_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
