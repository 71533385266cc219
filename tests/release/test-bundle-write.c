#include "bundle.h"

static void same_blocks(const struct bundle *bundle, const struct bundle_block *wanted, size_t n)
{
	uint64_t offset = bundle->head_length;

	assert_int_equal(bundle->n_blocks, n);
	for (size_t i = 0; i < n; i++) {
		const struct bundle_block *block = &bundle->blocks[i];

		assert_int_equal(block->kind, wanted[i].kind);
		assert_int_equal(block->entry, wanted[i].entry);
		assert_int_equal(block->base, wanted[i].base);
		assert_int_equal(block->length, wanted[i].length);
		assert_memory_equal(&block->packed, &wanted[i].packed, BUNDLE_SHORT_SIZE);
		assert_memory_equal(&block->raw, &wanted[i].raw, BUNDLE_SHORT_SIZE);
		assert_int_equal(block->offset, offset);
		offset += block->length;
	}
	assert_int_equal(offset, bundle->length);
}

/* What was written is read again. */
static void test_comes_back(void **state)
{
	_cleanup_(index_freep) struct index *new = sample_new();
	_cleanup_(bundle_freep) struct bundle *bundle = NULL;
	struct bundle_block blocks[SAMPLE_BLOCKS];
	_cleanup_free_ void *head = NULL;
	struct digest digest;
	size_t size;

	sample_blocks(blocks);
	assert_int_equal(index_encode(new, NULL, NULL, &digest, NULL), 0);
	assert_int_equal(bundle_write_head(new, blocks + 1, 3, 3, &head, &size, NULL), 0);
	assert_int_equal(bundle_decode(head, size, NULL, &digest, size + 3000, &bundle, NULL), 0);
	assert_int_equal(bundle->head_length, size);
	assert_int_equal(index_count(bundle->index), 6);
	same_blocks(bundle, blocks + 1, 3);
}

/* The same arguments, the same bytes. */
static void test_bytes(void **state)
{
	_cleanup_(index_freep) struct index *new = sample_new();
	_cleanup_free_ void *first = NULL, *second = NULL;
	size_t size, again;

	assert_int_equal(bundle_write_head(new, NULL, 0, 19, &first, &size, NULL), 0);
	assert_int_equal(bundle_write_head(new, NULL, 0, 19, &second, &again, NULL), 0);
	assert_int_equal(size, again);
	assert_memory_equal(first, second, size);
}

/* What a device would not take is not written. */
static void test_refuses(void **state)
{
	_cleanup_(index_freep) struct index *new = sample_new();
	struct bundle_block block = sample_block(BLOCK_PATCH, NEW_BIN, OLD_BIN, 30, 5);
	_cleanup_free_ void *head = NULL;
	struct error err = {};
	size_t size;

	assert_true(bundle_write_head(new, &block, 1, 3, &head, &size, &err) < 0);
	assert_int_equal(err.fault, FAULT_INTERNAL);
	assert_non_null(strstr(err.text, "block 0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comes_back),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
