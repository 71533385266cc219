/* LDFLAGS: -Wl,--wrap=prctl */
#include "fixture.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "unit/filter.h"

/* A kernel built without filters, if so wished. */
static bool no_filters;

int __real_prctl(int option, ...);
int __wrap_prctl(int option, ...);

int __wrap_prctl(int option, ...)
{
	unsigned long values[4];
	va_list ap;

	va_start(ap, option);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		values[i] = va_arg(ap, unsigned long);
	va_end(ap);
	if (no_filters && option == PR_GET_SECCOMP) {
		errno = EINVAL;
		return -1;
	}
	return __real_prctl(option, values[0], values[1], values[2], values[3]);
}

#define HOLDS(what)                            \
	do {                                   \
		if (!(what))                   \
			return __LINE__ % 256; \
	} while (0)

/* The status of a child that is filtered and then does this. */
static int filtered(enum filter_sockets sockets, int (*body)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct error err = {};

		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || filter_install(sockets, &err) < 0)
			_exit(255);
		_exit(body());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void check_fine(enum filter_sockets sockets, int (*body)(void))
{
	int status = filtered(sockets, body);

	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) != 0)
		fail_msg("failed at line %d", WEXITSTATUS(status));
}

static void check_killed(int (*body)(void))
{
	int status = filtered(FILTER_NETWORK, body);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void *in_thread(void *data)
{
	fixture_sleep_ms(20); /* so that it is waited for */
	*(int *)data = 7;
	return NULL;
}

/* What a C library and its friends need. */
static int ordinary(void)
{
	pthread_t thread;
	int value = 0;
	char byte;
	int fds[2];
	void *memory = malloc(1 << 20);
	int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);

	HOLDS(memory && fd >= 0 && read(fd, &byte, 1) == 1);
	free(memory);
	HOLDS(pthread_create(&thread, NULL, in_thread, &value) == 0);
	HOLDS(pthread_join(thread, NULL) == 0 && value == 7);
	HOLDS(pipe2(fds, O_CLOEXEC) == 0 && write(fds[1], "x", 1) == 1);
	fixture_sleep_ms(1);
	return 0;
}

static void test_ordinary(void **state UNUSED)
{
	check_fine(FILTER_NO_SOCKETS, ordinary);
}

static int writing(void)
{
	HOLDS(open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) < 0);
	HOLDS(open("/dev/null", O_WRONLY | O_CLOEXEC) < 0 && errno == ENOSYS);
	HOLDS(open("/dev/null", O_RDWR | O_CLOEXEC) < 0);
	HOLDS(open("/tmp/flipslot-filter", O_RDONLY | O_CREAT | O_CLOEXEC, 0600) < 0);
	HOLDS(unlink("/tmp/flipslot-filter") < 0 && errno == ENOSYS);
	HOLDS(mkdir("/tmp/flipslot-filter", 0700) < 0 && errno == ENOSYS);
	HOLDS(chmod("/tmp", 0777) < 0 && errno == ENOSYS);
	HOLDS(syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", NULL, 0) < 0 && errno == ENOSYS);
	return 0;
}

static void test_writing(void **state UNUSED)
{
	check_fine(FILTER_NETWORK, writing);
}

/* A system call of tomorrow, as a newer C library would try it first. */
static int unknown(void)
{
	struct rlimit limit = {};

	HOLDS(syscall(470) < 0 && errno == ENOSYS);
	HOLDS(fork() < 0);
	HOLDS(prctl(PR_SET_DUMPABLE, 1) < 0);
	HOLDS(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	HOLDS(prlimit(1, RLIMIT_NOFILE, NULL, &limit) < 0 && errno == ENOSYS);
	return 0;
}

static void test_unknown(void **state UNUSED)
{
	check_fine(FILTER_NETWORK, unknown);
}

static int socket_of(int family)
{
	return socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int no_sockets(void)
{
	HOLDS(socket_of(AF_UNIX) < 0 && errno == ENOSYS);
	HOLDS(socket_of(AF_INET) < 0);
	return 0;
}

static int unix_sockets(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };

	HOLDS(socket_of(AF_UNIX) >= 0);
	HOLDS(socket_of(AF_INET) < 0 && errno == ENOSYS);
	HOLDS(bind(0, (struct sockaddr *)&address, sizeof(address)) < 0 && errno == ENOSYS);
	return 0;
}

static int all_sockets(void)
{
	HOLDS(socket_of(AF_UNIX) >= 0);
	HOLDS(socket_of(AF_INET) >= 0);
	HOLDS(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0) >= 0);
	HOLDS(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0) < 0 && errno == ENOSYS);
	HOLDS(listen(0, 1) < 0 && errno == ENOSYS);
	return 0;
}

static void test_sockets(void **state UNUSED)
{
	check_fine(FILTER_NO_SOCKETS, no_sockets);
	check_fine(FILTER_UNIX, unix_sockets);
	check_fine(FILTER_NETWORK, all_sockets);
}

static int executes(void)
{
	(void)execl("/bin/true", "true", NULL);
	return 0;
}

static int kills(void)
{
	(void)kill(getpid(), 0);
	return 0;
}

static int traces(void)
{
	(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	return 0;
}

static int mounts(void)
{
	(void)mount("none", "/nonexistent", "tmpfs", 0, NULL);
	return 0;
}

static int leaves(void)
{
	(void)unshare(CLONE_NEWUSER);
	return 0;
}

static void test_condemned(void **state UNUSED)
{
	check_killed(executes);
	check_killed(kills);
	check_killed(traces);
	check_killed(mounts);
	check_killed(leaves);
}

static int can_write(void)
{
	HOLDS(open("/dev/null", O_WRONLY | O_CLOEXEC) >= 0);
	return 0;
}

static void test_kernel_without(void **state UNUSED)
{
	no_filters = true;
	check_fine(FILTER_NO_SOCKETS, can_write);
	no_filters = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ordinary),  cmocka_unit_test(test_writing),
		cmocka_unit_test(test_unknown),	  cmocka_unit_test(test_sockets),
		cmocka_unit_test(test_condemned), cmocka_unit_test(test_kernel_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
