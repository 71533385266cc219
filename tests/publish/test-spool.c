/* LDFLAGS: -Wl,--wrap=suffix_new -Wl,--wrap=suffix_free */
#include "publish/spool.h"

#include <pthread.h>

#include "publish/suffix.h"
#include "trees.h"

#define FILES 2

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static unsigned int sorted, most_sorted; /* old files at once */

int __real_suffix_new(const uint8_t *data, size_t size, struct suffix **ret_suffix,
		      struct error *err);
int __wrap_suffix_new(const uint8_t *data, size_t size, struct suffix **ret_suffix,
		      struct error *err);
int __wrap_suffix_new(const uint8_t *data, size_t size, struct suffix **ret_suffix,
		      struct error *err)
{
	(void)pthread_mutex_lock(&mutex);
	sorted++;
	most_sorted = sorted > most_sorted ? sorted : most_sorted;
	(void)pthread_mutex_unlock(&mutex);
	return __real_suffix_new(data, size, ret_suffix, err);
}

void __real_suffix_free(struct suffix *suffix);
void __wrap_suffix_free(struct suffix *suffix);
void __wrap_suffix_free(struct suffix *suffix)
{
	(void)pthread_mutex_lock(&mutex);
	sorted -= suffix != NULL;
	(void)pthread_mutex_unlock(&mutex);
	__real_suffix_free(suffix);
}

static uint64_t seen_total;

static void progress(void *data, const char *what, uint64_t done, uint64_t total)
{
	assert_non_null(what);
	assert_true(done <= total);
	if (total > 0)
		seen_total = total;
}

static struct spool *make(unsigned int threads, size_t memory)
{
	const struct spool_options options = {
		.level = 3, .threads = threads, .memory = memory, .progress = { progress }
	};
	_cleanup_close_ int fd = trees_file("spool");
	struct spool *spool = NULL;

	kit_good(spool_new(fd, &options, &spool, err));
	assert_int_equal(unlinkat(check_fd, "spool", 0), 0);
	return spool;
}

static const struct spool_content *want(struct spool *spool, const struct stock *fresh,
					const char *path, const struct stock *old, const char *base)
{
	const struct spool_wish wish = { fresh, index_find(fresh->index, path), old,
					 base ? index_find(old->index, base) : NULL };
	const struct spool_content *content = NULL;

	kit_good(spool_want(spool, &wish, &content, err));
	return content;
}

/* The blocks, decoded, are the file. */
static void check_content(const struct spool *spool, const struct spool_content *content,
			  const struct stock *fresh, const char *path, const struct stock *old,
			  const char *base)
{
	const struct index_entry *entry = index_find(fresh->index, path);
	const struct index_entry *from = base ? index_find(old->index, base) : NULL;
	_cleanup_(block_decoder_freep) struct block_decoder *decoder = NULL;
	_cleanup_free_ uint8_t *packed = malloc(BLOCK_PACKED_MAX);
	_cleanup_free_ uint8_t *out = malloc(entry->size);
	_cleanup_free_ uint8_t *data = NULL;
	struct digest digest;

	kit_good(block_decoder_new(&decoder, err));
	if (from)
		kit_good(stock_read(old, from, &data, err));
	assert_int_equal(content->n_blocks, bundle_count_blocks(entry->size));
	for (size_t i = 0; i < content->n_blocks; i++) {
		size_t left = (size_t)entry->size - i * BLOCK_SIZE;

		kit_good(spool_read(spool, &content->blocks[i], packed, err));
		kit_good(block_decode(decoder, content->blocks[i].kind, packed,
				      content->blocks[i].length, data, from ? from->size : 0,
				      out + i * BLOCK_SIZE, left < BLOCK_SIZE ? left : BLOCK_SIZE,
				      err));
	}
	kit_good(digest_of(out, entry->size, &digest, err));
	assert_true(digest_equal(&digest, &entry->digest));
}

static void test_contents(void **state)
{
	_cleanup_stock_ struct stock old = trees_stock(trees_old());
	_cleanup_stock_ struct stock fresh = trees_stock(trees_new());

	for (unsigned int threads = 1; threads <= 3; threads++) {
		_cleanup_(spool_freep) struct spool *spool = make(threads, 0);
		const struct spool_content *app = want(spool, &fresh, "app", &old, "app");
		const struct spool_content *large = want(spool, &fresh, "large", &old, "large");
		const struct spool_content *plain = want(spool, &fresh, "large", NULL, NULL);

		kit_good(spool_run(spool, err));
		assert_int_equal(seen_total, TREES_BINARY + 100 + 2 * (TREES_LARGE + 5));
		check_content(spool, app, &fresh, "app", &old, "app");
		check_content(spool, large, &fresh, "large", &old, "large");
		check_content(spool, plain, &fresh, "large", NULL, NULL);
		assert_true(large->length < 2000 && plain->length > TREES_LARGE);
		/* the same once more, by another name: known */
		assert_ptr_equal(want(spool, &fresh, "app", &old, "app"), app);
		assert_ptr_not_equal(want(spool, &fresh, "app", &old, "large"), app);
		kit_good(spool_run(spool, err));
	}
}

static void test_a_file_that_shrank(void **state)
{
	_cleanup_stock_ struct stock fresh = trees_stock(trees_new());
	_cleanup_(spool_freep) struct spool *spool = make(2, 0);
	struct error err = {};

	(void)want(spool, &fresh, "large", NULL, NULL);
	(void)want(spool, &fresh, "app", NULL, NULL);
	trees_write(fresh.dirfd, "large", 100, 1, 0);
	check_error(spool_run(spool, &err), &err, FAULT_BUSY, "changed");
}

/* What is large comes one after the other, where there is memory for one: and all of it comes. */
static void test_large_old_files_have_to_wait(void **state)
{
	static const char *const names[FILES] = { "a", "b" };
	int older = trees_make("older"), newer = trees_make("newer");
	_cleanup_(spool_freep) struct spool *spool = make(FILES, 1);
	const struct spool_content *contents[FILES];

	for (uint32_t i = 0; i < FILES; i++) {
		trees_write(older, names[i], TREES_LARGE, i, 0);
		trees_write(newer, names[i], TREES_LARGE, i, 100000);
	}
	{
		_cleanup_stock_ struct stock old = trees_stock(older);
		_cleanup_stock_ struct stock fresh = trees_stock(newer);

		for (size_t i = 0; i < FILES; i++)
			contents[i] = want(spool, &fresh, names[i], &old, names[i]);
		most_sorted = 0;
		kit_good(spool_run(spool, err));
		assert_int_equal(most_sorted, 1);
		for (size_t i = 0; i < FILES; i++)
			check_content(spool, contents[i], &fresh, names[i], &old, names[i]);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_contents),
		check_in_dir(test_a_file_that_shrank),
		check_in_dir(test_large_old_files_have_to_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
