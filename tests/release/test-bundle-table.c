#include "release/bundle-table.h"

#include "bundle.h"

#define HEX "01010101010101010101010101010101"
#define RAW(n)                                                                                     \
	"8" #n "8" #n "8" #n "8" #n "8" #n "8" #n "8" #n "8" #n "8" #n "8" #n "8" #n "8" #n "8" #n \
	"8" #n "8" #n "8" #n
#define TABLE  "flipslot-bundle 1\n"
#define BIN    "b 2 30 " HEX " - 1\n"
#define BIG(n) "z 1 1000 " HEX " " RAW(n) "\n"

/* A head of the new index and this table, decoded as of a bundle with that many bytes of blocks; without a base. */
static int decode_alone(const char *table, size_t blocks, struct error *err)
{
	_cleanup_(index_freep) struct index *new = sample_new();
	_cleanup_(bundle_freep) struct bundle *bundle = NULL;
	_cleanup_text_ struct text head = {};
	_cleanup_free_ char *text = NULL;
	struct digest digest;
	size_t size;

	assert_int_equal(index_encode(new, &text, &size, &digest, NULL), 0);
	sample_frame(&head, text, size, 0);
	sample_frame(&head, table, strlen(table), 0);
	return bundle_decode(head.data, head.size, NULL, &digest, head.size + blocks, &bundle, err);
}

/* The same with a base. */
static int decode(const char *table, size_t blocks, struct error *err)
{
	_cleanup_(index_freep) struct index *old = sample_old();
	_cleanup_(index_freep) struct index *new = sample_new();
	_cleanup_(bundle_freep) struct bundle *bundle = NULL;
	_cleanup_text_ struct text head = {}, text = {};
	struct bundle_source source = sample_source(old);
	struct digest digest;

	assert_int_equal(index_encode(new, NULL, NULL, &digest, NULL), 0);
	text_add(&text, "%s", table);
	sample_lines(&text, new);
	sample_update(&head, text.data, text.size);
	return bundle_decode(head.data, head.size, &source, &digest, head.size + blocks, &bundle,
			     err);
}

static void test_tables_that_are_all_right(void **state)
{
	assert_int_equal(decode_alone(TABLE, 0, NULL), 0);
	assert_int_equal(decode_alone(TABLE BIG(1) BIG(2) BIG(3), 3000, NULL), 0);
	assert_int_equal(decode("", 0, NULL), 0);
	assert_int_equal(decode(BIN, 30, NULL), 0);
	assert_int_equal(decode(BIG(1) BIG(2) BIG(3) BIN, 3030, NULL), 0);
}

static void test_tables_that_are_not(void **state)
{
	static const struct {
		const char *table;
		size_t blocks;
		const char *why;
	} cases[] = {
		{ BIN, 31, "add up" },
		{ BIN, 29, "add up" },
		{ "b 2 30 " HEX " -\n", 30, "block 0" }, /* no base */
		{ "z 2 30 " HEX " - 1\n", 30, "block 0" }, /* a base too many */
		{ "b 2 30 " HEX " - 1 \n", 30, "block 0" },
		{ "b 2 30 " HEX " - 1 1\n", 30, "block 0" },
		{ "b  2 30 " HEX " - 1\n", 30, "block 0" },
		{ "x 2 30 " HEX " - 1\n", 30, "block 0" },
		{ "bb 2 30 " HEX " - 1\n", 30, "block 0" },
		{ "b 02 30 " HEX " - 1\n", 30, "block 0" },
		{ "b +2 30 " HEX " - 1\n", 30, "block 0" },
		{ "b 2 0 " HEX " - 1\n", 0, "block 0" },
		{ "b 2 4294967296 " HEX " - 1\n", 30, "block 0" },
		{ "b 2 30 " HEX "0 - 1\n", 30, "block 0" },
		{ "b 2 30 0101010101010101010101010101010A - 1\n", 30, "block 0" },
		{ "b 2 30 " HEX " " HEX " 1\n", 30, "block 0" }, /* a single block */
		{ "b 2 30 " HEX " - 0\n", 30, "block 0" }, /* the base is a directory */
		{ "b 2 30 " HEX " - 3\n", 30, "block 0" }, /* or beyond the end */
		{ "b 2 30 " HEX " - 4294967295\n", 30, "block 0" },
		{ "z 0 30 " HEX " -\n", 30, "block 0" }, /* a directory */
		{ "z 3 30 " HEX " -\n", 30, "block 0" }, /* an empty file */
		{ "z 6 30 " HEX " -\n", 30, "block 0" },
		{ "z 1 1000 " HEX " -\n", 1000, "block 0" }, /* of several blocks */
		{ BIG(1), 1000, "lacks blocks" },
		{ BIG(1) BIG(2) BIN, 2030, "block 2" },
		{ BIG(1) BIG(2) BIG(3) BIG(4), 4000, "lacks blocks" },
		{ "s 2 30 " HEX " - 1\n", 30, "block 0" },
		{ "B 2 30 " HEX " - 1\n", 0, "block 0" }, /* in the head it has no digests */
		{ "Y 2 30\n", 0, "block 0" },
		{ "Z 2\n", 0, "block 0" },
		{ "Z 2 30 1\n", 0, "block 0" },
		{ "Z 2 30\n", 0, "tail is cut short" },
		{ "Z 1 30\n" BIG(2) BIG(3), 2000, "block 1" }, /* a file in two places */
		{ BIN BIN, 60, "twice" },
		{ BIN "z 5 30 " HEX " -\n", 60, "twice" }, /* another name, the same content */
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

static void test_tables_of_bundles_without_base_that_are_not(void **state)
{
	static const struct {
		const char *table;
		size_t blocks;
		const char *why;
	} cases[] = {
		{ "flipslot-bundle 2\n", 0, "version" },
		{ "", 0, "version" },
		{ TABLE "\n", 0, "block 0" },
		{ TABLE "z 2 30 " HEX " -", 30, "newline" },
		{ TABLE BIN, 30, "block 0" },
		{ TABLE "Z 2 30\n", 0, "block 0" }, /* there is no place for it in the head */
		{ TABLE "z 2 30 " HEX " -\n", 31, "add up" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = {};

		if (decode_alone(cases[i].table, cases[i].blocks, &err) >= 0)
			fail_msg("case %zu was taken", i);
		assert_int_equal(err.fault, FAULT_CORRUPT);
		if (!strstr(err.text, cases[i].why))
			fail_msg("case %zu: %s", i, err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables_that_are_all_right),
		cmocka_unit_test(test_tables_that_are_not),
		cmocka_unit_test(test_tables_of_bundles_without_base_that_are_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
