#include "publish/match.h"

#include "../base/check.h"

#define SIZE 20000

static uint8_t old[SIZE];

static int fill(void **state)
{
	for (size_t i = 0; i < SIZE; i++)
		old[i] = (uint8_t)check_random();
	return 0;
}

/* The steps, which are checked: they cover the bytes and stay within the old file. */
static struct match_step *match(const uint8_t *bytes, size_t size, uint64_t position, size_t *ret_n)
{
	_cleanup_(suffix_freep) struct suffix *suffix = NULL;
	struct match_step *steps = NULL;
	size_t sum = 0;

	assert_int_equal(suffix_new(old, SIZE, &suffix, NULL), 0);
	assert_int_equal(match_run(suffix, old, SIZE, bytes, size, position, &steps, ret_n, NULL),
			 0);
	for (size_t i = 0; i < *ret_n; i++) {
		assert_true(steps[i].old_at <= SIZE && steps[i].copy <= SIZE - steps[i].old_at);
		sum += steps[i].copy + steps[i].extra;
	}
	assert_int_equal(sum, size);
	return steps;
}

static size_t count_extra(const struct match_step *steps, size_t n)
{
	size_t extra = 0;

	for (size_t i = 0; i < n; i++)
		extra += steps[i].extra;
	return extra;
}

/* Every 50th byte is another: still one stretch. */
static void test_scattered_changes(void **state)
{
	_cleanup_free_ struct match_step *steps = NULL;
	uint8_t bytes[5000];
	size_t n = 0;

	memcpy(bytes, old + 3000, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i += 50)
		bytes[i] ^= 1;
	steps = match(bytes, sizeof(bytes), 3000, &n);
	assert_int_equal(n, 1);
	assert_int_equal(steps[0].old_at, 3000);
	assert_int_equal(steps[0].copy, sizeof(bytes));
}

/* Where the block stands in the file does not matter, nor what was inserted or moved. */
static void test_moved_and_inserted(void **state)
{
	_cleanup_free_ struct match_step *steps = NULL;
	uint8_t bytes[6000];
	size_t n = 0;

	memcpy(bytes, old + 15000, 3000);
	for (size_t i = 3000; i < 3500; i++)
		bytes[i] = (uint8_t)check_random();
	memcpy(bytes + 3500, old + 100, 2500);
	steps = match(bytes, sizeof(bytes), 1 << 30, &n);
	assert_true(n <= 4);
	assert_in_range(count_extra(steps, n), 480, 520);
}

static void test_nothing_alike(void **state)
{
	_cleanup_free_ struct match_step *steps = NULL;
	uint8_t bytes[6000];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)check_random();
	steps = match(bytes, sizeof(bytes), 0, &n);
	assert_true(count_extra(steps, n) > 5900);
}

/* A match in the middle of a long stretch of new bytes is found though the search hurries, and followed backwards. */
static void test_hurries(void **state)
{
	size_t size = 300000, n = 0;
	_cleanup_free_ uint8_t *bytes = malloc(size);
	_cleanup_free_ struct match_step *steps = NULL;

	assert_non_null(bytes);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)check_random();
	memcpy(bytes + 250000, old + 1234, 10000);
	steps = match(bytes, size, 0, &n);
	assert_in_range(count_extra(steps, n), size - 10020, size - 9990);
}

static void test_any_bytes(void **state)
{
	for (int i = 0; i < 200; i++) {
		size_t size = 1 + check_below(2000), n = 0;
		uint8_t bytes[2000];

		for (size_t j = 0; j < size;) {
			size_t from = check_below(SIZE), length = check_below(100);

			for (; length > 0 && j < size && from < SIZE; length--, j++, from++)
				bytes[j] = check_below(10) > 0 ? old[from] :
								 (uint8_t)check_random();
		}
		free(match(bytes, size, check_below(SIZE), &n));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scattered_changes), cmocka_unit_test(test_moved_and_inserted),
		cmocka_unit_test(test_nothing_alike),	  cmocka_unit_test(test_hurries),
		cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, fill, NULL);
}
