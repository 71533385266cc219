#include "unit/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

#ifdef __s390x__
#define CLONE_FLAGS_ARGUMENT 1
#else
#define CLONE_FLAGS_ARGUMENT 0
#endif

/* Computing, reading, waiting; threads of its own. By name: libseccomp knows which are here. */
static const char *const harmless[] = {
	"arch_prctl",
	"brk",
	"clock_getres",
	"clock_getres_time64",
	"clock_gettime",
	"clock_gettime64",
	"clock_nanosleep",
	"clock_nanosleep_time64",
	"close",
	"close_range",
	"dup",
	"dup2",
	"dup3",
	"epoll_create",
	"epoll_create1",
	"epoll_ctl",
	"epoll_pwait",
	"epoll_pwait2",
	"epoll_wait",
	"eventfd2",
	"exit",
	"exit_group",
	"faccessat",
	"faccessat2",
	"access",
	"fadvise64",
	"fadvise64_64",
	"fcntl",
	"fcntl64",
	"flock",
	"fstat",
	"fstat64",
	"fstatat64",
	"fstatfs",
	"fstatfs64",
	"futex",
	"futex_time64",
	"get_robust_list",
	"getcwd",
	"getdents",
	"getdents64",
	"getegid",
	"getegid32",
	"geteuid",
	"geteuid32",
	"getgid",
	"getgid32",
	"getgroups",
	"getgroups32",
	"getpgrp",
	"getpid",
	"getppid",
	"getrandom",
	"getresgid",
	"getresgid32",
	"getresuid",
	"getresuid32",
	"getrlimit",
	"getrusage",
	"gettid",
	"gettimeofday",
	"getuid",
	"getuid32",
	"_llseek",
	"lseek",
	"lstat",
	"lstat64",
	"madvise",
	"membarrier",
	"mincore",
	"mmap",
	"mmap2",
	"mprotect",
	"mremap",
	"munmap",
	"nanosleep",
	"newfstatat",
	"_newselect",
	"pause",
	"pipe",
	"pipe2",
	"poll",
	"ppoll",
	"ppoll_time64",
	"pread64",
	"preadv",
	"pselect6",
	"pselect6_time64",
	"read",
	"readlink",
	"readlinkat",
	"readv",
	"restart_syscall",
	"rseq",
	"rt_sigaction",
	"rt_sigpending",
	"rt_sigprocmask",
	"rt_sigreturn",
	"rt_sigtimedwait",
	"rt_sigtimedwait_time64",
	"sched_getaffinity",
	"sched_getparam",
	"sched_getscheduler",
	"sched_yield",
	"select",
	"set_robust_list",
	"set_tid_address",
	"sigaltstack",
	"sigreturn",
	"stat",
	"stat64",
	"statfs",
	"statfs64",
	"statx",
	"sysinfo",
	"time",
	"timerfd_create",
	"timerfd_settime",
	"timerfd_settime64",
	"ugetrlimit",
	"uname",
	"write",
	"writev",
	"set_thread_area",
	"get_thread_area",
	"set_tls",
	"cacheflush",
	"riscv_flush_icache",
	"riscv_hwprobe",
};

static const char *const of_sockets[] = {
	"connect",  "getpeername",     "getsockname", "getsockopt", "recv",	"recvfrom",
	"recvmmsg", "recvmmsg_time64", "recvmsg",     "send",	    "sendmmsg", "sendmsg",
	"sendto",   "setsockopt",      "shutdown",    "socketpair",
};

/* Nobody calls these by mistake. */
static const char *const condemned[] = {
	"add_key",
	"bpf",
	"chroot",
	"delete_module",
	"execve",
	"execveat",
	"finit_module",
	"init_module",
	"kexec_file_load",
	"kexec_load",
	"keyctl",
	"kill",
	"mount",
	"move_mount",
	"open_by_handle_at",
	"open_tree",
	"perf_event_open",
	"pidfd_getfd",
	"pidfd_send_signal",
	"pivot_root",
	"process_vm_readv",
	"process_vm_writev",
	"ptrace",
	"reboot",
	"setns",
	"swapon",
	"umount2",
	"unshare",
	"userfaultfd",
};

/* What this version of libseccomp or this machine does not know is passed over. */
static int add_names(scmp_filter_ctx filter, uint32_t action, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int number = seccomp_syscall_resolve_name(names[i]);
		int r = number == __NR_SCMP_ERROR ? 0 : seccomp_rule_add(filter, action, number, 0);

		if (r < 0 && r != -EDOM)
			return r;
	}
	return 0;
}

static int add_one(scmp_filter_ctx filter, const char *name, struct scmp_arg_cmp only_if)
{
	int number = seccomp_syscall_resolve_name(name);
	int r = number == __NR_SCMP_ERROR ?
			0 :
			seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, 1, &only_if);

	return r == -EDOM ? 0 : r;
}

static struct scmp_arg_cmp argument_is(unsigned int argument, uint64_t mask, uint64_t value)
{
	return (struct scmp_arg_cmp){ argument, SCMP_CMP_MASKED_EQ, mask, value };
}

/* Reading only; threads, not processes (clone3 cannot be looked into: it is not there). */
static int add_conditional(scmp_filter_ctx filter)
{
	const uint64_t writing = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND;
	int r;

	r = add_one(filter, "open", argument_is(1, writing, O_RDONLY));
	if (r >= 0)
		r = add_one(filter, "openat", argument_is(2, writing, O_RDONLY));
	if (r >= 0)
		r = add_one(filter, "clone",
			    argument_is(CLONE_FLAGS_ARGUMENT, CLONE_THREAD, CLONE_THREAD));
	if (r >= 0)
		r = add_one(filter, "tgkill", argument_is(0, UINT32_MAX, (uint64_t)getpid()));
	if (r >= 0)
		r = add_one(filter, "prlimit64", argument_is(0, UINT32_MAX, 0));
	if (r >= 0)
		r = add_one(filter, "ioctl", argument_is(1, UINT32_MAX, FIONREAD));
	if (r >= 0)
		r = add_one(filter, "ioctl", argument_is(1, UINT32_MAX, FIONBIO));
	return r;
}

static int add_sockets(scmp_filter_ctx filter, enum filter_sockets sockets)
{
	static const int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };
	size_t n = sockets == FILTER_NETWORK ? ARRAY_SIZE(families) : 1;
	int r = 0;

	if (sockets == FILTER_NO_SOCKETS)
		return 0;
	for (size_t i = 0; r >= 0 && i < n; i++)
		r = add_one(filter, "socket", argument_is(0, UINT32_MAX, (uint64_t)families[i]));
	if (r >= 0)
		r = add_names(filter, SCMP_ACT_ALLOW, of_sockets, ARRAY_SIZE(of_sockets));
	if (r >= 0 && sockets == FILTER_NETWORK) /* the resolver binds a netlink socket */
		r = add_names(filter, SCMP_ACT_ALLOW, (const char *const[]){ "bind" }, 1);
	return r;
}

static inline void cleanup_filter(scmp_filter_ctx *filter)
{
	seccomp_release(*filter);
}

int filter_install(enum filter_sockets sockets, struct error *err)
{
	_cleanup_(cleanup_filter) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int r;

	if (!filter)
		return error_code(err, -ENOMEM, "making a system call filter");
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) /* a change of user has undone it */
		return error_errno(err, "tying the process to its parent");
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0 && errno == EINVAL) /* not in this kernel */
		return 0;
	r = add_names(filter, SCMP_ACT_ALLOW, harmless, ARRAY_SIZE(harmless));
	if (r >= 0)
		r = add_names(filter, SCMP_ACT_KILL_PROCESS, condemned, ARRAY_SIZE(condemned));
	if (r >= 0)
		r = add_conditional(filter);
	if (r >= 0)
		r = add_sockets(filter, sockets);
	if (r >= 0)
		r = seccomp_load(filter);
	if (r < 0)
		return error_code(err, r, "installing a system call filter");
	return 0;
}
