#include "transfer/fetch-filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"

/* Names that an architecture does not have are passed over. */
static const char *const allowed[] = {
	/* descriptors */
	"read",
	"readv",
	"pread64",
	"write",
	"writev",
	"close",
	"lseek",
	"_llseek",
	"poll",
	"ppoll",
	"ppoll_time64",
	"select",
	"_newselect",
	"pselect6",
	"pselect6_time64",
	"eventfd2",
	"pipe2",
	"epoll_create1",
	"epoll_ctl",
	"epoll_wait",
	"epoll_pwait",
	"fadvise64",
	"fadvise64_64",
	/* what there is */
	"fstat",
	"fstat64",
	"stat",
	"stat64",
	"lstat",
	"lstat64",
	"newfstatat",
	"fstatat64",
	"statx",
	"access",
	"faccessat",
	"faccessat2",
	"readlink",
	"readlinkat",
	"getdents64",
	"uname",
	"sysinfo",
	"getrusage",
	"getrlimit",
	"ugetrlimit",
	/* memory */
	"brk",
	"mmap",
	"mmap2",
	"munmap",
	"mremap",
	"mprotect",
	"madvise",
	/* threads of its own */
	"futex",
	"futex_time64",
	"set_robust_list",
	"rseq",
	"sched_yield",
	"sched_getaffinity",
	"getpid",
	"gettid",
	"getppid",
	"getuid",
	"getuid32",
	"geteuid",
	"geteuid32",
	"getgid",
	"getgid32",
	"getegid",
	"getegid32",
	"exit",
	"exit_group",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"sigreturn",
	"sigaltstack",
	"restart_syscall",
	/* time and chance */
	"clock_gettime",
	"clock_gettime64",
	"clock_getres",
	"clock_getres_time64",
	"clock_nanosleep",
	"clock_nanosleep_time64",
	"nanosleep",
	"gettimeofday",
	"time",
	"getrandom",
	/* sockets, as a client */
	"connect",
	"bind",
	"getsockname",
	"getpeername",
	"getsockopt",
	"setsockopt",
	"sendto",
	"sendmsg",
	"sendmmsg",
	"send",
	"recvfrom",
	"recvmsg",
	"recvmmsg",
	"recvmmsg_time64",
	"recv",
	"shutdown",
};

#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)
#define WRITING_BITS (O_ACCMODE | O_CREAT | O_TRUNC)
#define TYPE_BITS    0xf /* of a socket: without SOCK_CLOEXEC and SOCK_NONBLOCK */

/* One call under conditions on its arguments; a call may have several rules, each of which suffices. */
struct rule {
	const char *name;
	unsigned int n_conditions;
	struct scmp_arg_cmp conditions[3];
};

#define IS(argument, value)                                        \
	{                                                          \
		(argument), SCMP_CMP_EQ, (scmp_datum_t)(value), 0, \
	}
#define HAS(argument, bits, value)                                                           \
	{                                                                                    \
		(argument), SCMP_CMP_MASKED_EQ, (scmp_datum_t)(bits), (scmp_datum_t)(value), \
	}

/* Neither multipath TCP, which Landlock's rules for TCP do not know, nor SCTP, nor ICMP by datagrams. */
#define SOCKET(family, type, protocol)                                          \
	{                                                                       \
		"socket", 3,                                                    \
		{                                                               \
			IS(0, family), HAS(1, TYPE_BITS, type), IS(2, protocol) \
		}                                                               \
	}

/* clone3 is not there: its flags cannot be looked at, and glibc then takes clone. */
static const struct rule rules[] = {
	{ "clone", 1, { HAS(0, THREAD_FLAGS, THREAD_FLAGS) } },
	{ "open", 1, { HAS(1, WRITING_BITS, O_RDONLY) } },
	{ "openat", 1, { HAS(2, WRITING_BITS, O_RDONLY) } },
	{ "fcntl", 1, { IS(1, F_GETFL) } },
	{ "fcntl", 1, { IS(1, F_SETFL) } },
	{ "fcntl", 1, { IS(1, F_GETFD) } },
	{ "fcntl", 1, { IS(1, F_SETFD) } },
	{ "fcntl64", 1, { IS(1, F_GETFL) } },
	{ "fcntl64", 1, { IS(1, F_SETFL) } },
	{ "fcntl64", 1, { IS(1, F_GETFD) } },
	{ "fcntl64", 1, { IS(1, F_SETFD) } },
	{ "ioctl", 1, { IS(1, FIONREAD) } },
	{ "ioctl", 1, { IS(1, FIONBIO) } },
	{ "prlimit64", 2, { IS(0, 0), IS(2, 0) } },
	SOCKET(AF_INET, SOCK_STREAM, 0),
	SOCKET(AF_INET, SOCK_STREAM, IPPROTO_TCP),
	SOCKET(AF_INET, SOCK_DGRAM, 0),
	SOCKET(AF_INET, SOCK_DGRAM, IPPROTO_UDP),
	SOCKET(AF_INET6, SOCK_STREAM, 0),
	SOCKET(AF_INET6, SOCK_STREAM, IPPROTO_TCP),
	SOCKET(AF_INET6, SOCK_DGRAM, 0),
	SOCKET(AF_INET6, SOCK_DGRAM, IPPROTO_UDP),
	{ "socketpair", 1, { IS(0, AF_UNIX) } },
	{ "socket", 2, { IS(0, AF_NETLINK), IS(2, NETLINK_ROUTE) } },
};

static const struct rule local_socket = { "socket",
					  2,
					  { IS(0, AF_UNIX), HAS(1, TYPE_BITS, SOCK_STREAM) } };
static const struct rule open_beneath = { .name = "openat2" };

static int add(scmp_filter_ctx filter, const struct rule *rule, struct error *err)
{
	int number = seccomp_syscall_resolve_name(rule->name);
	int r;

	if (number == __NR_SCMP_ERROR)
		return 0;
	r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, rule->n_conditions,
				   rule->conditions);
	if (r < 0 && r != -EDOM)
		return error_code(err, r, "a filter for %s", rule->name);
	return 0;
}

static int add_all(scmp_filter_ctx filter, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(allowed); i++) {
		const struct rule plain = { .name = allowed[i] };

		r = add(filter, &plain, err);
	}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(rules); i++)
		r = add(filter, &rules[i], err);
	return r;
}

static void release(const scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

int fetch_filter_load(bool local_sockets, bool file_root, struct error *err)
{
	_cleanup_(release) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int r;

	if (!filter)
		return error_code(err, -ENOMEM, "making a filter");
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	r = add_all(filter, err);
	if (r == 0 && local_sockets)
		r = add(filter, &local_socket, err);
	if (r == 0 && file_root)
		r = add(filter, &open_beneath, err);
	if (r < 0)
		return r;
	r = seccomp_load(filter);
	return r < 0 ? error_code(err, r, "loading the filter of system calls") : 0;
}
