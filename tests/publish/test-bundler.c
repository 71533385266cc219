/* LDFLAGS: -Wl,--wrap=update_head_write */
#include "publish/bundler.h"

#include "base/fd.h"
#include "publish/forebear.h"
#include "publish/shares.h"
#include "publish/update-head.h"
#include "trees.h"

static unsigned int heads; /* written */

int __real_update_head_write(const struct update_head *what, void **ret_head, size_t *ret_size,
			     struct error *err);
int __wrap_update_head_write(const struct update_head *what, void **ret_head, size_t *ret_size,
			     struct error *err);
int __wrap_update_head_write(const struct update_head *what, void **ret_head, size_t *ret_size,
			     struct error *err)
{
	heads++;
	return __real_update_head_write(what, ret_head, ret_size, err);
}

static struct bundler_result run(const char *name, unsigned int threads,
				 const struct bundler_request *request, struct bundle **ret_bundle)
{
	const struct spool_options options = { .level = 3, .threads = threads };
	_cleanup_(spool_freep) struct spool *spool = NULL;
	_cleanup_close_ int spool_fd = trees_file("spool");
	_cleanup_close_ int fd = trees_file(name);
	_cleanup_(forebear_freep) struct forebear *forebear = NULL;
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
	kit_good(forebear_new(request->old, &forebear, err));
	kit_good(bundle_decode(head, result.head_length, forebear_source(forebear), &index,
			       result.length, ret_bundle, err));
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

static const struct bundle_block *block_of(const struct bundle *bundle, const char *path)
{
	for (size_t i = 0; i < bundle->n_blocks; i++)
		if (strcmp(path_of(bundle, i), path) == 0)
			return &bundle->blocks[i];
	return NULL;
}

/* What is small stands in the head, of which nobody asks more than it takes. */
static void test_with_base(void **state)
{
	_cleanup_stock_ struct stock old = trees_stock(trees_old());
	_cleanup_stock_ struct stock fresh = trees_stock(trees_new());
	static const char *const wanted[] = { "app", "large", "lib/libx-1.1.so", "news" };
	const struct bundler_request request = { .fresh = &fresh, .old = &old, .level = 3 };
	_cleanup_(bundle_freep) struct bundle *bundle = NULL;
	struct bundler_result result = run("1", 2, &request, &bundle);

	assert_int_equal(result.length, result.head_length);
	assert_int_equal(bundle->n_blocks, ARRAY_SIZE(wanted) + 1); /* "large" has two */
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		assert_true(block_of(bundle, wanted[i])->is_inlined);
	assert_string_equal(index_at(old.index, block_of(bundle, "large")->base)->path, "large");
	assert_true(result.length < 5600);
}

/* What is large keeps its digests, so that it can be resumed. */
static void test_what_is_large_stays_behind_the_head(void **state)
{
	int older = trees_make("older"), newer = trees_make("newer");
	_cleanup_(bundle_freep) struct bundle *bundle = NULL;
	struct bundler_result result;

	trees_write(older, "app", 1000, 1, 0);
	trees_write(newer, "app", 1001, 1, 0);
	trees_write(newer, "huge", BLOCK_SIZE + 1, 9, 0);
	trees_write(newer, "small", 5000, 7, 0);
	{
		_cleanup_stock_ struct stock old = trees_stock(older);
		_cleanup_stock_ struct stock fresh = trees_stock(newer);
		const struct bundler_request request = { .fresh = &fresh, .old = &old, .level = 3 };

		result = run("1", 2, &request, &bundle);
	}
	assert_true(block_of(bundle, "app")->is_inlined);
	assert_true(block_of(bundle, "small")->is_inlined);
	assert_false(block_of(bundle, "huge")->is_inlined);
	assert_true(result.length > result.head_length + block_of(bundle, "huge")->length);
}

/*
 * More than is packed together in memory: 80 files of 40 kB that all changed, and one that is too large for a block. The forms whose
 * blocks alone are more than all of that are not made.
 */
static void test_many_that_are_small(void **state)
{
	int older = trees_make("older"), newer = trees_make("newer");
	_cleanup_(bundle_freep) struct bundle *bundle = NULL;
	struct bundler_result result;

	for (uint32_t i = 0; i < 80; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "lib/%u", i);
		trees_write(older, name, 40000, i, 0);
		trees_write(newer, name, 40100, i, 20000);
	}
	trees_write(newer, "large", TREES_LARGE, 2, 0);
	{
		_cleanup_stock_ struct stock old = trees_stock(older);
		_cleanup_stock_ struct stock fresh = trees_stock(newer);
		const struct bundler_request request = { .fresh = &fresh, .old = &old, .level = 3 };

		heads = 0;
		result = run("1", 2, &request, &bundle);
	}
	assert_in_range(heads, 1, 3);
	assert_int_equal(bundle->n_blocks, 82);
	assert_non_null(bundle->scratch);
	assert_true(result.head_length < 80 * 150);
	assert_false(block_of(bundle, "large")->is_inlined);
}

static void write_random(int fd, const char *name, uint32_t seed)
{
	size_t size = check_below(4) == 0 ? 0 : check_below(40000);
	size_t step = check_below(3) == 0 ? 0 : 1 + check_below(3000);

	trees_write(fd, name, size, seed, step);
}

/* Files that come, go, change, move, are the same as others, or empty. */
static int make_random(const char *name)
{
	int fd = trees_make(name);

	for (uint32_t i = 0; i < 12; i++) {
		char path[32];

		(void)snprintf(path, sizeof(path), "%sf%zu", check_below(3) == 0 ? "lib/" : "",
			       check_below(15));
		write_random(fd, path, (uint32_t)check_below(5));
	}
	return fd;
}

/* bundler_run reads back what it has made, and compares every file. */
static void test_random_trees(void **state)
{
	for (int i = 0; i < 30; i++) {
		char older[16], newer[16];

		(void)snprintf(older, sizeof(older), "older%d", i);
		(void)snprintf(newer, sizeof(newer), "newer%d", i);
		{
			_cleanup_stock_ struct stock old = trees_stock(make_random(older));
			_cleanup_stock_ struct stock fresh = trees_stock(make_random(newer));
			const struct bundler_request request = { .fresh = &fresh,
								 .old = &old,
								 .level = 1 };
			_cleanup_(bundle_freep) struct bundle *bundle = NULL;

			(void)run(newer + 5, 2, &request, &bundle);
		}
	}
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
		check_in_dir(test_what_is_large_stays_behind_the_head),
		check_in_dir(test_many_that_are_small),
		check_in_dir(test_random_trees),
		check_in_dir(test_same_bytes_by_any_threads),
		check_in_dir(test_nothing_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
