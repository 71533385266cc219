#include "base/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

#define CHILDREN_MAX 128 /* probes of an app, its fetch helpers, and what is being killed */
#define POLLS_MAX    (1 + 2 * CHILDREN_MAX)
#define END_MSEC     1000
#define COME_MSEC    10000

struct child {
	pid_t pid; /* its session and process group too */
	int pidfd;
	int leash;
	bool condemned; /* its leash was let go */
};

struct spawner {
	int fd;
	struct child children[CHILDREN_MAX];
	size_t n;
};

/* ---- one helper ---- */

static inline void cleanup_actions(posix_spawn_file_actions_t *actions)
{
	(void)posix_spawn_file_actions_destroy(actions);
}

static inline void cleanup_attributes(posix_spawnattr_t *attributes)
{
	(void)posix_spawnattr_destroy(attributes);
}

static void set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none, all;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	(void)posix_spawnattr_init(attributes);
	(void)posix_spawnattr_setsigmask(attributes, &none);
	(void)posix_spawnattr_setsigdefault(attributes, &all);
	(void)posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
							   POSIX_SPAWN_SETSIGDEF);
}

/* What a helper says on its stderr is not ours to show. */
int spawner_run(const char *program, const char *word, int in, int out, pid_t *ret_pid)
{
	_cleanup_(cleanup_actions) posix_spawn_file_actions_t actions;
	_cleanup_(cleanup_attributes) posix_spawnattr_t attributes;
	char *const argv[] = { (char *)program, (char *)word, NULL };
	char *const environment[] = { NULL };
	int r;

	(void)posix_spawn_file_actions_init(&actions);
	set_attributes(&attributes);
	r = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY,
						     0);
	if (r == 0)
		r = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	if (r == 0)
		r = posix_spawn(ret_pid, program, &actions, &attributes, argv, environment);
	return -r;
}

/* ---- orders ---- */

union fds_message {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(SPAWNER_FDS * sizeof(int))];
};

static void close_fds(int fds[static SPAWNER_FDS])
{
	for (size_t i = 0; i < SPAWNER_FDS; i++)
		cleanup_close(&fds[i]);
}

static bool is_helper(const char *word)
{
	return strcmp(word, "fetch-helper") == 0 || strcmp(word, "probe-helper") == 0 ||
	       strcmp(word, SPAWNER_HAIL) == 0;
}

/* False: the end of the connection, or what is no order. */
static bool receive(int fd, struct spawner_order *ret_order, int ret_fds[static SPAWNER_FDS])
{
	union fds_message control = {};
	struct iovec data = { .iov_base = ret_order, .iov_len = sizeof(*ret_order) };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);

	if (n != (ssize_t)sizeof(*ret_order) || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
	    message.msg_controllen < sizeof(control.header) ||
	    control.header.cmsg_type != SCM_RIGHTS ||
	    control.header.cmsg_len != CMSG_LEN(SPAWNER_FDS * sizeof(int)))
		return false;
	memcpy(ret_fds, CMSG_DATA(&control.header), SPAWNER_FDS * sizeof(int));
	return ret_order->version == SPAWNER_VERSION &&
	       memchr(ret_order->word, '\0', sizeof(ret_order->word)) && is_helper(ret_order->word);
}

static void report(int leash, int code, int status)
{
	const struct spawn_end end = { .code = code, .status = status };

	(void)send(leash, &end, sizeof(end), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* The program by its descriptor, in words that the child understands too before it is another program. */
static int start(const struct spawner_order *order, const int fds[static SPAWNER_FDS],
		 struct child *child)
{
	char program[64];
	int r;

	(void)snprintf(program, sizeof(program), "/proc/%d/fd/%d", getpid(), fds[SPAWNER_PROGRAM]);
	r = spawner_run(program, order->word, fds[SPAWNER_IN], fds[SPAWNER_OUT], &child->pid);
	if (r < 0)
		return r;
	child->pidfd = pidfd_open(child->pid, 0);
	if (child->pidfd >= 0)
		return 0;
	r = -errno;
	(void)kill(child->pid, SIGKILL);
	(void)waitpid(child->pid, NULL, 0);
	return r;
}

static bool obey(struct spawner *spawner)
{
	int fds[SPAWNER_FDS] = { -1, -1, -1, -1 };
	struct spawner_order order = {};
	struct child child = { .pidfd = -1 };
	int r = -EAGAIN;

	if (!receive(spawner->fd, &order, fds)) {
		close_fds(fds);
		return false;
	}
	if (strcmp(order.word, SPAWNER_HAIL) == 0) {
		report(fds[SPAWNER_LEASH], CLD_EXITED, 0);
		close_fds(fds);
		return true;
	}
	if (spawner->n < CHILDREN_MAX)
		r = start(&order, fds, &child);
	if (r < 0) {
		report(fds[SPAWNER_LEASH], 0, -r);
		close_fds(fds);
		return true;
	}
	child.leash = TAKE_FD(fds[SPAWNER_LEASH]);
	spawner->children[spawner->n++] = child;
	close_fds(fds);
	return true;
}

/* ---- ends ---- */

static void kill_child(struct child *child)
{
	(void)kill(-child->pid, SIGKILL); /* not reaped: its number is still its own */
	(void)kill(child->pid, SIGKILL);
	child->condemned = true;
}

static void bury(struct spawner *spawner, size_t i)
{
	struct child *child = &spawner->children[i];
	siginfo_t info = {};

	(void)kill(-child->pid, SIGKILL); /* what it started ends with it */
	(void)waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG);
	report(child->leash, info.si_code, info.si_status);
	(void)close(child->leash);
	(void)close(child->pidfd);
	*child = spawner->children[--spawner->n];
}

static size_t fill(const struct spawner *spawner, struct pollfd polls[static POLLS_MAX])
{
	polls[0] = (struct pollfd){ .fd = spawner->fd, .events = POLLIN };
	for (size_t i = 0; i < spawner->n; i++) {
		const struct child *child = &spawner->children[i];

		polls[1 + 2 * i] = (struct pollfd){ .fd = child->pidfd, .events = POLLIN };
		polls[2 + 2 * i] = (struct pollfd){ .fd = child->condemned ? -1 : child->leash,
						    .events = POLLIN | POLLRDHUP };
	}
	return 1 + 2 * spawner->n;
}

/* From the last one on, since a buried one's place is taken by the last. */
static void look(struct spawner *spawner, const struct pollfd polls[static POLLS_MAX])
{
	for (size_t i = spawner->n; i-- > 0;) {
		if (polls[1 + 2 * i].revents)
			bury(spawner, i);
		else if (polls[2 + 2 * i].revents)
			kill_child(&spawner->children[i]);
	}
}

static void end_all(struct spawner *spawner)
{
	struct pollfd polls[POLLS_MAX];

	for (size_t i = 0; i < spawner->n; i++)
		kill_child(&spawner->children[i]);
	for (size_t i = 0; i < spawner->n; i++) {
		polls[0] = (struct pollfd){ .fd = spawner->children[i].pidfd, .events = POLLIN };
		(void)poll(polls, 1, END_MSEC);
	}
}

int spawner_serve(int fd)
{
	static struct spawner spawner;
	struct pollfd polls[POLLS_MAX];
	bool open = true;

	spawner.fd = fd;
	while (open) {
		if (poll(polls, fill(&spawner, polls), -1) < 0 && errno != EINTR)
			break;
		look(&spawner, polls);
		if (polls[0].revents)
			open = obey(&spawner);
	}
	end_all(&spawner);
	return 0;
}

static bool is_ours(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

int spawner_main(int listener)
{
	struct pollfd polls[] = { { .fd = listener, .events = POLLIN } };
	struct sockaddr_storage peer;
	socklen_t size = sizeof(peer);
	_cleanup_close_ int fd = -1;
	int n;

	do
		n = poll(polls, 1, COME_MSEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return 0;
	fd = accept4(listener, (struct sockaddr *)&peer, &size, SOCK_CLOEXEC);
	return fd < 0 || !is_ours(fd) ? 0 : spawner_serve(fd);
}
