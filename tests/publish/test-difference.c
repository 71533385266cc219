#include "publish/difference.h"

#include "../base/check.h"

#define SIZE 20000

static uint8_t old[SIZE];
static struct guess guess;

static int fill(void **state)
{
	for (size_t i = 0; i < SIZE; i++)
		old[i] = (uint8_t)check_random();
	return 0;
}

/* What the sections make of the old file. */
static void check_back(const struct difference *difference, const uint8_t *bytes, size_t size)
{
	struct patch_bytes sections[PATCH_SECTION_MAX];
	_cleanup_free_ uint8_t *out = malloc(size);
	struct error err = {};

	assert_non_null(out);
	for (size_t i = 0; i < PATCH_SECTION_MAX; i++)
		sections[i] = (struct patch_bytes){
			(const uint8_t *)difference->sections[i].data,
			difference->sections[i].size,
		};
	if (patch_apply(sections, old, SIZE, &guess, out, size, &err) < 0)
		fail_msg("%s", err.text);
	assert_memory_equal(out, bytes, size);
}

/* Any steps that cover the bytes are right, good ones or not. */
static void test_back_again(void **state)
{
	for (int i = 0; i < 300; i++) {
		_cleanup_difference_ struct difference difference = {};
		struct match_step steps[20];
		uint8_t bytes[4000];
		size_t size = 0, n = 1 + check_below(ARRAY_SIZE(steps));

		for (size_t j = 0; j < n; j++) {
			size_t copy = check_below(100), extra = check_below(100);

			steps[j] = (struct match_step){ check_below(SIZE - 100), copy, extra };
			for (size_t k = 0; k < copy + extra; k++, size++)
				bytes[size] = k < copy && check_below(5) > 0 ?
						      old[steps[j].old_at + k] :
						      (uint8_t)check_random();
		}
		if (size == 0)
			continue;
		assert_int_equal(difference_make(&difference, steps, n, old, SIZE, bytes,
						 check_below(1000000), NULL),
				 0);
		check_back(&difference, bytes, size);
	}
}

/* A table of addresses, all of which have moved by the same: one value, the rest is guessed. */
static void test_addresses_are_guessed(void **state)
{
	_cleanup_difference_ struct difference difference = {};
	const struct match_step step = { 0, SIZE, 0 };
	uint8_t bytes[SIZE];

	for (size_t i = 0; i < SIZE; i += 4) {
		uint32_t before = SIZE + (uint32_t)i, after = before + 0x1234;

		memcpy(old + i, &before, 4);
		memcpy(bytes + i, &after, 4);
	}
	assert_int_equal(difference_make(&difference, &step, 1, old, SIZE, bytes, 0, NULL), 0);
	assert_true(difference.sections[PATCH_VALUES].size < 100);
	assert_int_equal(difference.sections[PATCH_EXTRA].size, 0);
	check_back(&difference, bytes, SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_back_again),
		cmocka_unit_test(test_addresses_are_guessed),
	};

	return cmocka_run_group_tests(tests, fill, NULL);
}
