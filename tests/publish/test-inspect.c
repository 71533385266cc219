#include "publish/inspect.h"

#include "publish/bundler.h"
#include "trees.h"

struct made {
	struct stock old, fresh;
	struct inspect_bundle bundle;
};

static void make(struct made *ret_made)
{
	const struct spool_options options = { .level = 3, .threads = 2 };
	struct bundler_request request = { .level = 3 };
	struct bundler_result result;
	_cleanup_(spool_freep) struct spool *spool = NULL;
	_cleanup_close_ int spool_fd = trees_file("spool");

	ret_made->old = trees_stock(trees_old());
	ret_made->fresh = trees_stock(trees_new());
	request.old = &ret_made->old;
	request.fresh = &ret_made->fresh;
	ret_made->bundle =
		(struct inspect_bundle){ .fd = trees_file("bundle"), .base = &ret_made->old };
	kit_good(spool_new(spool_fd, &options, &spool, err));
	kit_good(bundler_run(spool, &request, ret_made->bundle.fd, &result, err));
	kit_good(index_encode(request.fresh->index, NULL, NULL, &ret_made->bundle.index, err));
	ret_made->bundle.digest = result.digest;
	ret_made->bundle.length = result.length;
	ret_made->bundle.head_digest = result.head_digest;
	ret_made->bundle.head_length = result.head_length;
}

static void made_done(struct made *made)
{
	stock_done(&made->old);
	stock_done(&made->fresh);
	(void)close(made->bundle.fd);
}

static void flip(int fd, uint64_t at)
{
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
}

static void test_any_byte(void **state)
{
	_cleanup_(made_done) struct made made;

	make(&made);
	kit_good(inspect_run(&made.bundle, err));
	for (int i = 0; i < 40; i++) {
		uint64_t at = i == 0 ? 0 :
			      i == 1 ? made.bundle.length - 1 :
				       check_below((size_t)made.bundle.length);
		struct error err = {};

		flip(made.bundle.fd, at);
		assert_true(inspect_run(&made.bundle, &err) < 0);
		assert_true(err.fault == FAULT_CORRUPT || err.fault == FAULT_UNTRUSTED);
		flip(made.bundle.fd, at);
	}
	kit_good(inspect_run(&made.bundle, err));
}

static void test_lengths_and_digests(void **state)
{
	_cleanup_(made_done) struct made made;
	struct inspect_bundle other;
	struct error err = {};

	make(&made);
	other = made.bundle;
	other.digest.bytes[0] ^= 1;
	check_error(inspect_run(&other, &err), &err, FAULT_CORRUPT, "not what was published");
	other = made.bundle;
	other.index.bytes[0] ^= 1;
	assert_true(inspect_run(&other, NULL) < 0);
	assert_int_equal(pwrite(made.bundle.fd, "x", 1, (off_t)made.bundle.length), 1);
	check_error(inspect_run(&made.bundle, &err), &err, FAULT_CORRUPT, "too long");
	assert_int_equal(ftruncate(made.bundle.fd, (off_t)made.bundle.length - 1), 0);
	check_error(inspect_run(&made.bundle, &err), &err, FAULT_CORRUPT, "cut short");
}

/* An old file that is not what it was. */
static void test_another_base(void **state)
{
	_cleanup_(made_done) struct made made;
	struct error err = {};

	make(&made);
	trees_write(made.old.dirfd, "app", TREES_BINARY, 99, 0);
	check_error(inspect_run(&made.bundle, &err), &err, FAULT_CORRUPT, "app");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_any_byte),
		check_in_dir(test_lengths_and_digests),
		check_in_dir(test_another_base),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
