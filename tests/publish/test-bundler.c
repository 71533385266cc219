#include "publish/bundler.h"

#include "base/fd.h"
#include "trees.h"

static struct bundler_result run(const char *name, unsigned int threads,
				 const struct bundler_request *request, struct bundle **ret_bundle)
{
	const struct spool_options options = { .level = 3, .threads = threads };
	_cleanup_(spool_freep) struct spool *spool = NULL;
	_cleanup_close_ int spool_fd = trees_file("spool");
	_cleanup_close_ int fd = trees_file(name);
	_cleanup_free_ void *head = NULL;
	struct bundler_result result = {};
	struct digest index = {};

	assert_int_equal(unlinkat(check_fd, "spool", 0), 0);
	kit_good(spool_new(spool_fd, &options, &spool, err));
	kit_good(bundler_run(spool, request, fd, &result, err));
	head = malloc(result.head_length);
	assert_int_equal(fd_pread_full(fd, head, result.head_length, 0),
			 (ssize_t)result.head_length);
	kit_good(index_encode(request->fresh->index, NULL, NULL, &index, err));
	kit_good(bundle_decode(head, result.head_length, request->old ? request->old->index : NULL,
			       &index, result.length, ret_bundle, err));
	return result;
}

static const char *path_of(const struct bundle *bundle, size_t i)
{
	return index_at(bundle->index, bundle->blocks[i].entry)->path;
}

static void test_without_base(void **state)
{
	_cleanup_stock_ struct stock old = trees_stock(trees_old());
	_cleanup_stock_ struct stock fresh = trees_stock(trees_new());
	static const char *const first[] = { "app",  "large", "large", "lib/libx-1.1.so",
					     "news", "same" };
	static const char *const then[] = { "same", "app", "large", "large", "lib/libx-1.1.so",
					    "news" };
	const struct bundler_request requests[] = {
		{ .fresh = &fresh, .level = 3 },
		{ .fresh = &fresh, .before = old.index, .level = 3 },
	};

	for (int i = 0; i < 2; i++) {
		_cleanup_(bundle_freep) struct bundle *bundle = NULL;

		(void)run(i ? "1" : "0", 2, &requests[i], &bundle);
		assert_int_equal(bundle->n_blocks, ARRAY_SIZE(first));
		for (size_t j = 0; j < bundle->n_blocks; j++) {
			assert_string_equal(path_of(bundle, j), i ? then[j] : first[j]);
			assert_int_equal(bundle->blocks[j].kind, BLOCK_PLAIN);
		}
	}
}

static void test_with_base(void **state)
{
	_cleanup_stock_ struct stock old = trees_stock(trees_old());
	_cleanup_stock_ struct stock fresh = trees_stock(trees_new());
	static const char *const wanted[] = { "app", "large", "large", "lib/libx-1.1.so", "news" };
	static const char *const bases[] = { "app", "large", "large", "lib/libx-1.0.so", NULL };
	const struct bundler_request request = { .fresh = &fresh, .old = &old, .level = 3 };
	_cleanup_(bundle_freep) struct bundle *bundle = NULL;
	struct bundler_result result = run("1", 2, &request, &bundle);

	assert_int_equal(bundle->n_blocks, ARRAY_SIZE(wanted));
	for (size_t i = 0; i < bundle->n_blocks; i++) {
		assert_string_equal(path_of(bundle, i), wanted[i]);
		if (bases[i])
			assert_string_equal(index_at(old.index, bundle->blocks[i].base)->path,
					    bases[i]);
		else
			assert_int_equal(bundle->blocks[i].base, BUNDLE_NO_BASE);
	}
	assert_true(result.length < 6000);
}

static void test_same_bytes_by_any_threads(void **state)
{
	_cleanup_stock_ struct stock old = trees_stock(trees_old());
	_cleanup_stock_ struct stock fresh = trees_stock(trees_new());
	const struct bundler_request request = { .fresh = &fresh, .old = &old, .level = 3 };
	struct bundler_result one, many;
	struct bundle *bundle = NULL;

	one = run("1", 1, &request, &bundle);
	bundle_free(bundle);
	many = run("2", 5, &request, &bundle);
	bundle_free(bundle);
	assert_true(digest_equal(&one.digest, &many.digest));
	assert_int_equal(one.length, many.length);
}

static void test_nothing_new(void **state)
{
	_cleanup_stock_ struct stock old = trees_stock(trees_old());
	const struct bundler_request request = { .fresh = &old, .old = &old, .level = 3 };
	_cleanup_(bundle_freep) struct bundle *bundle = NULL;
	struct bundler_result result = run("1", 2, &request, &bundle);

	assert_int_equal(bundle->n_blocks, 0);
	assert_int_equal(result.length, result.head_length);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_without_base),
		check_in_dir(test_with_base),
		check_in_dir(test_same_bytes_by_any_threads),
		check_in_dir(test_nothing_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
