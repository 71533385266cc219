#include "release/block.h"

#include <zstd.h>

#include "base/cleanup.h"
#include "sections.h"

#define BASE_SIZE 3000
#define OUT_SIZE  1000
#define ROOM	  16384

struct packed {
	uint8_t bytes[ROOM];
	size_t size;
};

static uint8_t base[BASE_SIZE];

static int make_base(void **state)
{
	for (size_t i = 0; i < BASE_SIZE; i++)
		base[i] = (uint8_t)(check_below(40) + 'A');
	return 0;
}

static void put_frame(struct packed *packed, const void *data, size_t size, const void *prefix,
		      size_t prefix_size)
{
	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	_cleanup_free_ void *copy = malloc(size + 1); /* zstd forgets a prefix that has it */
	size_t n;

	assert_true(zstd && copy);
	memcpy(copy, data, size);
	assert_false(ZSTD_isError(ZSTD_CCtx_refPrefix(zstd, prefix, prefix_size)));
	n = ZSTD_compress2(zstd, packed->bytes + packed->size, ROOM - packed->size, copy, size);
	assert_false(ZSTD_isError(n));
	packed->size += n;
	(void)ZSTD_freeCCtx(zstd);
}

static void put_number(struct packed *packed, uint64_t number)
{
	for (; number >= 0x80; number >>= 7)
		packed->bytes[packed->size++] = (uint8_t)(number | 0x80);
	packed->bytes[packed->size++] = (uint8_t)number;
}

/* Copies, with fields, and new bytes: what a patch has. */
static void make_sections(struct sections *ret_sections)
{
	*ret_sections = (struct sections){};
	sections_number(ret_sections, PATCH_CONTROL, 4096);
	sections_step(ret_sections, 600, 50, 1000);
	sections_step(ret_sections, 350, 0, -900);
	for (int i = 0; i < 50; i++)
		sections_byte(ret_sections, PATCH_EXTRA, 'x');
	for (int i = 0; i < 60; i++) {
		sections_number(ret_sections, PATCH_GAPS, 5);
		sections_byte(ret_sections, PATCH_CHOICES, (uint8_t)(i % 3));
		if (i % 3 == PATCH_VALUE)
			sections_number(ret_sections, PATCH_VALUES, patch_fold(i * 77));
	}
}

static void put_apart(struct packed *packed, const struct sections *sections)
{
	struct packed parts = {};
	size_t sizes[PATCH_SECTION_MAX];

	for (size_t i = 0; i < PATCH_SECTION_MAX; i++) {
		size_t before = parts.size;

		put_frame(&parts, sections->bytes[i], sections->size[i], NULL, 0);
		if (parts.size - before >= sections->size[i]) {
			parts.size = before + sections->size[i];
			memcpy(parts.bytes + before, sections->bytes[i], sections->size[i]);
		}
		sizes[i] = parts.size - before;
	}
	for (size_t i = 0; i < PATCH_SECTION_MAX; i++)
		put_number(packed, sizes[i]);
	memcpy(packed->bytes + packed->size, parts.bytes, parts.size);
	packed->size += parts.size;
}

static void put_together(struct packed *packed, const struct sections *sections)
{
	uint8_t all[ROOM];
	size_t size = 0;

	for (size_t i = 0; i < PATCH_SECTION_MAX; i++) {
		memcpy(all + size, sections->bytes[i], sections->size[i]);
		size += sections->size[i];
	}
	put_frame(packed, all, size, NULL, 0);
}

static void pack(struct packed *packed, const struct sections *sections, bool apart)
{
	*packed = (struct packed){};
	put_number(packed, apart);
	for (size_t i = 0; i < PATCH_SECTION_MAX; i++)
		put_number(packed, sections->size[i]);
	if (apart)
		put_apart(packed, sections);
	else
		put_together(packed, sections);
}

/* As a device does it; every buffer is as large as it must be, and no larger, so that ASan sees what leaves it. */
static int decode(enum block_kind kind, const void *bytes, size_t size, size_t base_size,
		  uint8_t ret_out[static OUT_SIZE], struct error *err)
{
	_cleanup_(block_decoder_freep) struct block_decoder *decoder = NULL;
	_cleanup_free_ uint8_t *out = malloc(OUT_SIZE);
	_cleanup_free_ uint8_t *old = malloc(base_size > 0 ? base_size : 1);
	_cleanup_free_ uint8_t *packed = malloc(size > 0 ? size : 1);
	int r;

	assert_true(out && old && packed);
	memcpy(old, base, base_size);
	memcpy(packed, bytes, size);
	assert_int_equal(block_decoder_new(&decoder, NULL), 0);
	r = block_decode(decoder, kind, packed, size, old, base_size, out, OUT_SIZE, err);
	memcpy(ret_out, out, OUT_SIZE);
	return r;
}

static void test_plain_and_prefix(void **state)
{
	_cleanup_(block_decoder_freep) struct block_decoder *decoder = NULL;
	struct packed plain = {}, prefix = {};
	uint8_t out[OUT_SIZE];

	put_frame(&plain, base + 7, OUT_SIZE, NULL, 0);
	put_frame(&prefix, base + 7, OUT_SIZE, base, BASE_SIZE);
	assert_true(prefix.size < 40 && plain.size > 300);
	assert_int_equal(block_decoder_new(&decoder, NULL), 0);
	for (int i = 0; i < 4; i++) { /* the same one decodes one after the other */
		const struct packed *packed = i % 2 ? &prefix : &plain;

		memset(out, 0, OUT_SIZE);
		assert_int_equal(block_decode(decoder, i % 2 ? BLOCK_PREFIX : BLOCK_PLAIN,
					      packed->bytes, packed->size, base, BASE_SIZE, out,
					      OUT_SIZE, NULL),
				 0);
		assert_memory_equal(out, base + 7, OUT_SIZE);
	}
}

static void test_both_layouts_of_a_patch(void **state)
{
	struct sections sections;
	struct patch_bytes bytes[PATCH_SECTION_MAX];
	static struct guess guess;
	struct packed packed;
	uint8_t wanted[OUT_SIZE], out[OUT_SIZE];

	make_sections(&sections);
	sections_lend(&sections, bytes);
	assert_int_equal(patch_apply(bytes, base, BASE_SIZE, &guess, wanted, OUT_SIZE, NULL), 0);
	assert_memory_equal(wanted + 600, "xxxxx", 5);
	for (int apart = 0; apart < 2; apart++) {
		pack(&packed, &sections, apart);
		assert_int_equal(
			decode(BLOCK_PATCH, packed.bytes, packed.size, BASE_SIZE, out, NULL), 0);
		assert_memory_equal(out, wanted, OUT_SIZE);
	}
}

/* ---- hostile bytes ---- */

static void make_any(struct packed *packed, enum block_kind kind, bool apart)
{
	struct sections sections;

	*packed = (struct packed){};
	make_sections(&sections);
	if (kind == BLOCK_PATCH)
		pack(packed, &sections, apart);
	else
		put_frame(packed, base + 7, OUT_SIZE, kind == BLOCK_PREFIX ? base : NULL,
			  kind == BLOCK_PREFIX ? BASE_SIZE : 0);
}

static void refuse_cut(enum block_kind kind, bool apart)
{
	struct packed packed;
	uint8_t out[OUT_SIZE];

	make_any(&packed, kind, apart);
	for (size_t size = 0; size < packed.size; size++) {
		struct error err = {};

		check_error(decode(kind, packed.bytes, size, BASE_SIZE, out, &err), &err,
			    FAULT_CORRUPT, "");
	}
}

/*
 * A flipped bit may give a block of other bytes (the digest of the table is there for that), but nothing else than
 * bytes or FAULT_CORRUPT.
 */
static void try_flips(enum block_kind kind, bool apart)
{
	struct packed packed;
	uint8_t out[OUT_SIZE];
	size_t refused = 0;

	make_any(&packed, kind, apart);
	for (size_t i = 0; i < 8 * packed.size; i++) {
		struct error err = {};

		packed.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
		if (decode(kind, packed.bytes, packed.size, BASE_SIZE, out, &err) < 0) {
			assert_string_equal(fault_name(err.fault), "corrupt");
			refused++;
		}
		packed.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_true(refused > 0);
}

static void test_cut_anywhere(void **state)
{
	refuse_cut(BLOCK_PLAIN, false);
	refuse_cut(BLOCK_PREFIX, false);
	refuse_cut(BLOCK_PATCH, false);
	refuse_cut(BLOCK_PATCH, true);
}

static void test_every_bit_flipped(void **state)
{
	try_flips(BLOCK_PLAIN, false);
	try_flips(BLOCK_PREFIX, false);
	try_flips(BLOCK_PATCH, false);
	try_flips(BLOCK_PATCH, true);
}

static void test_random_bytes(void **state)
{
	struct packed packed;
	uint8_t out[OUT_SIZE];

	for (int i = 0; i < 3000; i++) {
		struct error err = {};
		size_t where;

		make_any(&packed, BLOCK_PATCH, i % 2);
		where = check_below(packed.size);
		for (size_t j = where; j < packed.size && j < where + 1 + check_below(8); j++)
			packed.bytes[j] = (uint8_t)check_below(256);
		if (decode(BLOCK_PATCH, packed.bytes, packed.size, check_below(BASE_SIZE + 1), out,
			   &err) < 0)
			assert_string_equal(fault_name(err.fault), "corrupt");
	}
}

static void test_sizes(void **state)
{
	struct packed packed;
	uint8_t out[OUT_SIZE];
	struct error err = {};

	packed = (struct packed){};
	put_number(&packed, 2);
	check_error(decode(BLOCK_PATCH, packed.bytes, packed.size, BASE_SIZE, out, &err), &err,
		    FAULT_CORRUPT, "layout");
	packed.size = 0;
	put_number(&packed, 0);
	for (size_t i = 0; i < PATCH_SECTION_MAX; i++)
		put_number(&packed, i == 2 ? BLOCK_SECTIONS_MAX - 1 : 1);
	check_error(decode(BLOCK_PATCH, packed.bytes, packed.size, BASE_SIZE, out, &err), &err,
		    FAULT_CORRUPT, "too large");
	packed.size = 0;
	put_frame(&packed, base, OUT_SIZE - 1, NULL, 0);
	check_error(decode(BLOCK_PLAIN, packed.bytes, packed.size, 0, out, &err), &err,
		    FAULT_CORRUPT, "too short");
	packed.size = 0;
	put_frame(&packed, base, OUT_SIZE + 1, NULL, 0);
	check_error(decode(BLOCK_PLAIN, packed.bytes, packed.size, 0, out, &err), &err,
		    FAULT_CORRUPT, "unpack");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_and_prefix),
		cmocka_unit_test(test_both_layouts_of_a_patch),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_every_bit_flipped),
		cmocka_unit_test(test_random_bytes),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, make_base, NULL);
}
