#include "publish/blob.h"

#include "base/fd.h"
#include "kit.h"

static const struct pack_options options = {
	.level = 1, .threads = 1, .mtime = 1, .latest = PACK_MTIME_KEEP
};

static int make_tree(void)
{
	int fd;

	assert_int_equal(mkdirat(check_fd, "tree", 0755), 0);
	assert_int_equal(mkdirat(check_fd, "blobs", 0755), 0);
	fd = openat(check_fd, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check_write(fd, "f", "x", 1);
	return fd;
}

static void test_has_its_name(void **state)
{
	_cleanup_close_ int tree = make_tree();
	_cleanup_close_ int blobs = openat(check_fd, "blobs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char hex[DIGEST_HEX_MAX];
	struct pack_result result = {};
	struct stat st;

	check_write(blobs, ".flipslot-blob", "left behind", 11);
	for (int i = 0; i < 2; i++) {
		kit_good(blob_pack(blobs, tree, &options, &result, err));
		assert_int_equal(check_count(blobs), 1);
		assert_int_equal(fstatat(blobs, digest_to_hex(&result.digest, hex), &st, 0), 0);
		assert_int_equal(st.st_size, result.length);
		assert_int_equal(st.st_mode & 07777, 0644);
		pack_result_done(&result);
	}
}

/* Nor does who is killed, where a file needs no name. */
static void test_has_no_name_before(void **state)
{
	_cleanup_close_ int nameless = fd_open_nameless(check_fd, 0600);
	_cleanup_close_ int fd = -1;

	if (nameless < 0)
		skip();
	kit_good(blob_begin(check_fd, &fd, err));
	assert_int_equal(check_count(check_fd), 0);
	blob_abandon(check_fd);
}

static void test_failure_leaves_nothing(void **state)
{
	_cleanup_close_ int tree = make_tree();
	_cleanup_close_ int blobs = openat(check_fd, "blobs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct pack_result result = {};
	struct error err = {};

	assert_int_equal(symlinkat("/etc", tree, "out"), 0);
	check_error(blob_pack(blobs, tree, &options, &result, &err), &err, FAULT_CORRUPT, "out");
	assert_int_equal(check_count(blobs), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_has_its_name),
		check_in_dir(test_has_no_name_before),
		check_in_dir(test_failure_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
