#include "publish/suffix.h"

#include "../base/check.h"

#define SIZE 5000

static uint8_t old[SIZE];

/* Few letters: long matches, many of them. */
static void fill(unsigned int letters)
{
	for (size_t i = 0; i < SIZE; i++)
		old[i] = (uint8_t)check_below(letters);
}

/* The slow way. */
static size_t longest(const uint8_t *bytes, size_t size)
{
	size_t best = 0;

	for (size_t i = 0; i < SIZE; i++) {
		size_t n = 0;

		while (n < size && i + n < SIZE && old[i + n] == bytes[n])
			n++;
		best = n > best ? n : best;
	}
	return best < 3 ? 0 : best;
}

static void try_many(unsigned int letters)
{
	_cleanup_(suffix_freep) struct suffix *suffix = NULL;

	fill(letters);
	assert_int_equal(suffix_new(old, SIZE, &suffix, NULL), 0);
	for (int i = 0; i < 300; i++) {
		uint8_t bytes[100];
		size_t size = check_below(sizeof(bytes) + 1), position, n;
		size_t from = check_below(SIZE);

		for (size_t j = 0; j < size; j++) /* a piece of it, which may reach over its end */
			bytes[j] = i % 2 && from + j < SIZE ? old[from + j] :
							      (uint8_t)check_below(letters);
		n = suffix_find(suffix, bytes, size, &position);
		assert_int_equal(n, longest(bytes, size));
		if (n > 0)
			assert_memory_equal(old + position, bytes, n);
	}
}

static void test_finds_the_longest(void **state)
{
	try_many(2);
	try_many(4);
	try_many(256);
	try_many(1);
}

static void test_tiny_files(void **state)
{
	static const uint8_t bytes[] = { 7, 7, 7, 8 };

	for (size_t size = 1; size <= 4; size++) {
		struct suffix *suffix = NULL;
		size_t position;

		assert_int_equal(suffix_new(bytes, size, &suffix, NULL), 0);
		assert_int_equal(suffix_find(suffix, bytes, 4, &position), size < 3 ? 0 : size);
		assert_int_equal(position, 0);
		suffix_free(suffix);
	}
}

/* The table is of three bytes there. */
static void test_a_large_file(void **state)
{
	size_t size = 16 * 1024 * 1024 + 3, position;
	_cleanup_free_ uint8_t *data = calloc(1, size);
	_cleanup_(suffix_freep) struct suffix *suffix = NULL;

	assert_non_null(data);
	for (size_t i = 0; i < size; i += 1 + check_below(9))
		data[i] = (uint8_t)check_random();
	assert_int_equal(suffix_new(data, size, &suffix, NULL), 0);
	for (int i = 0; i < 100; i++) {
		size_t from = check_below(size - 1000);

		assert_int_equal(suffix_find(suffix, data + from, 1000, &position), 1000);
		assert_memory_equal(data + position, data + from, 1000);
	}
	assert_int_equal(suffix_find(suffix, data + size - 3, 3, &position), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_the_longest),
		cmocka_unit_test(test_tiny_files),
		cmocka_unit_test(test_a_large_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
