#include "base/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "check.h"

static ino_t inode_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

static ino_t inode_at(int dirfd, const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(dirfd, path, &st, 0), 0);
	return st.st_ino;
}

static int make_tree(int top)
{
	assert_int_equal(mkdirat(top, "a", 0755), 0);
	assert_int_equal(mkdirat(top, "a/b", 0755), 0);
	assert_int_equal(mkdirat(top, "a/bb", 0755), 0);
	return top;
}

static void check_parent(struct parent *parent, int top, const char *path, const char *above,
			 const char *last)
{
	const char *name = NULL;
	int fd = parent_open(parent, top, path, &name);

	assert_true(fd >= 0);
	assert_int_equal(inode_of(fd), inode_at(top, above));
	assert_string_equal(name, last);
}

static void test_the_directory_of_each_path(void **state)
{
	int top = make_tree(check_dirfd(state));
	struct parent parent = PARENT_NONE;

	check_parent(&parent, top, "x", ".", "x");
	check_parent(&parent, top, "a/x", "a", "x");
	check_parent(&parent, top, "a/b/x", "a/b", "x");
	check_parent(&parent, top, "a/bb/x", "a/bb", "x");
	check_parent(&parent, top, "a/b/y", "a/b", "y");
	check_parent(&parent, top, "y", ".", "y");
	parent_forget(&parent);
	parent_forget(&parent);
}

static void test_it_stays_open(void **state)
{
	int top = make_tree(check_dirfd(state));
	struct parent parent = PARENT_NONE;
	const char *name;
	int fd = parent_open(&parent, top, "a/b/x", &name);

	assert_int_equal(renameat(top, "a/b", top, "a/c"), 0);
	assert_int_equal(parent_open(&parent, top, "a/b/y", &name), fd);
	assert_int_equal(inode_of(fd), inode_at(top, "a/c"));
	parent_forget(&parent);
	assert_int_equal(parent_open(&parent, top, "a/b/y", &name), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(mkdirat(top, "a/b", 0755), 0);
	check_parent(&parent, top, "a/b/y", "a/b", "y");
	parent_forget(&parent);
}

/* What was opened below one directory is no answer for another one. */
static void test_two_tops(void **state)
{
	int top = make_tree(check_dirfd(state));
	_cleanup_close_ int other = -1;
	struct parent parent = PARENT_NONE;

	assert_int_equal(mkdirat(top, "other", 0755), 0);
	assert_int_equal(mkdirat(top, "other/a", 0755), 0);
	other = openat(top, "other", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check_parent(&parent, top, "a/x", "a", "x");
	check_parent(&parent, other, "a/x", "a", "x");
	parent_forget(&parent);
}

static void test_no_link_is_followed(void **state)
{
	int top = make_tree(check_dirfd(state));
	struct parent parent = PARENT_NONE;
	const char *name;

	assert_int_equal(symlinkat("b", top, "a/link"), 0);
	assert_int_equal(parent_open(&parent, top, "a/link/x", &name), -1);
	assert_int_equal(errno, ENOTDIR);
	assert_int_equal(parent_open(&parent, top, "a/link/c/x", &name), -1);
	assert_int_equal(errno, ELOOP);
	assert_int_equal(parent_open(&parent, top, "a/../a/x", &name) >= 0, true);
	assert_int_equal(parent_open(&parent, top, "../x", &name), -1);
	assert_int_equal(errno, EXDEV);
	parent_forget(&parent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_the_directory_of_each_path),
		check_in_dir(test_it_stays_open),
		check_in_dir(test_two_tops),
		check_in_dir(test_no_link_is_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
