#include "publish/update-head.h"

#include "publish/forebear.h"
#include "trees.h"

/* Files that come packed together, and what a device makes of the head. */
static size_t write_and_read(const struct update_head *what, struct bundle **ret_bundle)
{
	_cleanup_(forebear_freep) struct forebear *forebear = NULL;
	_cleanup_free_ void *head = NULL;
	struct digest index;
	size_t size;

	kit_good(update_head_write(what, &head, &size, err));
	kit_good(forebear_new(what->old, &forebear, err));
	kit_good(index_encode(what->fresh->index, NULL, NULL, &index, err));
	kit_good(bundle_decode(head, size, forebear_source(forebear), &index, size, ret_bundle,
			       err));
	return size;
}

static uint32_t number(const struct stock *stock, const char *path)
{
	return index_number(stock->index, path);
}

static void test_all_comes_back(void **state)
{
	int older = trees_make("older"), newer = trees_make("newer");
	char line[] = "port=8080\n";

	trees_write(older, "app", TREES_BINARY, 1, 0);
	trees_write(newer, "app", TREES_BINARY, 1, 5000);
	check_write(older, "conf", line, strlen(line));
	line[5] = '9';
	check_write(newer, "conf", line, strlen(line));
	trees_write(newer, "news", 50, 3, 0);
	{
		_cleanup_stock_ struct stock old = trees_stock(older);
		_cleanup_stock_ struct stock fresh = trees_stock(newer);
		const struct marks_solid solids[] = {
			{ number(&fresh, "app"), number(&old, "app") },
			{ number(&fresh, "conf"), number(&old, "conf") },
			{ number(&fresh, "news"), BUNDLE_NO_BASE },
		};
		const struct update_head what = { .fresh = &fresh,
						  .old = &old,
						  .solids = solids,
						  .n_solids = ARRAY_SIZE(solids),
						  .level = 19 };
		_cleanup_(bundle_freep) struct bundle *bundle = NULL;

		assert_true(write_and_read(&what, &bundle) < 200);
		assert_int_equal(bundle->n_blocks, ARRAY_SIZE(solids));
		assert_memory_equal(bundle->blocks[1].bytes, line, strlen(line));
	}
}

static void test_nothing_new_is_next_to_nothing(void **state)
{
	_cleanup_stock_ struct stock old = trees_stock(trees_old());
	const struct update_head what = { .fresh = &old, .old = &old, .level = 19 };
	_cleanup_(bundle_freep) struct bundle *bundle = NULL;

	assert_true(write_and_read(&what, &bundle) < 20);
	assert_int_equal(bundle->n_blocks, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_all_comes_back),
		check_in_dir(test_nothing_new_is_next_to_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
