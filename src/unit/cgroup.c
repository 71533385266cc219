#include "unit/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/text.h"

#define FILE_MAX    (1024 * 1024) /* of what is read from /proc and from cgroup files */
#define VISITS_MAX  4096 /* directories, in a search */
#define USER_PREFIX "user@"
#define UID_MAX	    (UINT32_MAX - 1)

/* ---- the cgroup of a process ---- */

/* The path in the line of /proc/PID/cgroup that begins with `hierarchy`, as far as the line's end. */
static bool find_line(const char *lines, const char *hierarchy, char *ret_path, size_t room)
{
	for (const char *line = lines; line && *line; line += *line == '\n') {
		const char *at = strchr(line, ':');
		size_t size = strlen(hierarchy);

		if (at && strncmp(at, hierarchy, size) == 0 && strcspn(at + size, "\n") < room) {
			(void)snprintf(ret_path, room, "%.*s", (int)strcspn(at + size, "\n"),
				       at + size);
			return true;
		}
		line += strcspn(line, "\n");
	}
	return false;
}

int cgroup_of(int pid, char *ret_path, size_t room, struct error *err)
{
	_cleanup_free_ char *lines = NULL;
	char unified[PATH_MAX] = "";
	char named[PATH_MAX] = "";
	char name[64];
	int r;

	(void)snprintf(name, sizeof(name), "/proc/%d/cgroup", pid);
	r = fd_read_file(AT_FDCWD, name, FILE_MAX, &lines, NULL, err);
	if (r < 0)
		return r;
	if (r == FD_ABSENT)
		return error_set(err, FAULT_UNIT, "there is no process %d", pid);
	(void)find_line(lines, "::", unified, sizeof(unified));
	(void)find_line(lines, ":name=systemd:", named, sizeof(named));
	if (strlen(unified) <= 1 && strlen(named) > 1)
		text_copy(named, ret_path, room);
	else
		text_copy(unified, ret_path, room);
	return 0;
}

/* ---- the hierarchy ---- */

/* Octal escapes as in /proc/self/mountinfo, undone in place. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		char digits[4] = "";

		if (from[0] == '\\' && strspn(from + 1, "01234567") >= 3) {
			memcpy(digits, from + 1, 3);
			*to = (char)strtol(digits, NULL, 8);
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/*
 * The mount point in a line of mountinfo ("ID PARENT DEV ROOT POINT OPTIONS [TAGS] - TYPE SOURCE SUPER"):
 * of the unified hierarchy, or of version 1's "name=systemd".
 */
static bool is_hierarchy(char *line, bool unified, const char **ret_point)
{
	char *rest = strstr(line, " - ");
	char *at = line;
	bool fits;

	if (!rest)
		return false;
	fits = unified ? strncmp(rest, " - cgroup2 ", 11) == 0 :
			 strncmp(rest, " - cgroup ", 10) == 0 && strstr(rest, "name=systemd");
	for (int i = 0; fits && i < 4; i++) {
		at = strchr(at, ' ');
		fits = at++ != NULL && at < rest;
	}
	if (!fits)
		return false;
	at[strcspn(at, " ")] = '\0';
	unescape(at);
	*ret_point = at;
	return true;
}

/* Where systemd keeps itself, it keeps the others too. */
static int open_hierarchy(FILE *mounts, bool unified)
{
	_cleanup_free_ char *line = NULL;
	size_t room = 0;

	rewind(mounts);
	while (getline(&line, &room, mounts) > 0) {
		_cleanup_close_ int fd = -1;
		const char *point;

		if (!is_hierarchy(line, unified, &point))
			continue;
		fd = open(point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0 && (faccessat(fd, "init.scope", F_OK, 0) == 0 ||
				faccessat(fd, "system.slice", F_OK, 0) == 0))
			return TAKE_FD(fd);
	}
	return -1;
}

int cgroup_open_root(int *ret_fd, struct error *err)
{
	_cleanup_fclose_ FILE *mounts = fopen("/proc/self/mountinfo", "re");
	int fd;

	if (!mounts)
		return error_errno(err, "opening /proc/self/mountinfo");
	fd = open_hierarchy(mounts, true);
	if (fd < 0)
		fd = open_hierarchy(mounts, false);
	if (fd < 0)
		return error_set(err, FAULT_UNIT, "no cgroup hierarchy of systemd is mounted here");
	*ret_fd = fd;
	return 0;
}

/* ---- walking ---- */

/* What is done at a directory; > 0: enough. */
struct walk {
	int (*visit)(struct walk *walk, int dirfd, const char *name, struct error *err);
	const char *unit; /* looked for */
	unsigned int visits; /* directories seen so far */
	pid_t *pids;
	size_t n_pids;
};

/* Cgroups come and go: one that has gone is passed over. */
static int walk_below(struct walk *walk, int dirfd, const char *name, int depth, struct error *err)
{
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *entry;
	int fd;
	int r;

	if (depth > CGROUP_DEPTH_MAX || walk->visits++ >= VISITS_MAX)
		return 0;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return 0;
	dir = fdopendir(fd);
	if (!dir) {
		(void)close(fd);
		return error_code(err, -ENOMEM, "reading cgroups");
	}
	r = walk->visit(walk, fd, name, err);
	while (r == 0 && (entry = readdir(dir)) != NULL)
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			r = walk_below(walk, fd, entry->d_name, depth + 1, err);
	return r;
}

static int collect(struct walk *walk, int dirfd, const char *name, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	char *at;

	if (fd_read_file(dirfd, "cgroup.procs", FILE_MAX, &text, NULL, NULL) != 0)
		return 0; /* gone, or threaded */
	for (at = text; *at && walk->n_pids < CGROUP_PROCESSES_MAX; at += *at == '\n') {
		long pid = strtol(at, &at, 10);

		if (pid > 0 && pid <= INT_MAX) /* 0: of another PID namespace */
			walk->pids[walk->n_pids++] = (pid_t)pid;
		at += strcspn(at, "\n");
	}
	return walk->n_pids == CGROUP_PROCESSES_MAX;
}

/* All of what lies below an open cgroup. */
static int list_below(int dirfd, pid_t **ret_pids, size_t *ret_n, struct error *err)
{
	_cleanup_free_ pid_t *pids = calloc(CGROUP_PROCESSES_MAX, sizeof(*pids));
	struct walk walk = { .visit = collect, .pids = pids };
	int r;

	if (!pids)
		return error_code(err, -ENOMEM, "reading cgroups");
	r = walk_below(&walk, dirfd, ".", 0, err);
	if (r < 0)
		return r;
	*ret_pids = TAKE_PTR(pids);
	*ret_n = walk.n_pids;
	return 0;
}

int cgroup_list(const char *path, pid_t **ret_pids, size_t *ret_n, struct error *err)
{
	const char *below = path + strspn(path, "/");
	_cleanup_close_ int root = -1;
	_cleanup_close_ int fd = -1;
	int r;

	r = cgroup_open_root(&root, err);
	if (r < 0)
		return r;
	fd = fd_open_beneath(root, below, O_RDONLY | O_DIRECTORY,
			     0); /* fails for the root itself */
	if (fd >= 0)
		return list_below(fd, ret_pids, ret_n, err);
	*ret_pids = NULL;
	*ret_n = 0;
	return 0;
}

/* ---- units of users ---- */

static bool is_populated(int dirfd)
{
	_cleanup_free_ char *events = NULL;
	_cleanup_free_ pid_t *pids = NULL;
	size_t n = 0;

	if (fd_read_file(dirfd, "cgroup.events", FILE_MAX, &events, NULL, NULL) == 0)
		return strstr(events, "populated 1") != NULL;
	return list_below(dirfd, &pids, &n, NULL) == 0 && n > 0;
}

/* systemd puts "_" before a name that the kernel could mistake for a file of its own. */
static int look_for_unit(struct walk *walk, int dirfd, const char *name, struct error *err)
{
	bool same = strcmp(name, walk->unit) == 0 ||
		    (name[0] == '_' && strcmp(name + 1, walk->unit) == 0);

	return same && is_populated(dirfd);
}

/* Of the cgroup of a user's manager. Returns false for other names. */
static bool uid_of(const char *name, uid_t *ret_uid)
{
	char digits[16];
	size_t size;
	uint64_t uid;

	if (strncmp(name, USER_PREFIX, strlen(USER_PREFIX)) != 0)
		return false;
	name += strlen(USER_PREFIX);
	size = strspn(name, "0123456789");
	if (size == 0 || size >= sizeof(digits) || strcmp(name + size, ".service") != 0)
		return false;
	memcpy(digits, name, size);
	digits[size] = '\0';
	if (parse_u64(digits, 0, UID_MAX, &uid, NULL) < 0)
		return false;
	*ret_uid = (uid_t)uid;
	return true;
}

static void name_user(uid_t uid, char *ret_who, size_t room)
{
	char buffer[4096];
	struct passwd entry;
	struct passwd *found = NULL;

	if (getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) == 0 && found)
		text_escape(found->pw_name, strlen(found->pw_name), ret_who, room);
	else
		(void)snprintf(ret_who, room, "%u", uid);
}

/* user.slice/user-UID.slice: looks below its user@UID.service. > 0: found. */
static int search_slice(int dirfd, const char *slice, const char *unit, uid_t *ret_uid,
			struct error *err)
{
	_cleanup_closedir_ DIR *dir = NULL;
	struct walk walk = { .visit = look_for_unit, .unit = unit };
	struct dirent *entry;
	int fd = openat(dirfd, slice, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	int r = 0;

	if (fd < 0)
		return 0;
	dir = fdopendir(fd);
	if (!dir) {
		(void)close(fd);
		return error_code(err, -ENOMEM, "reading cgroups");
	}
	while (r == 0 && (entry = readdir(dir)) != NULL)
		if (uid_of(entry->d_name, ret_uid))
			r = walk_below(&walk, fd, entry->d_name, 0, err);
	return r;
}

bool cgroup_is_own(const char *control_group)
{
	size_t size = strlen(control_group);
	char own[PATH_MAX];

	return size > 1 && cgroup_of(getpid(), own, sizeof(own), NULL) == 0 &&
	       strncmp(own, control_group, size) == 0 && (own[size] == '/' || own[size] == '\0');
}

int cgroup_find_in_system(const char *unit, bool *ret_found, struct error *err)
{
	_cleanup_close_ int root = -1;
	_cleanup_close_ int slice = -1;
	int r = cgroup_open_root(&root, err);

	if (r < 0)
		return r;
	slice = openat(root, "system.slice", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	*ret_found = slice >= 0 && faccessat(slice, unit, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	return 0;
}

/* owner: a name, or a number */
static bool is_ours(uid_t uid, const char *owner)
{
	char buffer[4096];
	struct passwd entry;
	struct passwd *found = NULL;
	uint64_t number;

	if (uid == 0)
		return true;
	if (getpwnam_r(owner, &entry, buffer, sizeof(buffer), &found) == 0 && found)
		return found->pw_uid == uid;
	return parse_u64(owner, 0, UID_MAX, &number, NULL) >= 0 && number == uid;
}

int cgroup_find_in_user_managers(const char *unit, const char *owner, enum cgroup_found *ret_found,
				 char *ret_who, size_t room, struct error *err)
{
	_cleanup_closedir_ DIR *dir = NULL;
	_cleanup_close_ int root = -1;
	struct dirent *entry;
	uid_t uid = 0;
	int r;
	int fd;

	r = cgroup_open_root(&root, err);
	if (r < 0)
		return r;
	*ret_found = CGROUP_OF_NOBODY;
	fd = openat(root, "user.slice", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		cleanup_close(&fd);
		return 0;
	}
	while (r >= 0 && *ret_found != CGROUP_OURS && (entry = readdir(dir)) != NULL) {
		if (strncmp(entry->d_name, "user-", 5) != 0)
			continue;
		r = search_slice(fd, entry->d_name, unit, &uid, err);
		if (r <= 0)
			continue;
		*ret_found = is_ours(uid, owner) ? CGROUP_OURS : CGROUP_OF_OTHERS;
		name_user(uid, ret_who, room);
	}
	return r < 0 ? r : 0;
}
