/* Ranges of a bundle, chosen by what is wanted. */
#include "deploy/spans.h"

#include "../base/check.h"
#include "base/text.h"

#define BLOCKS 6

/* At 100, each of 10 KiB, but the fourth of 20 KiB. */
static struct bundle_block blocks[BLOCKS];
static struct bundle bundle = { .blocks = blocks, .n_blocks = BLOCKS, .head_length = 100 };
static const char *chosen; /* 'x': wanted */

static bool wants(void *data, const struct bundle_block *block)
{
	return chosen[block - blocks] == 'x';
}

static void make(const char *which, struct spans *spans)
{
	uint64_t offset = 100;

	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i].length = i == 3 ? 20 * 1024 : 10 * 1024;
		blocks[i].offset = offset;
		offset += blocks[i].length;
	}
	bundle.length = offset;
	chosen = which;
	assert_int_equal(spans_make(&bundle, wants, NULL, spans, NULL), 0);
}

static void all_is_one(void **state)
{
	_cleanup_spans_ struct spans spans = {};

	make("xxxxxx", &spans);
	assert_int_equal(spans.n_spans, 1);
	assert_int_equal(spans.spans[0].offset, 100);
	assert_int_equal(spans.spans[0].length, bundle.length - 100);
	assert_int_equal(spans.spans[0].begin, 0);
	assert_int_equal(spans.spans[0].end, BLOCKS);
	assert_int_equal(spans.n_wanted, BLOCKS);
}

static void nothing_is_none(void **state)
{
	_cleanup_spans_ struct spans spans = {};

	make("......", &spans);
	assert_int_equal(spans.n_spans, 0);
	assert_int_equal(spans.bytes, 0);
}

static void small_gaps_are_joined_and_large_ones_are_not(void **state)
{
	_cleanup_spans_ struct spans spans = {};

	make("x.x.x.", &spans);
	assert_int_equal(spans.n_spans, 2);
	assert_int_equal(spans.spans[0].length, 30 * 1024);
	assert_int_equal(spans.spans[0].end, 3);
	assert_int_equal(spans.spans[1].offset, 100 + 50 * 1024);
	assert_int_equal(spans.spans[1].length, 10 * 1024);
	assert_int_equal(spans.spans[1].begin, 4);
	assert_int_equal(spans.spans[1].end, 5);
	assert_int_equal(spans.bytes, 40 * 1024);
	assert_int_equal(spans.n_wanted, 3);
	assert_true(spans.wanted[2] && !spans.wanted[3]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_one),
		cmocka_unit_test(nothing_is_none),
		cmocka_unit_test(small_gaps_are_joined_and_large_ones_are_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
