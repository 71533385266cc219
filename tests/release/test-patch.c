#include "release/patch.h"

#include "base/cleanup.h"
#include "sections.h"

static const char base[] = "the quick brown fox jumps over the lazy dog";
#define BASE_SIZE (sizeof(base) - 1)

static struct guess guess;

/* The new bytes are as long as wanted. */
static int apply(const struct sections *sections, size_t size, char *ret_out, struct error *err)
{
	struct patch_bytes bytes[PATCH_SECTION_MAX];

	sections_lend(sections, bytes);
	return patch_apply(bytes, base, BASE_SIZE, &guess, ret_out, size, err);
}

static void test_copies_and_adds(void **state)
{
	static const char wanted[] = "lazy dog, quick fox!";
	struct sections sections = {};
	char out[sizeof(wanted) - 1];
	struct error err = {};

	sections_number(&sections, PATCH_CONTROL, 0);
	sections_step(&sections, 8, 2, 35); /* "lazy dog" and ", " */
	sections_step(&sections, 6, 0, 4 - 43); /* "quick " */
	sections_step(&sections, 3, 1, 16 - 10); /* "fox" and "!" */
	sections_text(&sections, ", !");
	if (apply(&sections, sizeof(out), out, &err) < 0)
		fail_msg("%s", err.text);
	assert_memory_equal(out, wanted, sizeof(out));
}

/* "brown" as "crown" by a difference of four bytes, then "dog" as "dig" by a byte, since it is cut off there. */
static void test_fields(void **state)
{
	static const char wanted[] = "crown dig";
	struct sections sections = {};
	char out[sizeof(wanted) - 1];
	struct error err = {};

	sections_number(&sections, PATCH_CONTROL, 7);
	sections_step(&sections, 6, 0, 10);
	sections_step(&sections, 3, 0, 40 - 16);
	sections_number(&sections, PATCH_GAPS, 0);
	sections_byte(&sections, PATCH_CHOICES, PATCH_VALUE);
	sections_number(&sections, PATCH_VALUES, patch_fold(1));
	sections_number(&sections, PATCH_GAPS, 3); /* "n ", and "d" of the next copy */
	sections_number(&sections, PATCH_VALUES, (uint8_t)('i' - 'o'));
	if (apply(&sections, sizeof(out), out, &err) < 0)
		fail_msg("%s", err.text);
	assert_memory_equal(out, wanted, sizeof(out));
}

/* Fields of an old binary: addresses of one page, of which the first tells how far all of it has moved. */
static void test_guesses(void **state)
{
	static const uint8_t old[12] = { 0x10, 0x20, 0, 0, 0x14, 0x20, 0, 0, 0x18, 0x20, 0, 0 };
	static const uint8_t wanted[12] = { 0x80, 0x20, 0, 0, 0x84, 0x20, 0, 0, 0x88, 0x20, 0, 0 };
	struct sections sections = {};
	struct patch_bytes bytes[PATCH_SECTION_MAX];
	uint8_t out[12];

	sections_number(&sections, PATCH_CONTROL, 0);
	sections_step(&sections, 12, 0, 0);
	for (int i = 0; i < 3; i++)
		sections_number(&sections, PATCH_GAPS, 0);
	sections_byte(&sections, PATCH_CHOICES, PATCH_VALUE);
	sections_number(&sections, PATCH_VALUES, patch_fold(0x70));
	sections_byte(&sections, PATCH_CHOICES, PATCH_NEAR);
	sections_byte(&sections, PATCH_CHOICES, PATCH_FAR);
	sections_lend(&sections, bytes);
	assert_int_equal(patch_apply(bytes, old, 12, &guess, out, 12, NULL), 0);
	assert_memory_equal(out, wanted, 12);
}

static void test_numbers(void **state)
{
	static const int64_t folded[] = { 0, -1, 1, -2, INT64_MAX, INT64_MIN };
	static const uint8_t largest[] = { 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 7 };
	static const uint8_t larger[] = { 255, 255, 255, 255, 255, 255, 255, 255, 255, 2 };
	struct patch_bytes bytes = { largest, sizeof(largest) };
	uint64_t number;

	for (size_t i = 0; i < ARRAY_SIZE(folded); i++)
		assert_true(patch_unfold(patch_fold(folded[i])) == folded[i]);
	assert_int_equal(patch_fold(-2), 3);
	assert_true(patch_read_number(&bytes, &number));
	assert_true(number == UINT64_MAX && bytes.size == 1);
	bytes = (struct patch_bytes){ larger, sizeof(larger) };
	assert_false(patch_read_number(&bytes, &number));
	bytes = (struct patch_bytes){ largest, 4 };
	assert_false(patch_read_number(&bytes, &number));
}

/* ---- what does not fit ---- */

static void refuse(const struct sections *sections, const char *word)
{
	struct error err = {};
	_cleanup_free_ char *out = malloc(8); /* a byte outside of it is seen by ASan */

	check_error(apply(sections, 8, out, &err), &err, FAULT_CORRUPT, word);
}

static void start(struct sections *ret_sections, uint64_t copy, uint64_t extra, int64_t seek)
{
	*ret_sections = (struct sections){};
	sections_number(ret_sections, PATCH_CONTROL, 0);
	sections_step(ret_sections, copy, extra, seek);
}

static void test_refuses_what_leaves_the_base_or_the_block(void **state)
{
	static const struct {
		uint64_t copy, extra;
		int64_t seek;
	} steps[] = {
		{ 9, 0, 0 },
		{ 8, 0, -1 },
		{ 8, 0, BASE_SIZE - 7 },
		{ 0, 8, BASE_SIZE + 1 },
		{ 8, 0, INT64_MIN },
		{ 8, 0, INT64_MAX },
		{ UINT64_MAX, 0, 4 },
		{ UINT64_MAX - 2, 0, 4 },
	};
	struct sections sections;

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		start(&sections, steps[i].copy, steps[i].extra, steps[i].seek);
		sections_text(&sections, "12345678");
		refuse(&sections, "not there");
	}
	start(&sections, 0, 9, 0);
	sections_text(&sections, "123456789");
	refuse(&sections, "more new bytes");
	start(&sections, 4, UINT64_MAX, 0);
	sections_text(&sections, "1234");
	refuse(&sections, "more new bytes");
	start(&sections, 4, 4, 0);
	sections_text(&sections, "123");
	refuse(&sections, "more new bytes");
}

static void test_refuses_what_is_left_over(void **state)
{
	struct sections sections;

	for (enum patch_section i = 0; i < PATCH_SECTION_MAX; i++) {
		start(&sections, 8, 0, 0);
		sections_byte(&sections, i, 9);
		if (i != PATCH_GAPS)
			refuse(&sections, "more than is needed");
		else
			refuse(&sections, "behind its end");
	}
	start(&sections, 8, 0, 0);
	sections_number(&sections, PATCH_GAPS, UINT64_MAX);
	sections_number(&sections, PATCH_GAPS, 0);
	refuse(&sections, "more than is needed");
}

static void test_refuses_what_is_missing_or_unknown(void **state)
{
	struct sections sections;

	start(&sections, 4, 0, 0);
	refuse(&sections, "cut short"); /* no further step */
	start(&sections, 8, 0, 0);
	sections_number(&sections, PATCH_GAPS, 0);
	refuse(&sections, "choice");
	sections_byte(&sections, PATCH_CHOICES, PATCH_VALUE + 1);
	refuse(&sections, "choice");
	sections.bytes[PATCH_CHOICES][0] = PATCH_VALUE;
	refuse(&sections, "cut short");
	start(&sections, 8, 0, 0);
	sections_number(&sections, PATCH_GAPS, 5);
	sections_number(&sections, PATCH_VALUES, 256);
	refuse(&sections, "byte that is too large");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies_and_adds),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_guesses),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_refuses_what_leaves_the_base_or_the_block),
		cmocka_unit_test(test_refuses_what_is_left_over),
		cmocka_unit_test(test_refuses_what_is_missing_or_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
