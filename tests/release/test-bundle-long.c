#include "release/bundle-long.h"

#include "base/bulk.h"
#include "bundle.h"

static int read_some(void *data, uint32_t number, void *ret_bytes, struct error *err)
{
	memset(ret_bytes, '0' + (int)number, number == OLD_BIN ? 100 : 50);
	return data ? BUNDLE_BASE_DIFFERS : 0;
}

/* lib/bin and lib/note are listed. */
static int take(struct bundle_long *all, int spare_dirfd, void *data, struct patch_bytes *left,
		struct error *err)
{
	_cleanup_(index_freep) struct index *old = sample_old();
	const struct bundle_source source = {
		.index = old, .read = read_some, .data = data, .spare_dirfd = spare_dirfd
	};
	char list[] = "\2\1\0text";
	struct frame text = { .data = list, .size = 7 };
	bool *listed = NULL;
	int r = bundle_long_contents(all, &source, &text, &listed, left, err);

	assert_true(!listed[0] && listed[OLD_BIN] && listed[OLD_NOTE]);
	bulk_free(listed);
	assert_int_equal(text.size, 4);
	assert_memory_equal(list, "text", 4);
	return r;
}

/* The second block is a frame that copies what was listed: 150 bytes of it, and the one block before. */
static void take_two(int spare_dirfd)
{
	struct bundle_long all = {};
	_cleanup_text_ struct text text = {};
	struct patch_bytes left;
	const uint8_t *contents;

	text_add_bytes(&text, "\x82\x80\x80\x02z", 5);
	{
		_cleanup_free_ char *block = calloc(1, BLOCK_SIZE);
		_cleanup_text_ struct text frame = {};

		memset(block, 'z', BLOCK_SIZE);
		sample_frame(&frame, block, BLOCK_SIZE, 0);
		assert_true(frame.size >= 0x80 && frame.size < 0x4000);
		text_add(&text, "%c%c", (char)(frame.size | 0x80), (char)(frame.size >> 7));
		text_add_bytes(&text, frame.data, frame.size);
	}
	text_add_bytes(&text, "s\2xyrest", 8);
	left = (struct patch_bytes){ (const uint8_t *)text.data, text.size };
	assert_int_equal(take(&all, spare_dirfd, NULL, &left, NULL), 0);
	assert_int_equal(left.size, 4);
	assert_int_equal(all.size, BLOCK_SIZE + 2);
	contents = bundle_long_bytes(&all);
	assert_int_equal(contents[0], 'z');
	assert_int_equal(contents[-1], 0);
	assert_int_equal(contents[49 - 512], '2');
	assert_int_equal(contents[99 - 1024], '1');
	assert_int_equal(contents[BLOCK_SIZE - 1], 'z');
	assert_memory_equal(contents + BLOCK_SIZE, "xy", 2);
	bundle_long_done(&all);
}

static void test_in_a_file_and_in_memory(void **state)
{
	take_two(check_dirfd(state));
	take_two(0);
	assert_int_equal(check_count(check_dirfd(state)), 0);
}

static void test_old_file_that_differs(void **state)
{
	struct bundle_long all = {};
	struct patch_bytes left = { (const uint8_t *)"\1s\1x", 4 };

	assert_int_equal(take(&all, 0, &all, &left, NULL), BUNDLE_BASE_DIFFERS);
	bundle_long_done(&all);
}

static void test_what_is_none(void **state)
{
	static const struct patch_bytes cases[] = {
		{ (const uint8_t *)"", 0 },	   { (const uint8_t *)"\0", 1 },
		{ (const uint8_t *)"\2", 1 },	   { (const uint8_t *)"\2x\2ab", 5 },
		{ (const uint8_t *)"\2s", 2 },	   { (const uint8_t *)"\2s\3ab", 5 },
		{ (const uint8_t *)"\2s\1ab", 5 }, { (const uint8_t *)"\2z\2ab", 5 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bundle_long all = {};
		struct patch_bytes left = cases[i];
		struct error err = {};

		if (take(&all, 0, NULL, &left, &err) >= 0)
			fail_msg("case %zu was taken", i);
		assert_int_equal(err.fault, FAULT_CORRUPT);
		bundle_long_done(&all);
	}
}

static void test_text(void **state)
{
	struct patch_bytes left = { (const uint8_t *)"\3s\3abcd", 7 };
	_cleanup_bulk_ char *text = NULL;
	size_t size = 0;

	assert_int_equal(bundle_long_text("old", 3, &left, &text, &size, NULL), 0);
	assert_int_equal(size, 3);
	assert_string_equal(text, "abc");
	assert_int_equal(left.size, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_in_a_file_and_in_memory),
		cmocka_unit_test(test_old_file_that_differs),
		cmocka_unit_test(test_what_is_none),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
