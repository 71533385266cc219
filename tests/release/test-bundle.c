#include "bundle.h"

/* Cut short anywhere, changed anywhere, or longer: refused, never worse. */
static void test_heads_that_are_damaged(void **state)
{
	_cleanup_(index_freep) struct index *new = sample_new();
	struct bundle_block blocks[SAMPLE_BLOCKS];
	_cleanup_free_ void *head = NULL;
	_cleanup_free_ unsigned char *bytes = NULL;
	struct bundle *bundle;
	struct digest digest;
	size_t size;

	sample_blocks(blocks);
	assert_int_equal(index_encode(new, NULL, NULL, &digest, NULL), 0);
	assert_int_equal(bundle_write_head(new, blocks + 1, 3, 3, &head, &size, NULL), 0);
	bytes = malloc(size + 1);
	assert_non_null(bytes);
	for (size_t i = 0; i < size; i++) {
		assert_true(bundle_decode(head, i, NULL, &digest, i + 3000, &bundle, NULL) < 0);
		memcpy(bytes, head, size);
		bytes[i] ^= 1;
		if (bundle_decode(bytes, size, NULL, &digest, size + 3000, &bundle, NULL) == 0)
			bundle_free(bundle);
	}
	memcpy(bytes, head, size);
	bytes[size] = 0;
	assert_true(bundle_decode(bytes, size + 1, NULL, &digest, size + 3001, &bundle, NULL) < 0);
}

/* The index must be the one that the offer names; and with a base the head is another one. */
static void test_other_indexes(void **state)
{
	_cleanup_(index_freep) struct index *old = sample_old();
	_cleanup_(index_freep) struct index *new = sample_new();
	struct bundle_source source = sample_source(old);
	_cleanup_free_ void *head = NULL;
	struct bundle *bundle;
	struct digest digest;
	struct error err = {};
	size_t size;

	assert_int_equal(bundle_write_head(new, NULL, 0, 3, &head, &size, NULL), 0);
	assert_int_equal(index_encode(old, NULL, NULL, &digest, NULL), 0);
	assert_true(bundle_decode(head, size, NULL, &digest, size, &bundle, &err) < 0);
	assert_non_null(strstr(err.text, "not the one of the release"));
	assert_int_equal(index_encode(new, NULL, NULL, &digest, NULL), 0);
	assert_true(bundle_decode(head, size, &source, &digest, size, &bundle, &err) < 0);
	assert_non_null(strstr(err.text, "of a version that this flipslot does not read"));
}

/* Nothing is unpacked that is larger than what the offer promises could need. */
static void test_the_text_is_bounded(void **state)
{
	_cleanup_(index_freep) struct index *new = sample_new();
	struct bundle_block blocks[SAMPLE_BLOCKS];
	_cleanup_free_ void *head = NULL;
	struct bundle_promise promise = {};
	struct bundle *bundle = NULL;
	struct digest digest;
	struct error err = {};
	size_t size, text;

	sample_blocks(blocks);
	assert_int_equal(index_encode(new, NULL, &text, &digest, NULL), 0);
	assert_int_equal(bundle_write_head(new, blocks + 1, 3, 3, &head, &size, NULL), 0);
	promise = (struct bundle_promise){ &digest, size + 3000, text };
	assert_int_equal(bundle_decode_promised(head, size, NULL, &promise, &bundle, NULL), 0);
	bundle_free(bundle);
	promise.text_max--;
	check_error(bundle_decode_promised(head, size, NULL, &promise, &bundle, &err), &err,
		    FAULT_CORRUPT, "unpacks to too much");
	assert_in_range(bundle_text_max(1, 0), 4096, 4U << 20);
	assert_in_range(bundle_text_max(10000, 250U << 20), 10000 * 4096, 45U << 20);
	assert_int_equal(bundle_text_max(UINT64_MAX, UINT64_MAX), BUNDLE_TEXT_MAX);
}

static void test_packed_bytes_are_verified(void **state)
{
	struct bundle_block block = { .length = 3, .offset = 77 };
	struct error err = {};
	struct digest digest;

	assert_int_equal(digest_of("abc", 3, &digest, NULL), 0);
	bundle_short_of(&digest, &block.packed);
	assert_int_equal(bundle_check_packed(&block, "abc", 3, NULL), 0);
	assert_true(bundle_check_packed(&block, "abd", 3, &err) < 0);
	assert_int_equal(err.fault, FAULT_UNTRUSTED);
	assert_non_null(strstr(err.text, "77"));
	assert_true(bundle_check_packed(&block, "ab", 2, NULL) < 0);
	block.length = 4;
	assert_true(bundle_check_packed(&block, "abc", 3, NULL) < 0);
}

static void test_sizes(void **state)
{
	_cleanup_(index_freep) struct index *new = sample_new();
	struct bundle bundle = { .index = new };
	struct bundle_block block = { .entry = NEW_BIG };

	assert_int_equal(bundle_count_blocks(0), 0);
	assert_int_equal(bundle_count_blocks(1), 1);
	assert_int_equal(bundle_count_blocks(BLOCK_SIZE), 1);
	assert_int_equal(bundle_count_blocks(BLOCK_SIZE + 1ULL), 2);
	assert_int_equal(bundle_raw_size(&bundle, &block), BLOCK_SIZE);
	block.number = 2;
	assert_int_equal(bundle_raw_size(&bundle, &block), 1);
	block = (struct bundle_block){ .entry = NEW_BIN };
	assert_int_equal(bundle_raw_size(&bundle, &block), 101);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heads_that_are_damaged),
		cmocka_unit_test(test_other_indexes),
		cmocka_unit_test(test_the_text_is_bounded),
		cmocka_unit_test(test_packed_bytes_are_verified),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
