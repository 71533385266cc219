/* LDFLAGS: -Wl,--wrap=unlinkat,--wrap=readdir */
#include "store/sweep.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "../base/check.h"

static int make_dir(int dirfd, const char *name)
{
	int fd;

	assert_int_equal(mkdirat(dirfd, name, 0755), 0);
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void check_swept(int fd)
{
	struct error err = {};

	if (sweep_directory(fd, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(check_count(fd), 0);
}

static void everything_goes_but_the_directory_itself(void **state)
{
	int dirfd = check_dirfd(state);
	_cleanup_close_ int slot = make_dir(dirfd, "slot");
	struct stat before;
	struct stat after;

	for (int i = 0; i < 300; i++) {
		char name[64];
		_cleanup_close_ int fd = -1;

		(void)snprintf(name, sizeof(name), "d%d", i);
		fd = make_dir(slot, name);
		if (i % 3 == 0)
			(void)close(make_dir(fd, "e"));
		for (int j = 0; j < i % 5; j++) {
			(void)snprintf(name, sizeof(name), "f%d", j);
			check_write(fd, name, "x", 1);
		}
	}
	check_write(slot, ".hidden", "x", 1);
	check_write(slot, "...", "x", 1);
	assert_int_equal(mkfifoat(slot, "fifo", 0600), 0);
	assert_int_equal(fstat(slot, &before), 0);
	check_swept(slot);
	assert_int_equal(fstatat(dirfd, "slot", &after, 0), 0);
	assert_true(before.st_ino == after.st_ino && before.st_mode == after.st_mode);
	check_swept(slot); /* an empty one */
}

/* What a file system may do: not tell types, pass over names while others are removed. */
static bool tells_no_types;
static bool skips;
static bool just_removed;

struct dirent *__real_readdir(DIR *dir);
struct dirent *__wrap_readdir(DIR *dir);
struct dirent *__wrap_readdir(DIR *dir)
{
	struct dirent *entry = __real_readdir(dir);

	if (entry && skips && just_removed)
		entry = __real_readdir(dir);
	just_removed = false;
	if (entry && strcmp(entry->d_name, "hidden") == 0)
		entry = __real_readdir(dir);
	if (entry && tells_no_types)
		entry->d_type = DT_UNKNOWN;
	return entry;
}

/* It must end where a directory lists nothing and cannot be removed all the same. */
static void what_is_listed_empty_but_is_not_is_an_error(void **state)
{
	_cleanup_close_ int slot = make_dir(check_dirfd(state), "slot");
	struct error err = {};

	assert_int_equal(mkdirat(slot, "a", 0755), 0);
	assert_int_equal(mkdirat(slot, "a/b", 0755), 0);
	assert_int_equal(mkdirat(slot, "a/c", 0755), 0);
	check_write(slot, "a/b/hidden", "x", 1);
	check_write(slot, "a/c/hidden", "x", 1);
	check_error(sweep_directory(slot, &err), &err, FAULT_INTERNAL, "list nothing");
}

static void listings_of_any_kind_will_do(void **state)
{
	_cleanup_close_ int slot = make_dir(check_dirfd(state), "slot");

	for (int round = 0; round < 4; round++) {
		assert_int_equal(mkdirat(slot, "a", 0755), 0);
		assert_int_equal(mkdirat(slot, "a/b", 0755), 0);
		check_write(slot, "a/b/f", "x", 1);
		for (char name[] = "f"; name[0] <= 'z'; name[0]++)
			check_write(slot, name, "x", 1);
		assert_int_equal(symlinkat("a", slot, "link"), 0);
		tells_no_types = round % 2;
		skips = round % 4 < 2;
		check_swept(slot);
	}
	tells_no_types = skips = false;
}

static void no_link_is_followed(void **state)
{
	int dirfd = check_dirfd(state);
	_cleanup_close_ int slot = make_dir(dirfd, "slot");
	_cleanup_close_ int other = make_dir(dirfd, "other");

	check_write(other, "precious", "x", 1);
	assert_int_equal(symlinkat("../other", slot, "link"), 0);
	assert_int_equal(symlinkat("../other/precious", slot, "link2"), 0);
	assert_int_equal(symlinkat("none", slot, "dangling"), 0);
	assert_int_equal(linkat(other, "precious", slot, "hard", 0), 0);
	check_swept(slot);
	assert_int_equal(faccessat(other, "precious", F_OK, 0), 0);
}

/* A tree so deep that no path names it, with hardly a descriptor to spare. */
static void a_deep_tree_needs_no_more_descriptors(void **state)
{
	_cleanup_close_ int slot = make_dir(check_dirfd(state), "slot");
	struct rlimit before;
	struct rlimit tight;
	int fd = dup(slot);

	for (int depth = 0; depth < 10000; depth++) {
		int next = make_dir(fd, "directory");

		if (depth % 100 == 0)
			check_write(fd, "file", "x", 1);
		(void)close(fd);
		fd = next;
	}
	(void)close(fd);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	tight = before;
	tight.rlim_cur = (rlim_t)slot + 8 + 8;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	check_swept(slot);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* As nobody, since root may enter what it likes. */
static int sweep_as_nobody(int slot)
{
	_cleanup_close_ int fd = -1;
	struct error err = {};

	if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
		return 2;
	fd = make_dir(slot, "closed");
	check_write(fd, "f", "x", 1);
	(void)close(make_dir(fd, "below"));
	if (mkdirat(fd, "below/deeper", 0) < 0 || fchmodat(fd, "below", 0100, 0) < 0)
		return 3;
	if (mkdirat(slot, "unwritable", 0755) < 0)
		return 3;
	check_write(slot, "unwritable/f", "x", 1);
	if (fchmodat(slot, "closed", 0, 0) < 0 || fchmodat(slot, "unwritable", 0500, 0) < 0)
		return 4;
	if (sweep_directory(slot, &err) < 0)
		print_error("%s\n", err.text);
	return check_count(slot) == 0 ? 0 : 5;
}

static void closed_directories_are_opened_up(void **state)
{
	_cleanup_close_ int slot = make_dir(check_dirfd(state), "slot");
	int status = -1;
	pid_t pid;

	assert_int_equal(fchmod(check_dirfd(state), 0755), 0);
	assert_int_equal(fchmod(slot, 0777), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(sweep_as_nobody(slot));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Exit status 77 where mounting is not allowed. */
static int sweep_with_mount(const char *source)
{
	_cleanup_close_ int slot = -1;
	char path[128];
	struct error err = {};

	(void)snprintf(path, sizeof(path), "%s/slot/d/mounted", check_path);
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return 77;
	if (mount(source, path, source ? NULL : "tmpfs", source ? MS_BIND : 0, NULL) < 0)
		return 77;
	path[strlen(path) - strlen("/d/mounted")] = '\0';
	slot = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* in the new namespace */
	check_write(slot, "d/mounted/precious", "x", 1);
	if (sweep_directory(slot, &err) >= 0)
		return 1;
	return faccessat(slot, "d/mounted/precious", F_OK, 0) == 0 ? 0 : 2;
}

static void no_mount_is_crossed(void **state)
{
	_cleanup_close_ int slot = make_dir(check_dirfd(state), "slot");
	_cleanup_close_ int other = make_dir(check_dirfd(state), "other");
	char path[80];

	assert_int_equal(mkdirat(slot, "d", 0755), 0);
	assert_int_equal(mkdirat(slot, "d/mounted", 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/other", check_path);
	for (int round = 0; round < 2; round++) {
		int status = -1;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			_exit(sweep_with_mount(round ? path : NULL));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
			skip();
		assert_int_equal(status, 0);
	}
	assert_int_equal(faccessat(other, "precious", F_OK, 0), 0);
}

int __real_unlinkat(int dirfd, const char *name, int flags);
int __wrap_unlinkat(int dirfd, const char *name, int flags);

/* What is moved to the top when "trigger" is removed, and an error for "stubborn". */
static int top = -1;

int __wrap_unlinkat(int dirfd, const char *name, int flags)
{
	if (top >= 0 && strcmp(name, "trigger") == 0 && flags == 0)
		assert_int_equal(renameat(top, "slot/1/2/3/4/5/6/7/8/9/10", top, "moved"), 0);
	if (strcmp(name, "stubborn\n") == 0 && flags == 0) {
		errno = EPERM;
		return -1;
	}
	just_removed = __real_unlinkat(dirfd, name, flags) == 0;
	return just_removed ? 0 : -1;
}

/* Whoever moves a directory while it is emptied must not lead us out of the slot by its "..". */
static void a_directory_that_is_moved_leads_nowhere(void **state)
{
	static const char *const way[] = {
		"1",
		"1/2",
		"1/2/3",
		"1/2/3/4",
		"1/2/3/4/5",
		"1/2/3/4/5/6",
		"1/2/3/4/5/6/7",
		"1/2/3/4/5/6/7/8",
		"1/2/3/4/5/6/7/8/9",
		"1/2/3/4/5/6/7/8/9/10",
	};
	int dirfd = check_dirfd(state);
	_cleanup_close_ int slot = make_dir(dirfd, "slot");
	struct error err = {};

	for (size_t i = 0; i < ARRAY_SIZE(way); i++)
		assert_int_equal(mkdirat(slot, way[i], 0755), 0);
	check_write(slot, "1/2/3/4/5/6/7/8/9/10/trigger", "x", 1);
	check_write(dirfd, "precious", "x", 1);
	top = dirfd;
	check_error(sweep_directory(slot, &err), &err, FAULT_INTERNAL, "moved");
	top = -1;
	assert_int_equal(faccessat(dirfd, "precious", F_OK, 0), 0);
}

static void what_cannot_be_removed_is_named(void **state)
{
	_cleanup_close_ int slot = make_dir(check_dirfd(state), "slot");
	struct error err = {};

	assert_int_equal(mkdirat(slot, "a", 0755), 0);
	check_write(slot, "a/stubborn\n", "x", 1);
	check_error(sweep_directory(slot, &err), &err, FAULT_INTERNAL,
		    "stubborn\\x0a: Operation not permitted");
	assert_true(sweep_directory(-1, NULL) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(everything_goes_but_the_directory_itself),
		check_in_dir(what_is_listed_empty_but_is_not_is_an_error),
		check_in_dir(listings_of_any_kind_will_do),
		check_in_dir(no_link_is_followed),
		check_in_dir(a_deep_tree_needs_no_more_descriptors),
		check_in_dir(closed_directories_are_opened_up),
		check_in_dir(no_mount_is_crossed),
		check_in_dir(a_directory_that_is_moved_leads_nowhere),
		check_in_dir(what_cannot_be_removed_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
