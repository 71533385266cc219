#include "release/walk.h"

#include <sched.h>
#include <sys/mount.h>

#include "base/text.h"
#include "shell.h"

struct list {
	struct text text;
	const char *pass;
	const char *stop;
};

static int add(void *data, const struct walk_entry *entry, struct error *err)
{
	struct list *list = data;
	struct stat st;

	assert_int_equal(fstatat(entry->dirfd, entry->name, &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_ino, entry->stat->st_ino);
	text_add(&list->text, "%s%s ", entry->path, entry->is_mount ? "(mount)" : "");
	if (list->stop && strcmp(entry->path, list->stop) == 0)
		return error_set(err, FAULT_BUSY, "stopped");
	return list->pass && strcmp(entry->path, list->pass) == 0 ? WALK_PASS : 0;
}

static void check_walk(int dirfd, struct list list, const char *wanted)
{
	struct error err = {};

	if (walk_tree(dirfd, add, &list, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(list.text.data ? list.text.data : "", wanted);
	text_done(&list.text);
}

static void test_order(void **state)
{
	check_walk(check_dirfd(state), (struct list){}, "");
	shell(check_dirfd(state), "mkdir -p b/c a; : >b/x; : >a-b; : >b/c/z; : >B; : >.h");
	check_walk(check_dirfd(state), (struct list){}, ".h B a a-b b b/c b/c/z b/x ");
	check_walk(check_dirfd(state), (struct list){ .pass = "b" }, ".h B a a-b b ");
}

static void test_follows_no_link(void **state)
{
	shell(check_dirfd(state), "mkdir d; ln -s d l; ln -s / root; ln -s gone x; : >d/f");
	check_walk(check_dirfd(state), (struct list){}, "d d/f l root x ");
}

static void test_can_be_stopped(void **state)
{
	struct list list = { .stop = "a/b" };
	struct error err = {};

	shell(check_dirfd(state), "mkdir -p a/b/c");
	check_error(walk_tree(check_dirfd(state), add, &list, &err), &err, FAULT_BUSY, "stopped");
	assert_string_equal(list.text.data, "a a/b ");
	text_done(&list.text);
}

static void test_depth_is_bounded(void **state)
{
	int fd = dup(check_dirfd(state));
	struct list list = {};
	struct error err = {};

	for (int i = 0; i < WALK_DEPTH_MAX; i++) {
		int next;

		assert_int_equal(mkdirat(fd, "a", 0755), 0);
		next = openat(fd, "a", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_int_equal(close(fd), 0);
		fd = next;
		if (i == WALK_DEPTH_MAX - 2)
			assert_int_equal(walk_tree(check_dirfd(state), add, &list, NULL), 0);
	}
	(void)close(fd);
	check_error(walk_tree(check_dirfd(state), add, &list, &err), &err, FAULT_CORRUPT, "deeper");
	text_done(&list.text);
}

/* In a mount namespace of its own, which is gone with the process. */
static int walk_over_mount(void)
{
	struct list list = {};
	int dirfd;

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    chdir(check_path) < 0 || mount("none", "a/m", "tmpfs", 0, NULL) < 0)
		return 77;
	dirfd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check_write(dirfd, "a/m/inside", "", 0);
	if (walk_tree(dirfd, add, &list, NULL) < 0)
		return 1;
	return strcmp(list.text.data, "a a/m(mount) b ") == 0 ? 0 : 2;
}

static void test_does_not_enter_another_file_system(void **state)
{
	int status = -1;
	pid_t pid;

	shell(check_dirfd(state), "mkdir -p a/m b");
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(walk_over_mount());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_order),
		check_in_dir(test_follows_no_link),
		check_in_dir(test_can_be_stopped),
		check_in_dir(test_depth_is_bounded),
		check_in_dir(test_does_not_enter_another_file_system),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
