#include "transfer/fetch-filter.h"

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "kit.h"

static int enter(bool local_sockets, bool file_root)
{
	return fetch_filter_load(local_sockets, file_root, NULL);
}

/* Each of them is refused with ENOSYS; returns the first that is not, counted from 1. */
static int do_harm(const char *data)
{
	char program[] = "/bin/true";
	char *const argv[] = { program, NULL };
	int at = 0;

	if (enter(false, false) < 0)
		return 250;
#define REFUSED(call)                        \
	at++;                                \
	errno = 0;                           \
	if ((call) != -1 || errno != ENOSYS) \
	return at
	REFUSED(kill(getppid(), 0));
	REFUSED(syscall(SYS_tgkill, getpid(), gettid(), 0));
	REFUSED(ptrace(PTRACE_TRACEME, 0, 0, 0));
	REFUSED(execv(program, argv));
	REFUSED(fork());
	REFUSED(syscall(SYS_clone3, NULL, 0));
	REFUSED(unlink("/tmp/flipslot-none"));
	REFUSED(mkdir("/tmp/flipslot-none", 0700));
	REFUSED(open("/tmp/flipslot-none", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	REFUSED(open("/dev/null", O_RDWR | O_CLOEXEC));
	REFUSED(open("/dev/null", O_WRONLY | O_CLOEXEC));
	REFUSED(syscall(SYS_openat2, AT_FDCWD, "/dev/null", NULL, 0));
	REFUSED(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
	REFUSED(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
	REFUSED(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 9));
	REFUSED(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP));
	REFUSED(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_SCTP));
	REFUSED(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP));
	REFUSED(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
	REFUSED(socketpair(AF_TIPC, SOCK_STREAM | SOCK_CLOEXEC, 0, (int[2]){}));
	REFUSED(listen(0, 1));
	REFUSED(fcntl(0, F_SETOWN, getppid()));
	REFUSED(setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }));
	REFUSED(prctl(PR_SET_NAME, "x", 0, 0, 0));
	REFUSED(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0));
	REFUSED(syscall(SYS_mount, "x", "/", "x", 0, NULL));
	REFUSED(syscall(SYS_bpf, 0, NULL, 0));
	REFUSED(syscall(SYS_io_uring_setup, 1, NULL));
	REFUSED(syscall(SYS_keyctl, 0, 0, 0, 0, 0));
	REFUSED(syscall(SYS_memfd_create, "x", 0));
	REFUSED(setuid(12345));
#undef REFUSED
	return 0;
}

static void what_does_harm_is_not_there(void **state)
{
	assert_int_equal(kit_in_child(do_harm, NULL), 0);
}

static void *in_thread(void *data)
{
	struct addrinfo *found = NULL;

	*(int *)data = getaddrinfo("localhost", "http", NULL, &found);
	freeaddrinfo(found);
	return NULL;
}

/* As libcurl and the C library ask for them. No IPv6 on this machine is no fault of the filter. */
static bool has_internet(int family)
{
	static const int kinds[][2] = { { SOCK_STREAM, 0 },
					{ SOCK_STREAM, IPPROTO_TCP },
					{ SOCK_DGRAM, 0 },
					{ SOCK_DGRAM, IPPROTO_UDP } };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (socket(family, kinds[i][0] | SOCK_CLOEXEC | SOCK_NONBLOCK, kinds[i][1]) < 0 &&
		    errno != EAFNOSUPPORT)
			return false;
	return true;
}

/* A thread that looks up a name, memory, time: what libcurl needs. */
static int work(const char *data)
{
	int fds[2];
	int answer = -1;
	pthread_t thread;

	if (enter(false, false) < 0)
		return 250;
	if (pthread_create(&thread, NULL, in_thread, &answer) != 0 ||
	    pthread_join(thread, NULL) != 0)
		return 1;
	if (answer != 0)
		return 2;
	if (!has_internet(AF_INET) || !has_internet(AF_INET6))
		return 4;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return 3;
	free(malloc(10000000));
	return 0;
}

static void what_the_helper_needs_is_there(void **state)
{
	assert_int_equal(kit_in_child(work, NULL), 0);
}

static int use_choices(const char *data)
{
	if (enter(true, true) < 0)
		return 250;
	if (socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0)
		return 1;
	if (socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0)
		return 2;
	errno = 0;
	(void)syscall(SYS_openat2, AT_FDCWD, "/dev/null", NULL, 0);
	return errno == ENOSYS ? 3 : 0;
}

static void choices_are_given_where_they_are_made(void **state)
{
	assert_int_equal(kit_in_child(use_choices, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_does_harm_is_not_there),
		cmocka_unit_test(what_the_helper_needs_is_there),
		cmocka_unit_test(choices_are_given_where_they_are_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
