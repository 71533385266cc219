/*
 * stop WHO COMMAND...: runs the command, and does something before its N-th call that changes the disk
 * below the app's root. How: seccomp's user notification. The call is held at its entry, before it has
 * had any effect, while this program's other half looks at it and decides.
 *
 * What is to be done stands in /run/crash/arm.WHO, which is taken away when it is read, so that only the
 * next start is meant. Without one the command is run as it is. One line of words:
 *
 *	n=N	the call that is meant, counted from 1 (0: none); calls are those in `watched` below whose
 *		file or directory is below root=
 *	call=X	count calls of that name only
 *	root=P	what counts (/var/lib/flipslot)
 *	bus=yes	messages to sockets (the manager, the journal) count too
 *	do=stop	hold it there for ever; kill: SIGKILL to the process; E...: fail with this errno;
 *		on=E...: this call and all later ones fail; SHORT: half of it is written
 *	all=yes	calls that only read count too, and those of all threads
 *	threads=yes	those of all threads; in which order they come is not the same each time
 *	children=yes	those of the process's children, but no messages of theirs; kill means the process all the same
 *
 * Lines go to the FIFO /run/crash/calls.WHO: "N name what", and "stop N name what" for the one meant; a write of
 * a state record has " phase=X" behind. All other calls go through uncounted.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUN	      "/run/crash/"
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum kind {
	ON_FD, /* args[0] is the file */
	ON_FD2, /* args[2] is the file that is written */
	IN_DIR, /* args[0] is a directory, args[1] a name in it */
	TO_LINK, /* symlinkat: args[1] a directory, args[2] a name */
	OPEN, /* IN_DIR, with flags in args[2] */
	OPEN2, /* IN_DIR, with flags in *args[2] */
	SOCKET, /* a message */
	READ, /* ON_FD, counts with all=yes */
};

static const struct call {
	int nr;
	enum kind kind;
	const char *name;
} watched[] = {
	/* clang-format off */
	{ SYS_openat, OPEN, "openat" },
	{ SYS_openat2, OPEN2, "openat2" },
	{ SYS_mkdirat, IN_DIR, "mkdirat" },
	{ SYS_unlinkat, IN_DIR, "unlinkat" },
#ifdef SYS_renameat
	{ SYS_renameat, IN_DIR, "renameat" },
#endif
	{ SYS_renameat2, IN_DIR, "renameat2" },
	{ SYS_linkat, IN_DIR, "linkat" },
	{ SYS_symlinkat, TO_LINK, "symlinkat" },
	{ SYS_fchmodat, IN_DIR, "fchmodat" },
	{ SYS_fchownat, IN_DIR, "fchownat" },
	{ SYS_utimensat, IN_DIR, "utimensat" },
	{ SYS_write, ON_FD, "write" },
	{ SYS_writev, ON_FD, "writev" },
	{ SYS_pwrite64, ON_FD, "pwrite" },
	{ SYS_ftruncate, ON_FD, "ftruncate" },
	{ SYS_fallocate, ON_FD, "fallocate" },
	{ SYS_fchmod, ON_FD, "fchmod" },
	{ SYS_fchown, ON_FD, "fchown" },
	{ SYS_fsetxattr, ON_FD, "fsetxattr" },
	{ SYS_ioctl, ON_FD, "ioctl" },
	{ SYS_copy_file_range, ON_FD2, "copy_file_range" },
	{ SYS_fsync, ON_FD, "fsync" },
	{ SYS_fdatasync, ON_FD, "fdatasync" },
	{ SYS_syncfs, ON_FD, "syncfs" },
	{ SYS_read, READ, "read" },
	{ SYS_pread64, READ, "pread" },
	{ SYS_getdents64, READ, "getdents" },
	{ SYS_sendmsg, SOCKET, "sendmsg" },
	{ SYS_sendto, SOCKET, "sendto" },
	/* clang-format on */
};

static const struct {
	const char *name;
	int value;
} errors[] = {
	{ "EIO", EIO },	      { "ENOSPC", ENOSPC }, { "EDQUOT", EDQUOT }, { "EROFS", EROFS },
	{ "EMFILE", EMFILE }, { "ENOMEM", ENOMEM }, { "EINTR", EINTR },
};

static struct {
	unsigned long n;
	char call[32];
	char root[256];
	char action[32];
	bool bus, all, threads, children;
} arm = { .root = "/var/lib/flipslot", .action = "stop" };

static FILE *calls;

static void die(const char *what)
{
	perror(what);
	_exit(125);
}

static bool read_arm(const char *who)
{
	char path[64];
	char line[512];
	char *rest = line;
	char *word;
	FILE *file;

	(void)snprintf(path, sizeof(path), RUN "arm.%s", who);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	(void)fclose(file);
	(void)unlink(path);
	while ((word = strsep(&rest, " \n"))) {
		if (strncmp(word, "n=", 2) == 0)
			arm.n = strtoul(word + 2, NULL, 10);
		else if (strncmp(word, "call=", 5) == 0)
			(void)snprintf(arm.call, sizeof(arm.call), "%s", word + 5);
		else if (strncmp(word, "root=", 5) == 0)
			(void)snprintf(arm.root, sizeof(arm.root), "%s", word + 5);
		else if (strncmp(word, "do=", 3) == 0)
			(void)snprintf(arm.action, sizeof(arm.action), "%s", word + 3);
		else if (strcmp(word, "bus=yes") == 0)
			arm.bus = true;
		else if (strcmp(word, "all=yes") == 0)
			arm.all = true;
		else if (strcmp(word, "threads=yes") == 0)
			arm.threads = true;
		else if (strcmp(word, "children=yes") == 0)
			arm.children = true;
	}
	return true;
}

/* ---- the filter: which calls are held ---- */

#define LOAD(member) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned int)offsetof(struct seccomp_data, member))
#define GIVE(what) BPF_STMT(BPF_RET | BPF_K, what)

static int install_filter(void)
{
	struct sock_filter code[5 * ARRAY_SIZE(watched) + 2];
	struct sock_fprog program = { .filter = code };
	unsigned short n = 0;

	code[n++] = (struct sock_filter)LOAD(nr);
	for (size_t i = 0; i < ARRAY_SIZE(watched); i++) {
		unsigned int nr = (unsigned int)watched[i].nr;

		if ((watched[i].kind == SOCKET && !arm.bus) ||
		    (watched[i].kind == READ && !arm.all))
			continue;
		if (watched[i].kind == OPEN && !arm.all) { /* only what may make or cut a file */
			code[n++] =
				(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 3);
			code[n++] = (struct sock_filter)LOAD(args[2]);
			code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K,
								 O_CREAT | O_TRUNC, 0, 1);
			code[n++] = (struct sock_filter)GIVE(SECCOMP_RET_USER_NOTIF);
			code[n++] = (struct sock_filter)LOAD(nr);
			continue;
		}
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1);
		code[n++] = (struct sock_filter)GIVE(SECCOMP_RET_USER_NOTIF);
	}
	code[n++] = (struct sock_filter)GIVE(SECCOMP_RET_ALLOW);
	program.len = n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		die("no new privileges");
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			    &program);
}

/* ---- looking at a call ---- */

static bool read_text(pid_t pid, unsigned long long from, char *ret, size_t size)
{
	size_t first = 4096 - from % 4096;
	struct iovec here = { ret, size - 1 };
	struct iovec there[2]; /* it may go on in the next page, which may not be there */
	ssize_t n;

	if (first > size - 1)
		first = size - 1;
	there[0] = (struct iovec){ (void *)(uintptr_t)from, first }; // NOLINT: another process's
	there[1] = (struct iovec){ (void *)(uintptr_t)(from + first), size - 1 - first }; // NOLINT
	n = process_vm_readv(pid, &here, 1, there, 2, 0);
	ret[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static void path_of(pid_t pid, int fd, char *ret, size_t size)
{
	char link[64];
	ssize_t n;

	if (fd == AT_FDCWD)
		(void)snprintf(link, sizeof(link), "/proc/%d/cwd", pid);
	else
		(void)snprintf(link, sizeof(link), "/proc/%d/fd/%d", pid, fd);
	n = readlink(link, ret, size - 1);
	ret[n > 0 ? n : 0] = '\0';
}

static void place_of(pid_t pid, int fd, unsigned long long name, char *ret, size_t size)
{
	char text[256];
	size_t length;

	if (!read_text(pid, name, text, sizeof(text)))
		text[0] = '\0';
	if (text[0] == '/') {
		(void)snprintf(ret, size, "%s", text);
		return;
	}
	path_of(pid, fd, ret, size);
	length = strlen(ret);
	(void)snprintf(ret + length, size - length, "/%s", text);
}

static bool creates(pid_t pid, unsigned long long how)
{
	struct open_how flags = {};
	struct iovec here = { &flags, sizeof(flags) };
	struct iovec there = { (void *)(uintptr_t)how, sizeof(flags) }; // NOLINT: as above

	return process_vm_readv(pid, &here, 1, &there, 1, 0) == sizeof(flags) &&
	       (flags.flags & (O_CREAT | O_TRUNC)) != 0;
}

/* Does the call count? What it is about. */
static bool counts(const struct seccomp_notif *held, const struct call *call, char *ret,
		   size_t size)
{
	pid_t pid = (pid_t)held->pid;
	const __u64 *args = held->data.args;

	ret[0] = '\0';
	switch (call->kind) {
	case SOCKET:
		(void)snprintf(ret, size, "socket");
		return true;
	case ON_FD:
	case READ:
		path_of(pid, (int)args[0], ret, size);
		break;
	case ON_FD2:
		path_of(pid, (int)args[2], ret, size);
		break;
	case TO_LINK:
		place_of(pid, (int)args[1], args[2], ret, size);
		break;
	case OPEN2:
		if (!arm.all && !creates(pid, args[2]))
			return false;
		__attribute__((fallthrough));
	default:
		place_of(pid, (int)args[0], args[1], ret, size);
		break;
	}
	return strncmp(ret, arm.root, strlen(arm.root)) == 0;
}

/* What is written is a state record: appends the phase that it tells. */
static void add_phase(const struct seccomp_notif *held, const struct call *call, char *what,
		      size_t size)
{
	static const char end[] = "/state";
	size_t length = strlen(what);
	char text[256];
	char *phase;

	if (call->nr != SYS_pwrite64 || length < strlen(end) ||
	    strcmp(what + length - strlen(end), end) != 0 ||
	    !read_text((pid_t)held->pid, held->data.args[1], text, sizeof(text)))
		return;
	phase = strstr(text, "\nphase=");
	if (phase)
		(void)snprintf(what + length, size - length, " %.*s", (int)strcspn(phase + 1, "\n"),
			       phase + 1);
}

static const struct call *find(int nr) /* the filter lets no other come here */
{
	const struct call *call = watched;

	while (call->nr != nr)
		call++;
	return call;
}

static int find_error(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		if (strcmp(errors[i].name, name) == 0)
			return errors[i].value;
	}
	return 0;
}

/* ---- half a write ---- */

static int take_fd(pid_t pid, int fd)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int taken = pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);

	if (taken < 0)
		perror("taking a file of the process");
	(void)close(pidfd);
	return taken;
}

/* Writes half of what the call would; < 0: it is no write that has a half. */
static ssize_t write_half(pid_t pid, const struct seccomp_data *data)
{
	size_t size = data->args[2] / 2 < 65536 ? data->args[2] / 2 : 65536;
	char bytes[65536];
	struct iovec here = { bytes, size };
	// NOLINTNEXTLINE: another process's
	struct iovec there = { (void *)(uintptr_t)data->args[1], size };
	ssize_t n;
	int fd;

	if ((data->nr != SYS_write && data->nr != SYS_pwrite64) || size == 0 ||
	    process_vm_readv(pid, &here, 1, &there, 1, 0) != (ssize_t)size)
		return -1;
	fd = take_fd(pid, (int)data->args[0]);
	if (fd < 0)
		return -1;
	n = data->nr == SYS_write ? write(fd, bytes, size) :
				    pwrite(fd, bytes, size, (off_t)data->args[3]);
	(void)close(fd);
	return n;
}

/* Decides about one call of the process under test, or of a child. False: it is to be held for ever. */
static bool decide(const struct seccomp_notif *held, pid_t pid, struct seccomp_notif_resp *answer)
{
	static unsigned long n;
	static bool failing;
	const struct call *call = find(held->data.nr);
	bool lasting = strncmp(arm.action, "on=", 3) == 0;
	char what[600];

	if (!counts(held, call, what, sizeof(what)))
		return true;
	if (arm.call[0] && strcmp(arm.call, call->name) != 0)
		return true;
	n++;
	add_phase(held, call, what, sizeof(what));
	if (n != arm.n && !failing) {
		(void)fprintf(calls, "%lu %s %s\n", n, call->name, what);
		return true;
	}
	if (n == arm.n)
		(void)fprintf(calls, "stop %lu %s %s\n", n, call->name, what);
	failing = lasting;
	if (strcmp(arm.action, "stop") == 0)
		return false;
	if (strcmp(arm.action, "kill") == 0)
		return kill(pid, SIGKILL) == 0;
	if (strcmp(arm.action, "SHORT") == 0) {
		ssize_t half = write_half((pid_t)held->pid, &held->data);
		answer->flags = half < 0 ? answer->flags : 0;
		answer->val = half < 0 ? 0 : half;
		return true;
	}
	answer->flags = 0;
	answer->error = -find_error(arm.action + (lasting ? 3 : 0));
	return true;
}

static bool is_of(const struct seccomp_notif *held, pid_t pid)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d", pid, (int)held->pid);
	if ((pid_t)held->pid == pid)
		return true;
	if (access(path, F_OK) == 0)
		return arm.all || arm.threads;
	return arm.children && find(held->data.nr)->kind != SOCKET;
}

static void supervise(int listener, pid_t pid)
{
	struct seccomp_notif held;
	struct seccomp_notif_resp answer;
	struct pollfd look = { .fd = listener, .events = POLLIN };

	for (;;) {
		(void)poll(&look, 1, -1);
		if (look.revents & POLLHUP)
			return;
		if (look.events == 0)
			continue;
		held = (struct seccomp_notif){};
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &held) < 0) {
			if (errno == ENOENT || errno == EINTR)
				continue;
			return;
		}
		answer = (struct seccomp_notif_resp){ .id = held.id };
		answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		if (is_of(&held, pid) && !decide(&held, pid, &answer)) {
			look.events = 0; /* for ever, unless it is killed */
			continue;
		}
		(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	}
}

static pid_t clone_with_files(void)
{
	return (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
}

/* A grandchild, since the command does not expect children. It shares our table of files until exec. */
static void start_supervisor(const char *who, _Atomic int *listener)
{
	pid_t self = getpid();
	pid_t child = clone_with_files();
	char path[64];

	if (child < 0)
		die("clone");
	if (child > 0) {
		(void)waitpid(child, NULL, 0);
		return;
	}
	if (clone_with_files() != 0)
		_exit(0);
	(void)snprintf(path, sizeof(path), RUN "calls.%s", who);
	while (atomic_load(listener) < 0)
		(void)usleep(50);
	(void)unshare(CLONE_FILES); /* the listener is ours; the command closes its own */
	for (int fd = 0; fd <= 2; fd++) /* who reads what the command prints waits for its end */
		(void)close(fd);
	calls = fopen(path, "we");
	if (!calls)
		die(path);
	(void)setvbuf(calls, NULL, _IOLBF, 4096);
	atomic_store(listener, -2);
	supervise(atomic_load(listener + 1), self);
	_exit(0);
}

int main(int argc, char **argv)
{
	_Atomic int *listener;

	if (argc < 3)
		return 2;
	if (read_arm(argv[1])) {
		listener =
			mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (listener == MAP_FAILED)
			die("mmap");
		atomic_store(listener, -1);
		start_supervisor(argv[1], listener);
		atomic_store(listener + 1, install_filter());
		if (atomic_load(listener + 1) < 0)
			die("seccomp");
		atomic_store(listener, 0);
		while (atomic_load(listener) != -2)
			(void)usleep(50);
	}
	(void)execvp(argv[2], argv + 2);
	die(argv[2]);
}
