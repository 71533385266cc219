#include "publish/pack.h"

#include <sys/wait.h>

#include "release/archive.h"

#include "../base/check.h"

static const struct pack_options usual = {
	.level = 3, .threads = 1, .mtime = PACK_MTIME_KEEP, .latest = PACK_MTIME_KEEP
};

static void set_mtime(int dirfd, const char *name, time_t mtime)
{
	const struct timespec times[2] = { { .tv_sec = mtime }, { .tv_sec = mtime } };

	assert_int_equal(utimensat(dirfd, name, times, AT_SYMLINK_NOFOLLOW), 0);
}

/* A tree with a bit of everything, made in another order each time. */
static int make_tree(int dirfd, const char *name, bool backwards, mode_t mode)
{
	static const char *const names[] = { "a", "a-b", "z\xc3\xa9", "sub/f", "sub/g" };
	size_t n = sizeof(names) / sizeof(names[0]);
	int fd;

	assert_int_equal(mkdirat(dirfd, name, 0700), 0);
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(fd, "sub", mode), 0);
	for (size_t i = 0; i < n; i++) {
		const char *file = names[backwards ? n - 1 - i : i];

		check_write(fd, file, file, strlen(file));
		assert_int_equal(fchmodat(fd, file, mode, 0), 0);
		set_mtime(fd, file, 1700000000);
	}
	assert_int_equal(symlinkat("sub/f", fd, "link"), 0);
	assert_int_equal(linkat(fd, "sub/g", fd, "sub/h", 0), 0);
	return fd;
}

static int new_file(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

static struct pack_result pack(int dirfd, int tree, const char *out,
			       const struct pack_options *options)
{
	_cleanup_close_ int fd = new_file(dirfd, out);
	struct pack_result result = {};
	struct error err = {};

	if (pack_tree(tree, options, fd, &result, &err) < 0)
		fail_msg("%s", err.text);
	return result;
}

static void test_same_tree_same_bytes(void **state)
{
	_cleanup_close_ int one = make_tree(check_dirfd(state), "one", false, 0755);
	_cleanup_close_ int two = make_tree(check_dirfd(state), "two", true, 0700);
	struct pack_result a, b;

	set_mtime(two, "sub", 5);
	set_mtime(two, "link", 5);
	a = pack(check_dirfd(state), one, "1.tar.zst", &usual);
	b = pack(check_dirfd(state), two, "2.tar.zst", &usual);

	assert_true(digest_equal(&a.index, &b.index));
	assert_true(digest_equal(&a.digest, &b.digest));
	assert_int_equal(a.files, 8);
	pack_result_done(&a);
	pack_result_done(&b);
}

static void test_times(void **state)
{
	_cleanup_close_ int tree = make_tree(check_dirfd(state), "one", false, 0755);
	struct pack_options options = usual;
	struct pack_result a = pack(check_dirfd(state), tree, "1.tar.zst", &usual);
	struct pack_result b, c;

	options.latest = 1700000000;
	set_mtime(tree, "a", 1800000000);
	b = pack(check_dirfd(state), tree, "2.tar.zst", &options);
	assert_true(digest_equal(&a.digest, &b.digest));
	options.mtime = 1;
	c = pack(check_dirfd(state), tree, "3.tar.zst", &options);
	assert_false(digest_equal(&a.index, &c.index));
	set_mtime(tree, "sub/f", 1234567);
	pack_result_done(&b);
	b = pack(check_dirfd(state), tree, "4.tar.zst", &options);
	assert_true(digest_equal(&b.digest, &c.digest));
	pack_result_done(&a);
	pack_result_done(&b);
	pack_result_done(&c);
}

/* More than two jobs of what compresses badly, and a hole. */
static void test_threads_do_not_matter(void **state)
{
	static uint8_t noise[1 << 20];
	_cleanup_close_ int tree = make_tree(check_dirfd(state), "one", false, 0755);
	_cleanup_close_ int big = new_file(tree, "big");
	struct pack_options options = usual;
	struct pack_result results[3];

	for (int i = 0; i < 40; i++) {
		for (size_t j = 0; j < sizeof(noise); j++)
			noise[j] = (uint8_t)(check_random() >> 60);
		assert_int_equal(write(big, noise, sizeof(noise)), sizeof(noise));
	}
	assert_int_equal(ftruncate(big, 50 << 20), 0);
	for (unsigned int i = 0; i < 3; i++) {
		char name[] = "1.tar.zst";

		name[0] = (char)('1' + i);
		options.level = 1;
		options.threads = i + 1;
		results[i] = pack(check_dirfd(state), tree, name, &options);
		assert_true(digest_equal(&results[0].digest, &results[i].digest));
		assert_true(results[i].n_pieces > 15);
	}
	for (int i = 0; i < 3; i++)
		pack_result_done(&results[i]);
}

/* What is read back is checked against what was read: holes before, between and after data. */
static void test_holes(void **state)
{
	_cleanup_close_ int tree = make_tree(check_dirfd(state), "one", false, 0755);
	_cleanup_close_ int file = new_file(tree, "holes");
	struct pack_result result;

	assert_int_equal(pwrite(file, "x", 1, 1 << 20), 1);
	assert_int_equal(pwrite(file, "y", 1, 3 << 20), 1);
	assert_int_equal(ftruncate(file, 4 << 20), 0);
	result = pack(check_dirfd(state), tree, "1.tar.zst", &usual);
	assert_true(result.bytes > 4 << 20);
	pack_result_done(&result);
}

static void check_pieces(int fd, const struct pack_result *result)
{
	_cleanup_free_ uint8_t *data = malloc(result->length);
	struct digest digest;

	assert_int_equal(pread(fd, data, result->length, 0), (ssize_t)result->length);
	assert_int_equal(digest_of(data, result->length, &digest, NULL), 0);
	assert_true(digest_equal(&digest, &result->digest));
	for (size_t i = 0; i < result->n_pieces; i++) {
		size_t at = i * PIECES_SIZE;
		size_t left = result->length - at;

		assert_int_equal(digest_of(data + at, left < PIECES_SIZE ? left : PIECES_SIZE,
					   &digest, NULL),
				 0);
		assert_true(digest_equal(&digest, &result->pieces[i]));
	}
}

static void test_pieces(void **state)
{
	_cleanup_close_ int tree = make_tree(check_dirfd(state), "one", false, 0755);
	_cleanup_free_ uint8_t *noise = malloc(3 << 20);
	struct pack_result result;
	int fd;

	for (size_t i = 0; i < 3 << 20; i++)
		noise[i] = (uint8_t)(check_random() >> 56);
	check_write(tree, "noise", noise, 3 << 20);
	result = pack(check_dirfd(state), tree, "1.tar.zst", &usual);
	assert_int_equal(result.n_pieces, 4);
	fd = openat(check_dirfd(state), "1.tar.zst", O_RDONLY | O_CLOEXEC);
	check_pieces(fd, &result);
	(void)close(fd);
	pack_result_done(&result);
}

static void test_what_would_not_install(void **state)
{
	_cleanup_close_ int tree = make_tree(check_dirfd(state), "one", false, 0755);
	_cleanup_close_ int fd = new_file(check_dirfd(state), "out");
	struct pack_options options = usual;
	struct pack_result result = {};
	struct error err = {};

	assert_int_equal(symlinkat("../../etc/passwd", tree, "out"), 0);
	check_error(pack_tree(tree, &usual, fd, &result, &err), &err, FAULT_CORRUPT, "out");
	assert_int_equal(unlinkat(tree, "out", 0), 0);
	assert_int_equal(fchmodat(tree, "a", 04755, 0), 0);
	check_error(pack_tree(tree, &usual, fd, &result, &err), &err, FAULT_CORRUPT, "setuid");
	options.allow_setuid = true;
	result = pack(check_dirfd(state), tree, "good", &options);
	pack_result_done(&result);
}

static void test_empty(void **state)
{
	_cleanup_close_ int fd = new_file(check_dirfd(state), "out");
	_cleanup_close_ int tree = -1;
	struct pack_result result;
	struct error err = {};

	assert_int_equal(mkdirat(check_dirfd(state), "empty", 0755), 0);
	tree = openat(check_dirfd(state), "empty", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check_error(pack_tree(tree, &usual, fd, &result, &err), &err, FAULT_CORRUPT, "empty");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_same_tree_same_bytes),
		check_in_dir(test_times),
		check_in_dir(test_threads_do_not_matter),
		check_in_dir(test_holes),
		check_in_dir(test_pieces),
		check_in_dir(test_what_would_not_install),
		check_in_dir(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
