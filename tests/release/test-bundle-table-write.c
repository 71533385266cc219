#include "release/bundle-table-write.h"

#include "base/bulk.h"
#include "bundle.h"
#include "release/bundle-table.h"

/* Blocks of every kind, behind the head and in it, are read as they were written. */
static void test_comes_back(void **state)
{
	_cleanup_(index_freep) struct index *old = sample_old();
	_cleanup_(index_freep) struct index *new = sample_new();
	_cleanup_text_ struct text table = {};
	struct bundle bundle = { .index = new, .length = 3020 };
	struct bundle_block blocks[SAMPLE_BLOCKS];

	sample_blocks(blocks);
	blocks[4].is_inlined = true;
	for (size_t i = 0; i < SAMPLE_BLOCKS; i++)
		bundle_table_write_line(&table, new, &blocks[i]);
	assert_int_equal(bundle_table_read(&bundle, old, table.data, table.size, NULL), 0);
	assert_int_equal(bundle.n_blocks, SAMPLE_BLOCKS);
	for (size_t i = 0; i < SAMPLE_BLOCKS; i++) {
		const struct bundle_block *block = &bundle.blocks[i];

		assert_int_equal(block->kind, blocks[i].kind);
		assert_int_equal(block->entry, blocks[i].entry);
		assert_int_equal(block->base, blocks[i].base);
		assert_int_equal(block->length, blocks[i].length);
		assert_int_equal(block->is_inlined, i == 4);
		if (i != 4)
			assert_memory_equal(&block->packed, &blocks[i].packed, BUNDLE_SHORT_SIZE);
		assert_memory_equal(&block->raw, &blocks[i].raw, BUNDLE_SHORT_SIZE);
	}
	bulk_free(bundle.blocks);
}

static void test_lines_in_the_head_are_short(void **state)
{
	_cleanup_(index_freep) struct index *new = sample_new();
	_cleanup_text_ struct text table = {};
	struct bundle_block block = sample_block(BLOCK_PATCH, NEW_BIN, NEW_BIN, 30, 5);

	block.is_inlined = true;
	bundle_table_write_line(&table, new, &block);
	assert_string_equal(table.data, "B 2 30\n");
	block.base = OLD_BIN;
	bundle_table_write_line(&table, new, &block);
	assert_string_equal(table.data, "B 2 30\nB 2 30 1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comes_back),
		cmocka_unit_test(test_lines_in_the_head_are_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
