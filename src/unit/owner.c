#include "unit/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

#define NAMES_BUFFER 65536
#define CONNECT_MSEC 3000 /* a full backlog would hold it up */
#define CHARACTERS   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

bool owner_is_name(const char *name)
{
	size_t size = strlen(name);

	return size > 0 && size < OWNER_NAME_MAX && strspn(name, CHARACTERS) == size &&
	       !strchr("0123456789.-", name[0]);
}

int owner_find(const char *name, struct owner *ret_owner, struct error *err)
{
	_cleanup_free_ char *buffer = malloc(NAMES_BUFFER);
	struct passwd entry, *found = NULL;
	struct owner owner = {};

	if (!buffer)
		return error_code(err, -ENOMEM, "looking for user %s", name);
	if (!owner_is_name(name) || getpwnam_r(name, &entry, buffer, NAMES_BUFFER, &found) != 0 ||
	    !found)
		return error_set(err, FAULT_CONFIG, "there is no user %.40s (Scope=user:NAME)",
				 name);
	if (found->pw_uid == 0)
		return error_set(err, FAULT_CONFIG,
				 "Scope=user:%s: a service of root's is the system's: Scope=system",
				 name);
	(void)text_copy(name, owner.name, sizeof(owner.name));
	(void)text_copy(found->pw_dir, owner.home, sizeof(owner.home));
	owner.uid = found->pw_uid;
	owner.gid = found->pw_gid;
	*ret_owner = owner;
	return 0;
}

bool owner_lingers(const struct owner *owner)
{
	char path[sizeof(OWNER_LINGER_DIR) + OWNER_NAME_MAX + 1];

	(void)snprintf(path, sizeof(path), OWNER_LINGER_DIR "/%s", owner->name);
	return access(path, F_OK) == 0;
}

char *owner_unit(const struct owner *owner, char ret_unit[static OWNER_UNIT_MAX])
{
	(void)snprintf(ret_unit, OWNER_UNIT_MAX, "user@%u.service", (unsigned int)owner->uid);
	return ret_unit;
}

bool owner_has_cgroup(const struct owner *owner, const char *control_group)
{
	char prefix[96];
	size_t size = (size_t)snprintf(prefix, sizeof(prefix),
				       "/user.slice/user-%u.slice/user@%u.service/",
				       (unsigned int)owner->uid, (unsigned int)owner->uid);

	return strncmp(control_group, prefix, size) == 0 && control_group[size] != '\0' &&
	       !strstr(control_group, "/../");
}

/* ---- connecting ---- */

static int connect_here(const char *path, int *ret_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	(void)text_copy(path, address.sun_path, sizeof(address.sun_path));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* The raw calls: those of libc would change all threads, of which the child has but one. */
static int become(const struct owner *owner)
{
	if (syscall(SYS_setgroups, 0, NULL) < 0 ||
	    syscall(SYS_setresgid, owner->gid, owner->gid, owner->gid) < 0 ||
	    syscall(SYS_setresuid, owner->uid, owner->uid, owner->uid) < 0)
		return -errno;
	return 0;
}

union fd_message {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

/* The result and, if that is 0, the connection. */
static void hand_over(int pair_fd, int result, int fd)
{
	union fd_message control = {};
	struct iovec data = { .iov_base = &result, .iov_len = sizeof(result) };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

	if (result == 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	(void)sendmsg(pair_fd, &message, MSG_NOSIGNAL);
}

static int take_over(int pair_fd, int *ret_fd)
{
	int result = -EIO;
	union fd_message control = {};
	struct iovec data = { .iov_base = &result, .iov_len = sizeof(result) };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct pollfd poll_fd = { .fd = pair_fd, .events = POLLIN };

	if (poll(&poll_fd, 1, CONNECT_MSEC) <= 0)
		return -ETIMEDOUT;
	if (recvmsg(pair_fd, &message, MSG_CMSG_CLOEXEC) != (ssize_t)sizeof(result))
		return -EIO;
	if (result < 0)
		return result;
	if (message.msg_controllen < CMSG_LEN(sizeof(int)) ||
	    control.header.cmsg_type != SCM_RIGHTS)
		return -EIO;
	memcpy(ret_fd, CMSG_DATA(&control.header), sizeof(*ret_fd));
	return 0;
}

static void end_child(pid_t pid)
{
	(void)kill(pid, SIGKILL); /* it has nothing left to do */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int connect_in_child(const struct owner *owner, const char *path, int *ret_fd)
{
	_cleanup_close_ int ours = -1, theirs = -1;
	int pair[2];
	pid_t pid;
	int r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		int fd = -1;

		r = become(owner);
		if (r == 0)
			r = connect_here(path, &fd);
		hand_over(theirs, r, fd);
		_exit(0);
	}
	(void)close(TAKE_FD(theirs));
	r = take_over(ours, ret_fd);
	end_child(pid);
	return r;
}

static bool is_of(const struct owner *owner, int fd)
{
	struct ucred peer = {};
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == owner->uid;
}

int owner_connect(const struct owner *owner, const char *name, int *ret_fd)
{
	_cleanup_close_ int fd = -1;
	char path[108];
	int r;

	(void)snprintf(path, sizeof(path), "/run/user/%u/%s", (unsigned int)owner->uid, name);
	if (geteuid() == owner->uid)
		r = connect_here(path, &fd);
	else
		r = geteuid() == 0 ? connect_in_child(owner, path, &fd) : -EACCES;
	if (r < 0)
		return r;
	if (!is_of(owner, fd))
		return -EPERM;
	*ret_fd = TAKE_FD(fd);
	return 0;
}
