#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/spawner.h"
#include "base/text.h"

#define REAP_MSEC \
	2000 /* a process that the kernel keeps in a read that never ends is left to init */
#define TAKE_MSEC  100
#define TAKE_TURNS 20

static const char *spawner_path; /* NULL: helpers are children */
static int spawner_fd = -1;
static pthread_mutex_t spawner_lock = PTHREAD_MUTEX_INITIALIZER;

void spawn_through(const char *socket_path)
{
	cleanup_close(&spawner_fd);
	spawner_fd = -1;
	spawner_path = socket_path;
}

bool spawn_is_through(void)
{
	return spawner_path;
}

/* ---- by the spawner ---- */

static int connect_spawner(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	(void)text_copy(spawner_path, address.sun_path, sizeof(address.sun_path));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	spawner_fd = TAKE_FD(fd);
	return 0;
}

union fds_message {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(SPAWNER_FDS * sizeof(int))];
};

static int send_order(const char *word, const int fds[static SPAWNER_FDS])
{
	struct spawner_order order = { .version = SPAWNER_VERSION };
	union fds_message control = {};
	struct iovec data = { .iov_base = &order, .iov_len = sizeof(order) };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};

	(void)text_copy(word, order.word, sizeof(order.word));
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(SPAWNER_FDS * sizeof(int));
	memcpy(CMSG_DATA(&control.header), fds, SPAWNER_FDS * sizeof(int));
	return sendmsg(spawner_fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* A spawner that has ended is noticed here at the latest, and another one is asked. */
static int order_locked(const char *word, const int fds[static SPAWNER_FDS])
{
	int r = spawner_fd >= 0 ? send_order(word, fds) : -ENOTCONN;

	if (r == 0)
		return 0;
	cleanup_close(&spawner_fd);
	spawner_fd = -1;
	r = connect_spawner();
	return r < 0 ? r : send_order(word, fds);
}

static int order(const char *word, const int fds[static SPAWNER_FDS])
{
	int r;

	(void)pthread_mutex_lock(&spawner_lock);
	r = order_locked(word, fds);
	(void)pthread_mutex_unlock(&spawner_lock);
	return r;
}

static bool is_untaken(const struct spawn *spawn)
{
	int untaken = 0;
	int r = -1;

	(void)pthread_mutex_lock(&spawner_lock);
	if (spawn->fd >= 0 && spawn->pid == 0 && spawner_fd >= 0)
		r = ioctl(spawner_fd, SIOCOUTQ, &untaken);
	(void)pthread_mutex_unlock(&spawner_lock);
	return r == 0 && untaken > 0;
}

bool spawn_is_unheard(const struct spawn *spawn)
{
	bool untaken = is_untaken(spawn);

	for (int i = 0; i < TAKE_TURNS && untaken; i++) {
		(void)poll(NULL, 0, TAKE_MSEC / TAKE_TURNS);
		untaken = is_untaken(spawn);
	}
	return untaken;
}

int spawn_early(void)
{
	int r = 0;

	(void)pthread_mutex_lock(&spawner_lock);
	if (spawner_path && spawner_fd < 0)
		r = connect_spawner();
	(void)pthread_mutex_unlock(&spawner_lock);
	return r;
}

static int start_there(const char *program, const char *word, int in, int out,
		       struct spawn *ret_spawn, struct error *err)
{
	_cleanup_close_ int program_fd = open(program, O_PATH | O_CLOEXEC);
	_cleanup_close_ int ours = -1, theirs = -1;
	int pair[2];
	int r;

	if (program_fd < 0)
		return error_errno(err, "opening %s", program);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_errno(err, "making a leash for a helper");
	ours = pair[0];
	theirs = pair[1];
	r = order(word, (const int[]){ program_fd, in, out, theirs });
	if (r < 0) {
		(void)error_set(err, FAULT_UNIT,
				"nobody starts helpers at %s: %s; see `systemctl status "
				"'flipslot-helper@*'`",
				spawner_path, strerror(-r));
		return SPAWN_NOBODY;
	}
	*ret_spawn = (struct spawn){ .fd = TAKE_FD(ours) };
	return 0;
}

/* ---- by ourselves ---- */

static int start_here(const char *program, const char *word, int in, int out,
		      struct spawn *ret_spawn, struct error *err)
{
	struct spawn spawn = SPAWN_NONE;
	int r = spawner_run(program, word, in, out, &spawn.pid);

	if (r < 0)
		return error_code(err, r, "starting the %s %s", word, program);
	spawn.fd = pidfd_open(spawn.pid, 0);
	if (spawn.fd < 0) {
		r = error_errno(err, "watching the %s %s", word, program);
		(void)kill(spawn.pid, SIGKILL);
		(void)waitpid(spawn.pid, NULL, 0);
		return r;
	}
	*ret_spawn = spawn;
	return 0;
}

int spawn_start(const char *program, const char *word, int in, int out, struct spawn *ret_spawn,
		struct error *err)
{
	return spawner_path ? start_there(program, word, in, out, ret_spawn, err) :
			      start_here(program, word, in, out, ret_spawn, err);
}

/* ---- its end ---- */

static bool wait_for(const struct spawn *spawn, int msec)
{
	struct pollfd poll_fd = { .fd = spawn->fd, .events = POLLIN };
	int n;

	do
		n = poll(&poll_fd, 1, msec);
	while (n < 0 && errno == EINTR);
	return n > 0;
}

static void kill_it(const struct spawn *spawn)
{
	if (spawn->pid == 0) {
		(void)shutdown(spawn->fd, SHUT_WR);
		return;
	}
	(void)kill(-spawn->pid, SIGKILL); /* not reaped: its number is still its own */
	(void)kill(spawn->pid, SIGKILL);
}

static int learn(const struct spawn *spawn, struct spawn_end *ret_end)
{
	siginfo_t info = {};

	if (spawn->pid == 0)
		return recv(spawn->fd, ret_end, sizeof(*ret_end), MSG_DONTWAIT) ==
				       (ssize_t)sizeof(*ret_end) ?
			       0 :
			       SPAWN_LOST;
	(void)waitid(P_PID, (id_t)spawn->pid, &info, WEXITED | WNOHANG);
	*ret_end = (struct spawn_end){ .code = info.si_code, .status = info.si_status };
	return 0;
}

int spawn_hail(int msec, struct error *err)
{
	_cleanup_close_ int fd = open("/", O_PATH | O_CLOEXEC);
	struct spawn spawn = SPAWN_NONE;
	struct spawn_end end = {};
	int r;

	if (!spawner_path)
		return 0;
	if (fd < 0)
		return error_errno(err, "opening /");
	r = start_there("/", SPAWNER_HAIL, fd, fd, &spawn, err);
	if (r != 0)
		return r;
	r = wait_for(&spawn, msec) ? learn(&spawn, &end) : SPAWN_LOST;
	(void)close(spawn.fd);
	if (r == 0 && end.code == CLD_EXITED)
		return 0;
	(void)error_set(err, FAULT_UNIT,
			"nobody takes orders for helpers at %s; see `systemctl status "
			"'flipslot-helper@*'`",
			spawner_path);
	return SPAWN_NOBODY;
}

int spawn_finish(struct spawn *spawn, int grace_msec, struct spawn_end *ret_end)
{
	bool ended;
	int r = 0;

	*ret_end = (struct spawn_end){};
	if (spawn->fd < 0)
		return 0;
	ended = wait_for(spawn, grace_msec);
	if (!ended || spawn->pid > 0)
		kill_it(spawn);
	if (!ended && is_untaken(spawn)) /* who takes it later finds its leash let go */
		r = SPAWN_LOST;
	else if (ended || wait_for(spawn, REAP_MSEC))
		r = learn(spawn, ret_end);
	ret_end->by_us = !ended;
	(void)close(spawn->fd);
	*spawn = SPAWN_NONE;
	return r;
}
