#include "publish/forebear.h"

#include "trees.h"

static struct stock make_old(void)
{
	struct stock stock = trees_stock(trees_old());

	assert_int_equal(index_at(stock.index, index_number(stock.index, "gone"))->size, 4);
	return stock;
}

static void test_reads_what_was_there(void **state)
{
	_cleanup_stock_ struct stock old = make_old();
	_cleanup_(forebear_freep) struct forebear *forebear = NULL;
	const struct bundle_source *source;
	char bytes[4];

	kit_good(forebear_new(&old, &forebear, err));
	source = forebear_source(forebear);
	assert_ptr_equal(source->index, old.index);
	kit_good(source->read(source->data, index_number(old.index, "gone"), bytes, err));
	assert_memory_equal(bytes, "gone", 4);
}

static void test_another_file_is_refused(void **state)
{
	_cleanup_stock_ struct stock old = make_old();
	_cleanup_(forebear_freep) struct forebear *forebear = NULL;
	const struct bundle_source *source;
	struct error err_ = {};
	char bytes[4];

	kit_good(forebear_new(&old, &forebear, err));
	source = forebear_source(forebear);
	check_write(old.dirfd, "gone", "went", 4);
	check_error(source->read(source->data, index_number(old.index, "gone"), bytes, &err_),
		    &err_, FAULT_CORRUPT, "gone");
}

static void test_decodes(void **state)
{
	static const struct bundle_block block = { .kind = BLOCK_STORED, .length = 3 };
	_cleanup_(forebear_freep) struct forebear *forebear = NULL;
	const void *bytes = NULL;

	kit_good(forebear_new(NULL, &forebear, err));
	assert_null(forebear_source(forebear));
	kit_good(forebear_decode(forebear, &block, "abc", 3, &bytes, err));
	assert_memory_equal(bytes, "abc", 3);
	assert_true(forebear_decode(forebear, &block, "abc", 4, &bytes, NULL) < 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_reads_what_was_there),
		check_in_dir(test_another_file_is_refused),
		check_in_dir(test_decodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
