#include "unit/inhibitor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "base/text.h"
#include "unit/cgroup.h"

#define LOCKS_MAX   (4 * 1024 * 1024) /* bytes of /proc/locks */
#define COMMAND_MAX (64 * 1024)
#define RETRIES	    200
#define RETRY_USEC  5000

/* Who looks for inhibitors has the lock for itself for a moment (is_free). */
int inhibitor_hold(const char *path, int *ret_fd, struct error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return error_errno(err, "opening %s", path);
	for (int tries = 0; flock(fd, LOCK_SH | LOCK_NB) < 0; tries++) {
		if (errno != EWOULDBLOCK || tries == RETRIES)
			return error_errno(err, "locking %s", path);
		(void)usleep(RETRY_USEC);
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* To read /proc/locks costs a grace period of RCU, some 15 ms of nothing, which each update would wait for. */
static bool is_free(int dirfd)
{
	_cleanup_close_ int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

/* Has the process this directory open? The device in /proc/locks is not that of stat(2) on every file system. */
static bool has_open(pid_t pid, const struct stat *wanted)
{
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *entry;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)) != NULL) {
		struct stat st;

		if (entry->d_name[0] != '.' && fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 &&
		    st.st_dev == wanted->st_dev && st.st_ino == wanted->st_ino)
			return true;
	}
	return false;
}

static bool is_user(uid_t uid, const char *user)
{
	struct passwd entry, *found = NULL;
	char buffer[4096];
	uint64_t number;

	if (!user[0])
		return false;
	if (parse_u64(user, 0, UINT32_MAX, &number, NULL) == 0)
		return uid == (uid_t)number;
	return getpwnam_r(user, &entry, buffer, sizeof(buffer), &found) == 0 && found &&
	       uid == found->pw_uid;
}

static bool counts(const struct unit *unit, pid_t pid)
{
	size_t size = strlen(unit->control_group);
	char path[PATH_MAX];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d", pid);
	if (stat(path, &st) < 0)
		return false;
	if (st.st_uid == 0 || st.st_uid == geteuid() || is_user(st.st_uid, unit->user))
		return true;
	return size > 0 && cgroup_of(pid, path, sizeof(path), NULL) == 0 &&
	       strncmp(path, unit->control_group, size) == 0 &&
	       (path[size] == '/' || path[size] == '\0');
}

/* What follows --why in the NUL-separated words of its command line. */
static void read_why(pid_t pid, char *ret_why, size_t room)
{
	static const char option[] = "--why";
	_cleanup_free_ char *words = NULL;
	const char *why = "";
	char path[64];
	size_t size;

	ret_why[0] = '\0';
	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	if (fd_read_file(AT_FDCWD, path, COMMAND_MAX, &words, &size, NULL) != 0)
		return;
	for (const char *word = words; word < words + size; word += strlen(word) + 1) {
		if (strncmp(word, option, strlen(option)) != 0)
			continue;
		if (word[strlen(option)] == '=')
			why = word + strlen(option) + 1;
		else if (word + strlen(option) + 1 < words + size)
			why = word + strlen(option) + 1;
		break;
	}
	(void)text_escape(why, strlen(why), ret_why, room);
}

/* "12: FLOCK  ADVISORY  READ 4711 08:01:1234 0 EOF": the process, if it is a shared lock on that inode; else 0. */
static pid_t find_holder(const char *line, uint64_t inode)
{
	static const char kind[] = "FLOCK  ADVISORY  READ ";
	size_t size = strcspn(line, "\n");
	const char *at = memmem(line, size, kind, strlen(kind));
	char pid[24], place[64];
	uint64_t number, found;
	const char *colon;

	if (!at)
		return 0;
	at += strlen(kind);
	(void)snprintf(pid, sizeof(pid), "%.*s", (int)strcspn(at, " \n"), at);
	at += strcspn(at, " \n");
	at += strspn(at, " ");
	(void)snprintf(place, sizeof(place), "%.*s", (int)strcspn(at, " \n"), at);
	colon = strrchr(place, ':');
	if (!colon || parse_u64(pid, 1, INT_MAX, &number, NULL) < 0 ||
	    parse_u64(colon + 1, 0, UINT64_MAX, &found, NULL) < 0)
		return 0;
	return found == inode ? (pid_t)number : 0;
}

static void add(struct inhibitors *inhibitors, pid_t pid)
{
	struct inhibitor *inhibitor = &inhibitors->list[inhibitors->n];

	if (inhibitors->n == INHIBITOR_MAX)
		return;
	inhibitor->pid = pid;
	read_why(pid, inhibitor->why, sizeof(inhibitor->why));
	inhibitors->n++;
}

int inhibitor_find(const struct unit *unit, int dirfd, struct inhibitors *ret_inhibitors,
		   struct error *err)
{
	_cleanup_free_ char *locks = NULL;
	struct stat st;
	int r;

	*ret_inhibitors = (struct inhibitors){};
	if (fstat(dirfd, &st) < 0)
		return error_errno(err, "looking for inhibitors");
	if (is_free(dirfd))
		return 0;
	r = fd_read_file(AT_FDCWD, "/proc/locks", LOCKS_MAX, &locks, NULL, err);
	if (r != 0)
		return r < 0 ? r : 0;
	for (const char *line = locks; *line; line += *line == '\n') {
		pid_t pid = find_holder(line, st.st_ino);

		if (pid > 0 && counts(unit, pid) && has_open(pid, &st))
			add(ret_inhibitors, pid);
		line += strcspn(line, "\n");
	}
	return 0;
}

char *inhibitor_describe(const struct inhibitors *inhibitors, char *ret_text, size_t room)
{
	_cleanup_text_ struct text text = {};

	for (size_t i = 0; i < inhibitors->n; i++) {
		const struct inhibitor *inhibitor = &inhibitors->list[i];

		text_add(&text, "%s%d%s%s%s", i > 0 ? ", " : "", inhibitor->pid,
			 inhibitor->why[0] ? " (" : "", inhibitor->why,
			 inhibitor->why[0] ? ")" : "");
	}
	return text_clip(text.data ? text.data : "", ret_text, room);
}
