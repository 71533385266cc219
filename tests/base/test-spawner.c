#include "base/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "check.h"

static int connection;
static int leash;

/* One that does not end by itself. */
static _Noreturn void as_helper(void)
{
	(void)dprintf(STDOUT_FILENO, "%d\n", getpid());
	for (;;)
		(void)pause();
}

static pid_t start_spawner(void)
{
	int pair[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)close(pair[0]);
		_exit(spawner_serve(pair[1]));
	}
	(void)close(pair[1]);
	connection = pair[0];
	return pid;
}

static void send_order(const struct spawner_order *order, size_t n_fds, int out)
{
	int program = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(SPAWNER_FDS * sizeof(int))];
	} control = {};
	struct iovec data = { .iov_base = (void *)order, .iov_len = sizeof(*order) };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };
	int pair[2];
	int fds[SPAWNER_FDS] = { program, null, out };

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	leash = pair[0];
	fds[SPAWNER_LEASH] = pair[1];
	message.msg_control = control.bytes;
	message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(n_fds * sizeof(int));
	memcpy(CMSG_DATA(&control.header), fds, n_fds * sizeof(int));
	assert_int_equal(sendmsg(connection, &message, 0), (ssize_t)sizeof(*order));
	(void)close(pair[1]);
	(void)close(program);
	(void)close(null);
}

static const struct spawner_order good = { SPAWNER_VERSION, "probe-helper" };

static pid_t start_helper(void)
{
	char line[32] = "";
	int pipes[2];

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	send_order(&good, SPAWNER_FDS, pipes[1]);
	(void)close(pipes[1]);
	assert_true(read(pipes[0], line, sizeof(line) - 1) > 0);
	(void)close(pipes[0]);
	return (pid_t)strtol(line, NULL, 10);
}

static bool is_gone(pid_t pid)
{
	for (int i = 0; i < 100 && kill(pid, 0) == 0; i++)
		(void)poll(NULL, 0, 20);
	return kill(pid, 0) < 0 && errno == ESRCH;
}

static void a_leash_let_go_kills_one(void **state)
{
	pid_t spawner = start_spawner();
	pid_t first = start_helper(), second;
	int first_leash = leash;

	second = start_helper();
	(void)close(first_leash);
	assert_true(is_gone(first));
	assert_int_equal(kill(second, 0), 0);
	(void)close(connection);
	assert_true(is_gone(second));
	assert_int_equal(waitpid(spawner, NULL, 0), spawner);
	(void)close(leash);
}

/* Nothing is started, and the spawner ends, as its leash tells. */
static void check_refused(const struct spawner_order *order, size_t n_fds)
{
	pid_t spawner = start_spawner();
	struct pollfd poll_fd = { .events = POLLIN };
	char byte;
	int status;

	send_order(order, n_fds, STDOUT_FILENO);
	poll_fd.fd = leash;
	assert_int_equal(poll(&poll_fd, 1, 5000), 1);
	assert_int_equal(recv(leash, &byte, 1, 0), 0);
	assert_int_equal(waitpid(spawner, &status, 0), spawner);
	assert_true(WIFEXITED(status));
	(void)close(leash);
	(void)close(connection);
}

static void what_is_no_order_ends_it(void **state)
{
	struct spawner_order order = good;

	order.version++;
	check_refused(&order, SPAWNER_FDS);
	order = (struct spawner_order){ SPAWNER_VERSION, "run" };
	check_refused(&order, SPAWNER_FDS);
	order = good;
	memset(order.word, 'x', sizeof(order.word));
	check_refused(&order, SPAWNER_FDS);
	check_refused(&good, SPAWNER_FDS - 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(a_leash_let_go_kills_one),
		check_in_dir(what_is_no_order_ends_it),
	};

	if (argc > 1) /* never the tests themselves: they would start themselves without end */
		as_helper();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
