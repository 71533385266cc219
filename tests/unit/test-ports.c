/* Which ports are listened on, and whether they are free: real sockets. */
#include "fixture.h"

#include <arpa/inet.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "unit/ports.h"

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

static bool has(pid_t net, uint16_t port)
{
	static struct ports_listeners listeners;
	bool found = false;

	ports_listeners(net, &listeners);
	for (size_t i = 0; i < listeners.n; i++)
		found = found || (listeners.list[i].port == port && listeners.list[i].inode > 0);
	return found;
}

struct seen {
	unsigned long long wanted;
	bool found;
};

static void see(void *data, unsigned long long inode)
{
	struct seen *seen = data;

	seen->found = seen->found || seen->wanted == inode;
}

static void the_sockets_of_a_process_are_seen(void **unused)
{
	uint16_t port = 0;
	int fd = listen_anywhere(AF_INET, &port);
	struct seen seen = {};
	struct stat st;

	(void)unused;
	assert_int_equal(fstat(fd, &st), 0);
	seen.wanted = st.st_ino;
	ports_each_socket(getpid(), see, &seen);
	assert_true(seen.found);
	cleanup_close(&fd);
	seen.found = false;
	ports_each_socket(getpid(), see, &seen);
	assert_false(seen.found);
	ports_each_socket(INT32_MAX, see, &seen);
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

	(void)unused;
	assert_true(fd4 >= 0 && has(getpid(), four));
	assert_true(fd6 < 0 || has(getpid(), six));
}

/* More than the kernel gives in one go. */
static void all_of_many_are_found(void **unused)
{
	enum { MANY = 100 };
	uint16_t ports[MANY] = {};
	int fds[MANY], pair[2];

	(void)unused;
	for (size_t i = 0; i < MANY; i++)
		fds[i] = listen_anywhere(AF_INET, &ports[i]);
	connect_to(fds[0], ports[0], pair);
	for (size_t i = 0; i < MANY; i++)
		assert_true(fds[i] >= 0 && has(getpid(), ports[i]));
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(look_at(ports[i]), PORTS_HELD);
	for (size_t i = 0; i < MANY; i++)
		cleanup_close(&fds[i]);
	assert_int_equal(look_at(ports[0]), PORTS_HELD);
	cleanup_close(&pair[0]);
	cleanup_close(&pair[1]);
}

static void what_is_closed_or_only_connected_is_none(void **unused)
{
	uint16_t port = 0;
	int fd = listen_anywhere(AF_INET, &port);
	int fds[2];

	(void)unused;
	connect_to(fd, port, fds);
	cleanup_close(&fd);
	assert_false(has(getpid(), port));
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
	bool here, there;

	(void)unused;
	if (pid == 0)
		skip(); /* networks are root's to make */
	here = has(getpid(), 7);
	there = has(pid, 7);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	assert_false(here);
	assert_true(there);
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
		cmocka_unit_test(all_of_many_are_found),
		cmocka_unit_test(the_sockets_of_a_process_are_seen),
		cmocka_unit_test(what_is_closed_or_only_connected_is_none),
		cmocka_unit_test(those_of_another_network_are_none),
		cmocka_unit_test(held_closing_free),
		cmocka_unit_test(no_ports_no_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
