#include "publish/update-long.h"

#include "../base/check.h"
#include "release/bundle-long.h"

#define LISTED	 70000
#define NEW	 300000 /* random bytes: the end of the first block, and the second one */
#define CONTENTS (BLOCK_SIZE + NEW)

static uint8_t bytes[LISTED + CONTENTS];

/* Listed files; behind them zeroes, what was listed, and what is new, twice. */
static int fill(void **state)
{
	uint8_t *second = bytes + LISTED + BLOCK_SIZE;

	for (size_t i = 0; i < LISTED; i++)
		bytes[i] = (uint8_t)check_random();
	for (size_t i = 0; i < NEW; i++)
		second[i] = (uint8_t)check_random();
	memcpy(second - NEW, second, NEW);
	memcpy(second - NEW - LISTED, bytes, LISTED);
	return 0;
}

static void write_long(size_t listed, size_t contents, int level, unsigned int threads,
		       struct text *out)
{
	const struct update_long what = { .bytes = bytes + LISTED - listed,
					  .base = listed,
					  .size = contents,
					  .level = level,
					  .threads = threads };
	struct error err = {};

	if (update_long_write(&what, out, &err) < 0)
		fail_msg("%s", err.text);
}

/* As a device would read it. */
static void check_back(size_t listed, size_t contents, const struct text *text)
{
	struct patch_bytes left = { (const uint8_t *)text->data, text->size };
	struct bundle_long all = { .base = listed };
	struct error err = {};

	assert_int_equal(scratch_new(0, listed + 1, &all.scratch, NULL), 0);
	memcpy(scratch_bytes(all.scratch), bytes + LISTED - listed, listed);
	if (bundle_long_take(&all, &left, BUNDLE_LONG_MAX, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(left.size, 0);
	assert_int_equal(all.size, contents);
	assert_memory_equal(bundle_long_bytes(&all), bytes + LISTED, contents);
	bundle_long_done(&all);
}

static void test_sizes(void **state)
{
	static const size_t sizes[] = { 1, BLOCK_SIZE, BLOCK_SIZE + 1, CONTENTS };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		_cleanup_text_ struct text with = {}, without = {};

		write_long(LISTED, sizes[i], 1, 2, &with);
		check_back(LISTED, sizes[i], &with);
		write_long(0, sizes[i], 1, 2, &without);
		check_back(0, sizes[i], &without);
	}
}

/* What was listed, and what came before, costs little; and the bytes are the same by any threads. */
static void test_what_is_known(void **state)
{
	_cleanup_text_ struct text one = {}, many = {};

	write_long(LISTED, CONTENTS, 19, 1, &one);
	write_long(LISTED, CONTENTS, 19, 3, &many);
	assert_in_range(one.size, NEW, NEW + 3000);
	assert_int_equal(one.size, many.size);
	assert_memory_equal(one.data, many.data, one.size);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_what_is_known),
	};

	return cmocka_run_group_tests(tests, fill, NULL);
}
