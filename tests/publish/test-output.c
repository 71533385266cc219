#include "publish/output.h"

#include <zstd.h>

#include "../base/check.h"

#define SIZE (40U << 20) /* more than two jobs */

static uint8_t *noise(void)
{
	uint8_t *data = malloc(SIZE);

	assert_non_null(data);
	for (size_t i = 0; i < SIZE; i++)
		data[i] = (uint8_t)(check_random() >> 61);
	return data;
}

/* Compresses it in calls of that size. */
static struct output_result run(int dirfd, const char *name, const uint8_t *data, size_t step,
				unsigned int threads)
{
	_cleanup_close_ int fd = openat(dirfd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	_cleanup_(output_freep) struct output *output = NULL;
	struct output_result result = {};

	assert_int_equal(output_new(fd, 1, threads, &output, NULL), 0);
	for (size_t at = 0; at < SIZE; at += step)
		assert_int_equal(output_write(output, data + at,
					      SIZE - at < step ? SIZE - at : step, NULL),
				 0);
	assert_int_equal(output_finish(output, &result, NULL), 0);
	return result;
}

static void test_neither_threads_nor_calls_matter(void **state)
{
	_cleanup_free_ uint8_t *data = noise();
	struct output_result a = run(check_dirfd(state), "a", data, SIZE, 1);
	struct output_result b = run(check_dirfd(state), "b", data, 12345, 4);

	assert_true(digest_equal(&a.digest, &b.digest));
	assert_int_equal(a.length, b.length);
	assert_int_equal(a.n_pieces, (a.length + (1 << 20) - 1) >> 20);
	assert_memory_equal(a.pieces, b.pieces, a.n_pieces * sizeof(*a.pieces));
	free(a.pieces);
	free(b.pieces);
}

static void test_it_comes_back(void **state)
{
	_cleanup_free_ uint8_t *data = noise();
	_cleanup_free_ uint8_t *back = malloc(SIZE);
	_cleanup_free_ uint8_t *packed = malloc(SIZE);
	struct output_result result = run(check_dirfd(state), "a", data, 1 << 20, 2);
	int fd = openat(check_dirfd(state), "a", O_RDONLY | O_CLOEXEC);

	assert_int_equal(read(fd, packed, SIZE), (ssize_t)result.length);
	assert_int_equal(close(fd), 0);
	assert_int_equal(ZSTD_decompress(back, SIZE, packed, result.length), SIZE);
	assert_memory_equal(back, data, SIZE);
	free(result.pieces);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_neither_threads_nor_calls_matter),
		check_in_dir(test_it_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
