#include "publish/split.h"

#include "../base/check.h"

#define SIZE 20000

static uint8_t old[SIZE];
static uint8_t bytes[SIZE];

static int fill(void **state)
{
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = old[i] = (uint8_t)check_random();
	return 0;
}

static void overwrite(size_t at, size_t size)
{
	for (size_t i = at; i < at + size; i++)
		bytes[i] = (uint8_t)(old[i] + 1 + check_random() % 255);
}

/* The steps cover the same bytes, from the same places of the old file. */
static void check_steps(const struct match_step *steps, size_t n, size_t old_at, size_t size)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(steps[i].old_at, old_at + at);
		at += steps[i].copy + steps[i].extra;
	}
	assert_int_equal(at, size);
}

static void what_is_new_is_found(void **state)
{
	const struct match_step whole = { 0, SIZE, 0 };
	_cleanup_free_ struct match_step *steps = NULL;
	size_t n;

	overwrite(0, 20);
	overwrite(5000, 32);
	overwrite(SIZE - 8, 8);
	assert_int_equal(split_run(&whole, 1, old, bytes, &steps, &n, NULL), 0);
	assert_int_equal(n, 4);
	check_steps(steps, n, 0, SIZE);
	assert_int_equal(steps[0].copy, 0);
	assert_int_equal(steps[0].extra, 20);
	assert_int_equal(steps[1].copy, 5000 - 20);
	assert_int_equal(steps[1].extra, 32);
	assert_int_equal(steps[2].extra, 8);
}

/* Single bytes, and addresses of which some bytes differ, are better off as changes. */
static void small_changes_stay(void **state)
{
	const struct match_step whole = { 0, SIZE, 0 };
	struct match_step *steps = NULL;
	size_t n;

	for (size_t i = 0; i + 100 < SIZE; i += 97)
		overwrite(i, 1 + i % 4);
	for (size_t i = 10000; i < 10400; i += 4)
		overwrite(i, 2);
	assert_int_equal(split_run(&whole, 1, old, bytes, &steps, &n, NULL), SPLIT_NOTHING);
	assert_null(steps);
}

static void each_step_keeps_what_is_behind_it(void **state)
{
	const struct match_step two[] = { { 100, 4000, 50 }, { 9000, 3000, 7 } };
	_cleanup_free_ struct match_step *steps = NULL;
	size_t n;

	memcpy(bytes, old + 100, 4000);
	memcpy(bytes + 4050, old + 9000, 3000);
	for (size_t i = 0; i < 40; i++)
		bytes[4050 + 500 + i] = (uint8_t)~old[9000 + 500 + i];
	assert_int_equal(split_run(two, 2, old, bytes, &steps, &n, NULL), 0);
	assert_int_equal(n, 3);
	assert_memory_equal(&steps[0], &two[0], sizeof(two[0]));
	check_steps(steps + 1, 2, 9000, 3007);
	assert_int_equal(steps[1].extra, 40);
	assert_int_equal(steps[2].extra, 7);
}

/* Copies of a few bytes become new bytes of the step before, whose place does not change; the first step stays. */
static void short_copies_become_new(void **state)
{
	static const struct match_step before[] = {
		{ 0, 5, 1 }, { 100, 200, 3 }, { 700, 10, 4 }, { 900, 23, 0 }, { 303, 24, 7 },
	};
	static const struct match_step after[] = { { 0, 5, 1 }, { 100, 200, 40 }, { 303, 24, 7 } };
	_cleanup_free_ struct match_step *steps = NULL;
	size_t n;

	assert_int_equal(split_join(before, ARRAY_SIZE(before), &steps, &n, NULL), 0);
	assert_int_equal(n, ARRAY_SIZE(after));
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(steps[i].old_at, after[i].old_at);
		assert_int_equal(steps[i].copy, after[i].copy);
		assert_int_equal(steps[i].extra, after[i].extra);
	}
	assert_int_equal(split_join(after, ARRAY_SIZE(after), &steps, &n, NULL), SPLIT_NOTHING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_copies_become_new),
		cmocka_unit_test_setup(what_is_new_is_found, fill),
		cmocka_unit_test_setup(small_changes_stay, fill),
		cmocka_unit_test_setup(each_step_keeps_what_is_behind_it, fill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
