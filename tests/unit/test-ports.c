/* LDFLAGS: -Wl,--wrap=cgroup_list */
/* Which ports a unit listens on, and whether they are free: real sockets, this process is the unit. */
#include "fixture.h"

#include <arpa/inet.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "unit/cgroup.h"
#include "unit/ports.h"

static pid_t unit_pid;

int __wrap_cgroup_list(const char *path, pid_t **ret_pids, size_t *ret_n, struct error *err);

int __wrap_cgroup_list(const char *path, pid_t **ret_pids, size_t *ret_n, struct error *err)
{
	assert_string_equal(path, "/system.slice/app.service");
	*ret_pids = calloc(1, sizeof(pid_t));
	assert_non_null(*ret_pids);
	**ret_pids = unit_pid;
	*ret_n = 1;
	return 0;
}

static int listen_anywhere(int family, uint16_t *ret_port)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
	struct sockaddr_in *four = (struct sockaddr_in *)&address;
	socklen_t size = family == AF_INET ? sizeof(*four) : sizeof(address);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (family == AF_INET)
		*four = (struct sockaddr_in){ .sin_family = AF_INET,
					      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0) {
		cleanup_close(&fd);
		return -1; /* no IPv6 here, say */
	}
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	*ret_port = ntohs(family == AF_INET ? four->sin_port : address.sin6_port);
	return fd;
}

static struct ports find_of(pid_t pid, pid_t net)
{
	struct unit unit = { .control_group = "/system.slice/app.service", .main_pid = pid };
	struct ports ports = {};
	struct error err = {};

	unit_pid = pid;
	check_ok(ports_find(&unit, net, &ports, &err), &err);
	return ports;
}

static struct ports find(void)
{
	return find_of(getpid(), getpid());
}

static bool has(const struct ports *ports, uint16_t port)
{
	for (size_t i = 0; i < ports->n; i++)
		if (ports->list[i] == port)
			return true;
	return false;
}

/* A connection to that port from the one side, and from the other. */
static void connect_to(int listener, uint16_t port, int ret_fds[static 2])
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	ret_fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(ret_fds[0], (struct sockaddr *)&address, sizeof(address)), 0);
	ret_fds[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(ret_fds[1] >= 0);
}

static enum ports_state look_at(uint16_t port)
{
	const struct ports ports = { .list = { 1, port }, .n = 2 };
	uint16_t busy = 0;
	enum ports_state state = ports_look(&ports, getpid(), &busy);

	assert_int_equal(busy, state == PORTS_FREE ? 0 : port);
	return state;
}

static void listeners_of_both_families_are_found(void **unused)
{
	uint16_t four = 0, six = 0;
	_cleanup_close_ int fd4 = listen_anywhere(AF_INET, &four);
	_cleanup_close_ int fd6 = listen_anywhere(AF_INET6, &six);
	struct ports ports = find();

	(void)unused;
	assert_true(fd4 >= 0 && has(&ports, four));
	assert_true(fd6 < 0 || has(&ports, six));
}

static void what_is_closed_or_only_connected_is_none(void **unused)
{
	uint16_t port = 0;
	int fd = listen_anywhere(AF_INET, &port);
	struct ports ports;
	int fds[2];

	(void)unused;
	connect_to(fd, port, fds);
	cleanup_close(&fd);
	ports = find();
	assert_false(has(&ports, port));
	cleanup_close(&fds[0]);
	cleanup_close(&fds[1]);
}

/* On port 7 of a network of its own (PrivateNetwork=). */
static bool listen_apart(const void *data)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(7) };
	int fd;

	(void)data;
	if (unshare(CLONE_NEWNET) < 0)
		return false;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 5) == 0;
}

static void those_of_another_network_are_none(void **unused)
{
	pid_t pid = fixture_child(listen_apart, NULL);
	struct ports here, there;

	(void)unused;
	if (pid == 0)
		skip(); /* networks are root's to make */
	here = find_of(pid, getpid());
	there = find_of(pid, pid);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	assert_int_equal(here.n, 0);
	assert_true(there.n == 1 && there.list[0] == 7);
}

static void held_closing_free(void **unused)
{
	uint16_t port = 0;
	int fd = listen_anywhere(AF_INET, &port);
	int fds[2];

	(void)unused;
	assert_int_equal(look_at(port), PORTS_HELD);
	connect_to(fd, port, fds);
	cleanup_close(&fd);
	assert_int_equal(look_at(port), PORTS_HELD); /* somebody serves a connection */
	cleanup_close(&fds[1]);
	assert_int_equal(look_at(port), PORTS_CLOSING);
	cleanup_close(&fds[0]);
	assert_int_equal(look_at(port), PORTS_CLOSING); /* TIME_WAIT */
}

static void no_ports_no_process(void **unused)
{
	const struct ports none = {};
	const struct ports some = { .list = { 80 }, .n = 1 };
	uint16_t busy = 7;

	(void)unused;
	assert_int_equal(ports_look(&none, getpid(), &busy), PORTS_FREE);
	assert_int_equal(busy, 0);
	assert_int_equal(ports_look(&some, INT32_MAX, &busy), PORTS_FREE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listeners_of_both_families_are_found),
		cmocka_unit_test(what_is_closed_or_only_connected_is_none),
		cmocka_unit_test(those_of_another_network_are_none),
		cmocka_unit_test(held_closing_free),
		cmocka_unit_test(no_ports_no_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
