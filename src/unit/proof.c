#include "unit/proof.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/text.h"
#include "unit/cgroup.h"
#include "unit/exec.h"

#define STATUS_MAX 65536
#define LOOKS_MAX  200000 /* names read, over all processes: well under a second */
#define DELETED	   " (deleted)"

const char *proof_name(enum proof proof)
{
	static const char *const names[] = {
		[PROOF_NONE] = "none",
		[PROOF_WEAK] = "weak",
		[PROOF_STRONG] = "strong",
	};

	return proof < PROOF_MAX ? names[proof] : "none";
}

struct search {
	const struct unit *unit; /* NULL: processes of whoever */
	const char *slot_path, *other_path;
	struct stat slot, other; /* st_ino 0: not there */
	struct proof_verdict *verdict;
	unsigned int looks;
};

/* Both questions are answered, or it takes too long. */
static bool is_enough(const struct search *search)
{
	return (search->verdict->proof == PROOF_STRONG && search->verdict->other_slot) ||
	       search->looks >= LOOKS_MAX;
}

/* By whole components: /s/a is not above /s/ab. */
static bool is_inside(const char *path, const char *directory)
{
	size_t size = strlen(directory);

	return strncmp(path, directory, size) == 0 && (path[size] == '\0' || path[size] == '/');
}

/* The kernel says so behind the name; a file may also really be called so. Cuts it off. */
static bool is_deleted(char *path)
{
	size_t size = strlen(path);
	size_t tail = strlen(DELETED);
	struct stat st;

	if (size <= tail || strcmp(path + size - tail, DELETED) != 0 || lstat(path, &st) == 0)
		return false;
	path[size - tail] = '\0';
	return true;
}

static void found(struct search *search, int pid, const char *what, const char *path)
{
	struct proof_verdict *verdict = search->verdict;

	if (verdict->proof == PROOF_STRONG)
		return;
	verdict->proof = PROOF_STRONG;
	verdict->pid = pid;
	text_copy(what, verdict->what, sizeof(verdict->what));
	text_copy(path, verdict->path, sizeof(verdict->path));
}

/* A temporary file that a process has open and deleted says nothing about its code. */
static void judge(struct search *search, int pid, const char *what, char *path)
{
	bool inside = is_inside(path, search->slot_path);

	search->looks++;
	if (!inside && !is_inside(path, search->other_path))
		return;
	if (is_deleted(path))
		search->verdict->other_slot |= strcmp(what, "fd") != 0;
	else if (inside)
		found(search, pid, what, path);
	else
		search->verdict->other_slot = true;
}

static void look_at_link(struct search *search, int pid, int dirfd, const char *name,
			 const char *what)
{
	char path[PATH_MAX];
	ssize_t n = readlinkat(dirfd, name, path, sizeof(path) - 1);

	if (n <= 0)
		return;
	path[n] = '\0';
	judge(search, pid, what, path);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino != 0 && a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

/*
 * The directory itself, whatever name it has in the process's own view of the file system
 * (RootDirectory=, BindPaths=).
 */
static void look_at_directory(struct search *search, int pid, int dirfd, const char *name)
{
	struct stat st;

	look_at_link(search, pid, dirfd, name, name);
	if (fstatat(dirfd, name, &st, 0) < 0)
		return;
	if (is_same(&search->slot, &st))
		found(search, pid, name, search->slot_path);
	if (is_same(&search->other, &st))
		search->verdict->other_slot = true;
}

/* "ADDRESSES MODE OFFSET DEVICE INODE   PATH": one file has several lines, one after the other. */
static void look_at_maps(struct search *search, int pid, int dirfd)
{
	_cleanup_fclose_ FILE *maps = NULL;
	_cleanup_free_ char *line = NULL;
	char last[PATH_MAX] = "";
	size_t room = 0;
	int fd = openat(dirfd, "maps", O_RDONLY | O_CLOEXEC);

	maps = fd >= 0 ? fdopen(fd, "re") : NULL;
	if (!maps) {
		cleanup_close(&fd);
		return;
	}
	while (!is_enough(search) && getline(&line, &room, maps) > 0) {
		char *path = strchr(line, '/');

		search->looks++;
		if (!path)
			continue;
		path[strcspn(path, "\n")] = '\0';
		if (strcmp(path, last) == 0)
			continue;
		text_copy(path, last, sizeof(last));
		judge(search, pid, "map", path);
	}
}

static void look_at_files(struct search *search, int pid, int dirfd)
{
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *entry;
	int fd = openat(dirfd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		cleanup_close(&fd);
		return;
	}
	while (!is_enough(search) && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			look_at_link(search, pid, fd, entry->d_name, "fd");
}

/* "Uid:\tREAL\tEFFECTIVE\t…": the owner of the directory in /proc would be root's if it may not be traced. */
static bool is_of(int dirfd, uid_t uid)
{
	_cleanup_free_ char *status = NULL;
	const char *line;

	if (fd_read_file(dirfd, "status", STATUS_MAX, &status, NULL, NULL) != 0)
		return false;
	line = strstr(status, "\nUid:");
	return line && strtoul(line + strlen("\nUid:"), NULL, 10) == uid;
}

static void look_at_process(struct search *search, int pid, bool closely)
{
	_cleanup_close_ int dirfd = -1;
	char name[32];

	(void)snprintf(name, sizeof(name), "/proc/%d", pid);
	dirfd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0 ||
	    (search->unit && search->unit->is_owned && !is_of(dirfd, search->unit->uid)))
		return;
	look_at_link(search, pid, dirfd, "exe", "exe");
	look_at_directory(search, pid, dirfd, "cwd");
	look_at_directory(search, pid, dirfd, "root");
	if (!closely)
		return;
	look_at_maps(search, pid, dirfd);
	look_at_files(search, pid, dirfd);
}

bool proof_uses(pid_t pid, const char *path, bool closely)
{
	struct proof_verdict verdict = {};
	struct search search = { .slot_path = path, .other_path = path, .verdict = &verdict };

	if (stat(path, &search.slot) < 0)
		search.slot.st_ino = 0;
	look_at_process(&search, pid, closely);
	return verdict.proof == PROOF_STRONG;
}

int proof_find(const struct unit *unit, const char *slot_path, const char *other_path,
	       const char *current_path, struct proof_verdict *ret_verdict, struct error *err)
{
	struct proof_verdict verdict = {};
	struct search search = {
		.unit = unit,
		.slot_path = slot_path,
		.other_path = other_path,
		.verdict = &verdict,
	};
	_cleanup_free_ pid_t *pids = NULL;
	size_t n = 0;
	int r = 0;

	if (unit->control_group[0])
		r = cgroup_list(unit->control_group, &pids, &n, err);
	if (r < 0)
		return r;
	if (stat(slot_path, &search.slot) < 0)
		search.slot.st_ino = 0;
	if (stat(other_path, &search.other) < 0)
		search.other.st_ino = 0;
	for (size_t i = 0; i < n && !is_enough(&search); i++)
		look_at_process(&search, pids[i], true);
	if (verdict.proof == PROOF_NONE && !verdict.other_slot && unit_is_running(unit) &&
	    exec_goes_through(unit, current_path))
		verdict.proof = PROOF_WEAK;
	*ret_verdict = verdict;
	return 0;
}
