#include "bundle.h"

#include <zstd.h>

#include "base/text.h"

#define HEX "01010101010101010101010101010101"
#define RAW(n)                                                                                     \
	"8" #n "8" #n "8" #n "8" #n "8" #n "8" #n "8" #n "8" #n "8" #n "8" #n "8" #n "8" #n "8" #n \
	"8" #n "8" #n "8" #n
#define TABLE  "flipslot-bundle 1\n"
#define BIN    "b 2 30 " HEX " - 1\n"
#define BIG(n) "z 1 1000 " HEX " " RAW(n) "\n"

static void add_frame(struct text *head, const char *data, size_t size)
{
	char packed[4096];
	size_t n = ZSTD_compress(packed, sizeof(packed), data, size, 1);

	assert_false(ZSTD_isError(n));
	text_add_bytes(head, packed, n);
}

/* A head of the new index and this table, decoded as of a bundle with that many bytes of blocks. */
static int decode(const char *table, size_t blocks, struct error *err)
{
	_cleanup_(index_freep) struct index *old = sample_old();
	_cleanup_(index_freep) struct index *new = sample_new();
	_cleanup_(bundle_freep) struct bundle *bundle = NULL;
	_cleanup_text_ struct text head = {};
	_cleanup_free_ char *text = NULL;
	struct digest digest;
	size_t size;

	assert_int_equal(index_encode(new, &text, &size, &digest, NULL), 0);
	add_frame(&head, text, size);
	add_frame(&head, table, strlen(table));
	return bundle_decode(head.data, head.size, old, &digest, head.size + blocks, &bundle, err);
}

static void test_tables_that_are_all_right(void **state)
{
	assert_int_equal(decode(TABLE, 0, NULL), 0);
	assert_int_equal(decode(TABLE BIN, 30, NULL), 0);
	assert_int_equal(decode(TABLE BIG(1) BIG(2) BIG(3) BIN, 3030, NULL), 0);
}

static void test_tables_that_are_not(void **state)
{
	static const struct {
		const char *table;
		size_t blocks;
		const char *why;
	} cases[] = {
		{ "flipslot-bundle 2\n", 0, "version" },
		{ "", 0, "version" },
		{ TABLE BIN, 31, "add up" },
		{ TABLE BIN, 29, "add up" },
		{ TABLE "b 2 30 " HEX " - 1", 30, "newline" },
		{ TABLE "\n", 0, "block 0" },
		{ TABLE "b 2 30 " HEX " -\n", 30, "block 0" }, /* no base */
		{ TABLE "z 2 30 " HEX " - 1\n", 30, "block 0" }, /* a base too many */
		{ TABLE "b 2 30 " HEX " - 1 \n", 30, "block 0" },
		{ TABLE "b 2 30 " HEX " - 1 1\n", 30, "block 0" },
		{ TABLE "b  2 30 " HEX " - 1\n", 30, "block 0" },
		{ TABLE "x 2 30 " HEX " - 1\n", 30, "block 0" },
		{ TABLE "bb 2 30 " HEX " - 1\n", 30, "block 0" },
		{ TABLE "b 02 30 " HEX " - 1\n", 30, "block 0" },
		{ TABLE "b +2 30 " HEX " - 1\n", 30, "block 0" },
		{ TABLE "b 2 0 " HEX " - 1\n", 0, "block 0" },
		{ TABLE "b 2 4294967296 " HEX " - 1\n", 30, "block 0" },
		{ TABLE "b 2 30 " HEX "0 - 1\n", 30, "block 0" },
		{ TABLE "b 2 30 0101010101010101010101010101010A - 1\n", 30, "block 0" },
		{ TABLE "b 2 30 " HEX " " HEX " 1\n", 30, "block 0" }, /* a single block */
		{ TABLE "b 2 30 " HEX " - 0\n", 30, "block 0" }, /* the base is a directory */
		{ TABLE "b 2 30 " HEX " - 3\n", 30, "block 0" }, /* or beyond the end */
		{ TABLE "b 2 30 " HEX " - 4294967295\n", 30, "block 0" },
		{ TABLE "z 0 30 " HEX " -\n", 30, "block 0" }, /* a directory */
		{ TABLE "z 3 30 " HEX " -\n", 30, "block 0" }, /* an empty file */
		{ TABLE "z 6 30 " HEX " -\n", 30, "block 0" },
		{ TABLE "z 1 1000 " HEX " -\n", 1000, "block 0" }, /* of several blocks */
		{ TABLE BIG(1), 1000, "lacks blocks" },
		{ TABLE BIG(1) BIG(2) BIN, 2030, "block 2" },
		{ TABLE BIG(1) BIG(2) BIG(3) BIG(4), 4000, "lacks blocks" },
		{ TABLE BIN BIN, 60, "twice" },
		{ TABLE BIN "z 5 30 " HEX " -\n", 60,
		  "twice" }, /* another name, the same content */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = {};

		if (decode(cases[i].table, cases[i].blocks, &err) >= 0)
			fail_msg("case %zu was taken", i);
		assert_int_equal(err.fault, FAULT_CORRUPT);
		if (!strstr(err.text, cases[i].why))
			fail_msg("case %zu: %s", i, err.text);
	}
}

/* Cut short anywhere, changed anywhere, or longer: refused, never worse. */
static void test_heads_that_are_damaged(void **state)
{
	_cleanup_(index_freep) struct index *old = sample_old();
	_cleanup_(index_freep) struct index *new = sample_new();
	struct bundle_block blocks[SAMPLE_BLOCKS];
	_cleanup_free_ void *head = NULL;
	_cleanup_free_ unsigned char *bytes = NULL;
	struct bundle *bundle;
	struct digest digest;
	size_t size;

	sample_blocks(blocks);
	assert_int_equal(index_encode(new, NULL, NULL, &digest, NULL), 0);
	assert_int_equal(bundle_write_head(new, old, blocks, 5, 3, &head, &size, NULL), 0);
	bytes = malloc(size + 1);
	assert_non_null(bytes);
	for (size_t i = 0; i < size; i++) {
		assert_true(bundle_decode(head, i, old, &digest, i + 3050, &bundle, NULL) < 0);
		memcpy(bytes, head, size);
		bytes[i] ^= 1;
		if (bundle_decode(bytes, size, old, &digest, size + 3050, &bundle, NULL) == 0)
			bundle_free(bundle);
	}
	memcpy(bytes, head, size);
	bytes[size] = 0;
	assert_true(bundle_decode(bytes, size + 1, old, &digest, size + 3051, &bundle, NULL) < 0);
}

/* The index must be the one that the offer names, and the base the one that it was made with. */
static void test_other_indexes(void **state)
{
	_cleanup_(index_freep) struct index *old = sample_old();
	_cleanup_(index_freep) struct index *new = sample_new();
	_cleanup_free_ void *head = NULL;
	struct bundle *bundle;
	struct digest digest;
	struct error err = {};
	size_t size;

	assert_int_equal(bundle_write_head(new, old, NULL, 0, 3, &head, &size, NULL), 0);
	assert_int_equal(index_encode(old, NULL, NULL, &digest, NULL), 0);
	assert_true(bundle_decode(head, size, old, &digest, size, &bundle, &err) < 0);
	assert_non_null(strstr(err.text, "not the one of the release"));
	assert_int_equal(index_encode(new, NULL, NULL, &digest, NULL), 0);
	assert_true(bundle_decode(head, size, new, &digest, size, &bundle, NULL) < 0);
	assert_true(bundle_decode(head, size, NULL, &digest, size, &bundle, NULL) < 0);
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
		cmocka_unit_test(test_tables_that_are_all_right),
		cmocka_unit_test(test_tables_that_are_not),
		cmocka_unit_test(test_heads_that_are_damaged),
		cmocka_unit_test(test_other_indexes),
		cmocka_unit_test(test_packed_bytes_are_verified),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
