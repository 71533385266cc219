#include "release/pathtree.h"

#include "../base/check.h"

#define COUNT 5000

static struct index_entry entries[COUNT];
static char paths[COUNT][16];

/* In an order of which each n-th is next: 1 is sorted, COUNT - 1 backwards. */
static void check_order(uint32_t step)
{
	struct index_entry *list[COUNT];
	struct pathtree tree;

	assert_int_equal(pathtree_init(&tree, NULL), 0);
	for (uint32_t i = 0; i < COUNT; i++) {
		uint32_t number = (uint32_t)((uint64_t)i * step % COUNT);

		assert_null(pathtree_find(&tree, paths[number]));
		assert_true(pathtree_put(&tree, &entries[number]));
		assert_ptr_equal(pathtree_find(&tree, paths[number]), &entries[number]);
	}
	pathtree_list(&tree, list);
	for (uint32_t i = 0; i < COUNT; i++) {
		assert_ptr_equal(list[i], &entries[i]);
		assert_ptr_equal(pathtree_find(&tree, paths[i]), &entries[i]);
	}
	assert_null(pathtree_find(&tree, "00000x"));
	pathtree_done(&tree);
}

static void test_any_order(void **state)
{
	static const uint32_t steps[] = { 1, COUNT - 1, 3, 1999, 2501 };

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		check_order(steps[i]);
}

static void test_nothing(void **state)
{
	struct index_entry *list[1] = {};
	struct pathtree tree;

	assert_int_equal(pathtree_init(&tree, NULL), 0);
	assert_null(pathtree_find(&tree, "a"));
	pathtree_list(&tree, list);
	assert_null(list[0]);
	pathtree_done(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_nothing),
	};

	for (uint32_t i = 0; i < COUNT; i++) {
		(void)snprintf(paths[i], sizeof(paths[i]), "%05u", i);
		entries[i].path = paths[i];
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
