/* LDFLAGS: -Wl,--wrap=pwrite,--wrap=fchmod,--wrap=futimens */
#include "install/tree.h"

#include <sys/xattr.h>

#include "../release/shell.h"
#include "base/fd.h"

#define TEXT(text) ((char *)(text))

/* ---- calls that fail ---- */

static struct {
	int fail_at;
	int n;
	int error;
} calls;

static bool is_failing(void)
{
	errno = calls.error;
	return ++calls.n == calls.fail_at;
}

ssize_t __real_pwrite(int fd, const void *buf, size_t size, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *buf, size_t size, off_t offset);
int __real_fchmod(int fd, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode);
int __real_futimens(int fd, const struct timespec times[2]);
int __wrap_futimens(int fd, const struct timespec times[2]);

ssize_t __wrap_pwrite(int fd, const void *buf, size_t size, off_t offset)
{
	return is_failing() ? -1 : __real_pwrite(fd, buf, size, offset);
}

int __wrap_fchmod(int fd, mode_t mode)
{
	return is_failing() ? -1 : __real_fchmod(fd, mode);
}

int __wrap_futimens(int fd, const struct timespec times[2])
{
	return is_failing() ? -1 : __real_futimens(fd, times);
}

/* ---- what a reader would say ---- */

static struct tree *begin(int dirfd)
{
	struct tree *tree = NULL;

	calls.fail_at = 0;
	assert_int_equal(tree_new(dirfd, &tree, NULL), 0);
	return tree;
}

static int entry(struct tree *tree, struct index_entry entry, struct error *err)
{
	return tree_sink.entry(tree, &entry, err);
}

static int file(struct tree *tree, const char *path, const char *content, struct error *err)
{
	struct index_entry file = { .type = INDEX_FILE,
				    .mode = 0644,
				    .mtime = 17,
				    .size = strlen(content),
				    .path = TEXT(path) };
	int r = tree_sink.entry(tree, &file, err);

	if (r == 0 && *content)
		r = tree_sink.content(tree, content, strlen(content), 0, err);
	return r < 0 ? r : tree_sink.end(tree, strlen(content), err);
}

static int link_to(struct tree *tree, enum index_type type, const char *path, const char *target,
		   struct error *err)
{
	return entry(
		tree,
		(struct index_entry){ .type = type, .path = TEXT(path), .target = TEXT(target) },
		err);
}

static int directory(struct tree *tree, const char *path, struct error *err)
{
	return entry(
		tree,
		(struct index_entry){
			.type = INDEX_DIRECTORY, .mode = 0755, .mtime = 5, .path = TEXT(path) },
		err);
}

static void check_content(int dirfd, const char *name, const char *wanted)
{
	_cleanup_free_ char *data = NULL;

	assert_int_equal(fd_read_file(dirfd, name, 1 << 20, &data, NULL, NULL), 0);
	assert_string_equal(data, wanted);
}

static struct stat look(int dirfd, const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st;
}

static void test_writes_what_it_is_told(void **state)
{
	int dirfd = check_dirfd(state);
	_cleanup_(tree_freep) struct tree *tree = begin(dirfd);
	_cleanup_(index_freep) struct index *index = NULL;
	struct digest digest;
	char text[16] = "";

	assert_int_equal(directory(tree, "d", NULL), 0);
	assert_int_equal(file(tree, "d/f", "hello", NULL), 0);
	assert_int_equal(file(tree, "deep/er/f", "deep", NULL), 0);
	assert_int_equal(link_to(tree, INDEX_SYMLINK, "d/l", "../d/f", NULL), 0);
	assert_int_equal(link_to(tree, INDEX_HARDLINK, "h", "d/f", NULL), 0);
	assert_int_equal(tree_finish(tree, &index, NULL), 0);
	check_content(dirfd, "d/f", "hello");
	check_content(dirfd, "h", "hello");
	check_content(dirfd, "deep/er/f", "deep");
	assert_int_equal(readlinkat(dirfd, "d/l", text, sizeof(text)), 6);
	assert_string_equal(text, "../d/f");
	assert_int_equal(look(dirfd, "h").st_ino, look(dirfd, "d/f").st_ino);
	assert_int_equal(look(dirfd, "h").st_mtime, 17);
	assert_int_equal(look(dirfd, "d").st_mtime, 5);
	assert_int_equal(index_count(index), 7);
	assert_int_equal(digest_of("hello", 5, &digest, NULL), 0);
	assert_true(digest_equal(&index_find(index, "d/f")->digest, &digest));
}

static void test_modes_whatever_the_umask_is(void **state)
{
	static const mode_t umasks[] = { 0, 022, 077 };
	int dirfd = check_dirfd(state);
	mode_t before = umask(0);

	for (size_t i = 0; i < ARRAY_SIZE(umasks); i++) {
		_cleanup_(tree_freep) struct tree *tree = begin(dirfd);
		_cleanup_(index_freep) struct index *index = NULL;
		struct index_entry own = { .type = INDEX_FILE, .mode = 04755, .path = TEXT("d/s") };

		(void)umask(umasks[i]);
		assert_int_equal(directory(tree, "e", NULL), 0);
		assert_int_equal(file(tree, "d/f", "x", NULL), 0);
		assert_int_equal(entry(tree, own, NULL), 0);
		assert_int_equal(tree_sink.content(tree, "x", 1, 0, NULL), 0);
		assert_int_equal(tree_sink.end(tree, 1, NULL), 0);
		assert_int_equal(tree_finish(tree, &index, NULL), 0);
		assert_int_equal(look(dirfd, "d").st_mode, S_IFDIR | 0755);
		assert_int_equal(look(dirfd, "e").st_mode, S_IFDIR | 0755);
		assert_int_equal(look(dirfd, "d/f").st_mode, S_IFREG | 0644);
		assert_int_equal(look(dirfd, "d/s").st_mode, S_IFREG | 04755);
		shell(dirfd, "rm -r d e");
	}
	(void)umask(before);
}

/* A link that somebody put there: nothing is written through it, whatever the archive says. */
static void test_never_writes_through_links(void **state)
{
	int top = check_dirfd(state);
	int dirfd;

	shell(top, "mkdir slot outside; ln -s ../outside slot/d; ln -s ../outside/x slot/x");
	dirfd = shell_open(top, "slot");
	for (int way = 0; way < 5; way++) {
		_cleanup_(tree_freep) struct tree *tree = begin(dirfd);
		struct error err = {};
		int r = way == 0 ? file(tree, "d/f", "evil", &err) :
			way == 1 ? file(tree, "x", "evil", &err) :
			way == 2 ? directory(tree, "d", &err) :
			way == 3 ? directory(tree, "d/e", &err) :
				   link_to(tree, INDEX_SYMLINK, "d/l", "f", &err);

		check_error(r, &err, FAULT_CORRUPT, "");
	}
	assert_int_equal(close(dirfd), 0);
	shell(top, "test -z \"$(ls outside)\"; test -L slot/d; test -L slot/x");
}

static void test_links_of_its_own_are_no_directories(void **state)
{
	_cleanup_(tree_freep) struct tree *tree = begin(check_dirfd(state));
	struct error err = {};

	assert_int_equal(directory(tree, "e", NULL), 0);
	assert_int_equal(link_to(tree, INDEX_SYMLINK, "d", "e", NULL), 0);
	check_error(file(tree, "d/f", "x", &err), &err, FAULT_CORRUPT, "no directory");
	assert_int_equal(file(tree, "f", "x", NULL), 0);
	check_error(file(tree, "f/g", "x", &err), &err, FAULT_CORRUPT, "no directory");
}

/* An existing file is somebody's: it may be the running slot's by another name. */
static void test_never_writes_into_what_exists(void **state)
{
	int dirfd = check_dirfd(state);
	_cleanup_(tree_freep) struct tree *tree = begin(dirfd);
	struct error err = {};

	check_write(dirfd, "f", "running", 7);
	assert_int_equal(linkat(dirfd, "f", dirfd, "other", 0), 0);
	check_error(file(tree, "f", "evil", &err), &err, FAULT_CORRUPT, "there already");
	check_content(dirfd, "f", "running");
	assert_int_equal(mkdirat(dirfd, "d", 0700), 0);
	check_error(directory(tree, "d", &err), &err, FAULT_CORRUPT, "there already");
	assert_int_equal(look(dirfd, "d").st_mode, S_IFDIR | 0700);
}

static void test_a_second_file_is_a_new_one(void **state)
{
	int dirfd = check_dirfd(state);
	_cleanup_(tree_freep) struct tree *tree = begin(dirfd);
	_cleanup_(index_freep) struct index *index = NULL;

	assert_int_equal(file(tree, "f", "first", NULL), 0);
	assert_int_equal(linkat(dirfd, "f", dirfd, "other", 0), 0);
	assert_int_equal(file(tree, "f", "second", NULL), 0);
	assert_int_equal(link_to(tree, INDEX_SYMLINK, "l", "a", NULL), 0);
	assert_int_equal(link_to(tree, INDEX_SYMLINK, "l", "b", NULL), 0);
	assert_int_equal(directory(tree, "d", NULL), 0);
	assert_int_equal(directory(tree, "d", NULL), 0);
	assert_int_equal(tree_finish(tree, &index, NULL), 0);
	check_content(dirfd, "other", "first");
	check_content(dirfd, "f", "second");
	assert_int_equal(index_find(index, "f")->size, 6);
}

#define LARGE (3 << 20)

static void test_holes(void **state)
{
	int dirfd = check_dirfd(state);
	_cleanup_(tree_freep) struct tree *tree = begin(dirfd);
	_cleanup_(index_freep) struct index *index = NULL;
	_cleanup_free_ char *wanted = calloc(1, LARGE);
	_cleanup_free_ char *is = NULL;
	struct index_entry sparse = {
		.type = INDEX_FILE, .size = LARGE, .mode = 0644, .path = TEXT("s")
	};
	struct digest digest;

	memset(wanted + (1 << 20), 'd', 4);
	assert_int_equal(entry(tree, sparse, NULL), 0);
	assert_int_equal(tree_sink.content(tree, "dddd", 4, 1 << 20, NULL), 0);
	assert_int_equal(tree_sink.end(tree, LARGE, NULL), 0);
	sparse.path = TEXT("all");
	assert_int_equal(entry(tree, sparse, NULL), 0);
	assert_int_equal(tree_sink.end(tree, LARGE, NULL), 0);
	assert_int_equal(tree_finish(tree, &index, NULL), 0);
	assert_int_equal(fd_read_file(dirfd, "s", LARGE, &is, NULL, NULL), 0);
	assert_memory_equal(is, wanted, LARGE);
	assert_int_equal(digest_of(wanted, LARGE, &digest, NULL), 0);
	assert_true(digest_equal(&index_find(index, "s")->digest, &digest));
	assert_true(look(dirfd, "s").st_blocks * 512 < 1 << 20);
	assert_int_equal(look(dirfd, "all").st_size, LARGE);
	assert_int_equal(look(dirfd, "all").st_blocks, 0);
}

/* Each call failing in turn: the file is named, and a full disk is told from a broken one. */
static void test_every_call_can_fail(void **state)
{
	static const int errors[] = { ENOSPC, EDQUOT, EIO };
	mode_t before = umask(077); /* so that no file has its mode from the beginning */

	for (size_t e = 0; e < ARRAY_SIZE(errors); e++) {
		int r = -1;

		for (int n = 1; r < 0; n++) {
			_cleanup_(tree_freep) struct tree *tree = begin(check_dirfd(state));
			_cleanup_(index_freep) struct index *index = NULL;
			struct error err = {};

			calls.n = 0;
			calls.fail_at = n;
			calls.error = errors[e];
			r = directory(tree, "d", &err);
			if (r == 0)
				r = file(tree, "d/f", "content", &err);
			if (r == 0)
				r = tree_finish(tree, &index, &err);
			if (r < 0)
				check_error(r, &err,
					    errors[e] == EIO ? FAULT_INTERNAL : FAULT_NO_SPACE,
					    "writing d");
			assert_true(r < 0 || n == 6);
			shell(check_dirfd(state), "rm -rf d");
		}
	}
	calls.fail_at = 0;
	(void)umask(before);
}

static void test_capabilities(void **state)
{
	/* cap_net_bind_service=ep, VFS_CAP_REVISION_2 */
	struct index_entry own = { .type = INDEX_FILE,
				   .mode = 0755,
				   .path = TEXT("f"),
				   .capability_size = 20,
				   .capability = { 1, 0, 0, 2, 0, 4 } };
	_cleanup_(tree_freep) struct tree *tree = begin(check_dirfd(state));
	_cleanup_(index_freep) struct index *index = NULL;
	char path[128];
	char is[64];

	if (geteuid() != 0)
		skip();
	assert_int_equal(entry(tree, own, NULL), 0);
	assert_int_equal(tree_sink.content(tree, "x", 1, 0, NULL), 0);
	assert_int_equal(tree_sink.end(tree, 1, NULL), 0);
	assert_int_equal(tree_finish(tree, &index, NULL), 0);
	(void)snprintf(path, sizeof(path), "%s/f", check_path);
	assert_int_equal(getxattr(path, "security.capability", is, sizeof(is)), 20);
	assert_memory_equal(is, own.capability, 20);
}

/* Where the file system shares blocks it is a clone; elsewhere the reader is told so. */
static void test_clone(void **state)
{
	int dirfd = check_dirfd(state);
	_cleanup_(tree_freep) struct tree *tree = begin(dirfd);
	_cleanup_(index_freep) struct index *index = NULL;
	_cleanup_close_ int source = -1;
	struct digest digest;
	int r;

	check_write(dirfd, "source", "content", 7);
	source = shell_open(dirfd, "source");
	assert_int_equal(
		entry(tree,
		      (struct index_entry){
			      .type = INDEX_FILE, .size = 7, .path = TEXT("f"), .mode = 0644 },
		      NULL),
		0);
	r = tree_sink.clone(tree, source, NULL);
	if (r == SINK_NO_CLONE)
		assert_int_equal(tree_sink.content(tree, "content", 7, 0, NULL), 0);
	else
		assert_int_equal(r, 0);
	assert_int_equal(tree_sink.end(tree, 7, NULL), 0);
	assert_int_equal(tree_finish(tree, &index, NULL), 0);
	check_content(dirfd, "f", "content");
	assert_int_equal(digest_of("content", 7, &digest, NULL), 0);
	assert_true(digest_equal(&index_find(index, "f")->digest, &digest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_writes_what_it_is_told),
		check_in_dir(test_modes_whatever_the_umask_is),
		check_in_dir(test_never_writes_through_links),
		check_in_dir(test_links_of_its_own_are_no_directories),
		check_in_dir(test_never_writes_into_what_exists),
		check_in_dir(test_a_second_file_is_a_new_one),
		check_in_dir(test_holes),
		check_in_dir(test_every_call_can_fail),
		check_in_dir(test_capabilities),
		check_in_dir(test_clone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
