/* LDFLAGS: -Wl,--wrap=ZSTD_CCtx_setParameter -Wl,--wrap=ZSTD_CCtx_refPrefix */
#include "publish/encoder.h"

#include <zstd.h>

#include "../base/check.h"

#define SIZE  300000
#define LARGE (5U * 1024 * 1024)

static uint8_t old[SIZE];

static int level_set;
static int
	level_of_prefix; /* the highest one that something was compressed by behind another thing */

size_t __real_ZSTD_CCtx_setParameter(ZSTD_CCtx *zstd, ZSTD_cParameter parameter, int value);
size_t __wrap_ZSTD_CCtx_setParameter(ZSTD_CCtx *zstd, ZSTD_cParameter parameter, int value);
size_t __wrap_ZSTD_CCtx_setParameter(ZSTD_CCtx *zstd, ZSTD_cParameter parameter, int value)
{
	if (parameter == ZSTD_c_compressionLevel)
		level_set = value;
	return __real_ZSTD_CCtx_setParameter(zstd, parameter, value);
}

size_t __real_ZSTD_CCtx_refPrefix(ZSTD_CCtx *zstd, const void *prefix, size_t size);
size_t __wrap_ZSTD_CCtx_refPrefix(ZSTD_CCtx *zstd, const void *prefix, size_t size);
size_t __wrap_ZSTD_CCtx_refPrefix(ZSTD_CCtx *zstd, const void *prefix, size_t size)
{
	if (size > 0 && level_set > level_of_prefix)
		level_of_prefix = level_set;
	return __real_ZSTD_CCtx_refPrefix(zstd, prefix, size);
}

static int fill(void **state)
{
	for (size_t i = 0; i < SIZE; i++)
		old[i] = (uint8_t)check_random();
	return 0;
}

/* Encoded, and decoded again; what it was encoded as. */
static struct encoder_block encode(const uint8_t *bytes, size_t size, size_t base_size)
{
	_cleanup_(block_decoder_freep) struct block_decoder *decoder = NULL;
	_cleanup_(suffix_freep) struct suffix *suffix = NULL;
	_cleanup_free_ uint8_t *out = malloc(size);
	struct encoder_base base = { old, base_size, NULL, ENCODER_PREFIX_MAX };
	struct encoder_block block = {};
	struct error err = {};

	if (base_size > 0)
		assert_int_equal(suffix_new(old, base_size, &suffix, NULL), 0);
	base.suffix = suffix;
	if (encoder_run(bytes, size, 0, base_size > 0 ? &base : NULL, 3, &block, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(block_decoder_new(&decoder, NULL), 0);
	if (block_decode(decoder, block.kind, block.data, block.size, old, base_size, out, size,
			 &err) < 0)
		fail_msg("%s", err.text);
	assert_memory_equal(out, bytes, size);
	free(block.data);
	return block;
}

static void test_without_base(void **state)
{
	static uint8_t zeroes[BLOCK_SIZE];
	struct encoder_block block = encode(zeroes, BLOCK_SIZE, 0);

	assert_int_equal(block.kind, BLOCK_PLAIN);
	assert_true(block.size < 1000);
	assert_true(encode(old, SIZE, 0).size <= BLOCK_PACKED_MAX);
	assert_true(encode(old, 1, 0).size > 0);
}

/* Stretches that are new, of a size each: they cost themselves, and little more. */
static void check_new_stretches(size_t each, size_t most)
{
	_cleanup_free_ uint8_t *bytes = malloc(SIZE);
	struct encoder_block block;

	assert_non_null(bytes);
	memcpy(bytes, old, SIZE);
	for (size_t at = 1000; at + 3000 < SIZE; at += 2000 + check_random() % 1000)
		for (size_t i = 0; i < each; i++)
			bytes[at + i] = (uint8_t)~old[at + i] ^ (uint8_t)(check_random() % 128);
	block = encode(bytes, SIZE, SIZE);
	assert_int_equal(block.kind, BLOCK_PATCH);
	assert_in_range(block.size, 1, SIZE / 2500 * (each + most));
}

static void test_new_stretches(void **state)
{
	check_new_stretches(32, 5);
	check_new_stretches(8, 5);
}

/* Numbers that all have changed a bit: nothing for zstd. */
static void test_patch_wins(void **state)
{
	_cleanup_free_ uint8_t *bytes = malloc(SIZE);
	struct encoder_block block;

	assert_non_null(bytes);
	memcpy(bytes, old, SIZE);
	for (size_t i = 0; i + 4 <= SIZE; i += 16)
		bytes[i]++;
	block = encode(bytes, SIZE, SIZE);
	assert_int_equal(block.kind, BLOCK_PATCH);
	assert_true(block.size < SIZE / 16);
}

static void test_prefix_wins(void **state)
{
	uint8_t bytes[2000];

	memcpy(bytes, old + 50,
	       1000); /* the beginning twice: a frame says it shorter than a patch does */
	memcpy(bytes + 1000, bytes, 1000);
	assert_true(encode(bytes, sizeof(bytes), SIZE).size < 60);
}

static void test_plain_wins(void **state)
{
	uint8_t bytes[5000];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)check_random();
	assert_int_equal(encode(bytes, sizeof(bytes), 1000).kind, BLOCK_PLAIN);
}

/* The level that the last block of a file of five of them was compressed by behind the file. */
static int level_behind(uint8_t *large, const uint8_t *bytes, size_t size)
{
	struct encoder_base base = { large, LARGE, NULL, ENCODER_PREFIX_MAX };
	_cleanup_(suffix_freep) struct suffix *suffix = NULL;
	struct encoder_block block = {};
	struct error err = {};

	assert_int_equal(suffix_new(large, LARGE, &suffix, NULL), 0);
	base.suffix = suffix;
	level_of_prefix = 0;
	if (encoder_run(bytes, size, LARGE - size, &base, 19, &block, &err) < 0)
		fail_msg("%s", err.text);
	free(block.data);
	return level_of_prefix;
}

/* What takes long is done only where a quick look does not say that it is in vain. */
static void test_a_large_prefix_is_tried_where_it_may_win(void **state)
{
	_cleanup_free_ uint8_t *large = malloc(LARGE);
	uint8_t *last = large + LARGE - SIZE;
	uint8_t bytes[SIZE];

	assert_non_null(large);
	for (size_t i = 0; i < LARGE; i++)
		large[i] = (uint8_t)check_random();
	memcpy(bytes, last, SIZE);
	for (size_t i = 0; i + 4 <= SIZE; i += 16)
		bytes[i] = (uint8_t)(bytes[i] + 1 + check_random() % 2);
	assert_in_range(level_behind(large, bytes, SIZE), 1, 18);
	for (size_t i = 0; i + 1000 <= SIZE; i += 1000)
		memcpy(bytes + i, large + check_random() % (LARGE - 1000), 1000);
	assert_int_equal(level_behind(large, bytes, SIZE), 19);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_base),
		cmocka_unit_test(test_new_stretches),
		cmocka_unit_test(test_patch_wins),
		cmocka_unit_test(test_prefix_wins),
		cmocka_unit_test(test_plain_wins),
		cmocka_unit_test(test_a_large_prefix_is_tried_where_it_may_win),
	};

	return cmocka_run_group_tests(tests, fill, NULL);
}
