#include "publish/shares.h"

#include "release/bundle.h"

#include "../base/check.h"

#define KIB 1024U

/* What becomes of each part, as a letter: solid, inlined, blocks. */
static const char *choose(struct shares_part *parts, size_t n, enum shares_policy policy)
{
	static const char letters[] = {
		[SHARE_BLOCKS] = 'b', [SHARE_INLINED] = 'i', [SHARE_SOLID] = 's'
	};
	static char text[16];

	assert_int_equal(shares_choose(parts, n, policy, NULL), 0);
	for (size_t i = 0; i < n; i++)
		text[i] = letters[parts[i].share];
	text[n] = '\0';
	return text;
}

static void test_policies(void **state)
{
	struct shares_part parts[] = {
		{ .size = 100, .packed = 50, .base = 90, .solid_base = 90 },
		{ .size = 200, .packed = 20, .base = 200, .solid_base = 200, .is_patch = true },
		{ .size = BUNDLE_SOLID_MAX, .packed = 10, .base = 1, .is_patch = true },
		{ .size = 300 * KIB, .packed = 300 * KIB },
	};

	assert_string_equal(choose(parts, 4, SHARES_SOLID), "ssis");
	assert_string_equal(choose(parts, 4, SHARES_WIDE), "ssis");
	assert_string_equal(choose(parts, 4, SHARES_MIXED), "siis");
	assert_string_equal(choose(parts, 4, SHARES_APART), "iiib");
	assert_string_equal(choose(parts, 4, SHARES_LONG), "ssss");
}

/* The smallest first, and nothing beyond what a device takes. */
static void test_bounds(void **state)
{
	struct shares_part solid[] = {
		{ .size = BUNDLE_SOLID_MAX - 5, .packed = SHARES_INLINED_MAX + 1 },
		{ .size = 10, .packed = 1 },
	};
	struct shares_part bases[] = {
		{ .size = 10, .packed = 1, .solid_base = BUNDLE_SOLID_MAX },
		{ .size = 11, .packed = 1, .solid_base = 1 },
	};
	struct shares_part inlined[] = {
		{ .size = BUNDLE_INLINED_MAX, .packed = 100 },
		{ .size = 10, .packed = 2, .base = BUNDLE_INLINED_MAX },
		{ .size = 1, .packed = 200, .base = 1 },
		{ .size = BUNDLE_SOLID_MAX + 1, .packed = 1 },
	};

	struct shares_part many[] = {
		{ .size = BUNDLE_LONG_MAX + 1, .packed = 1 },
		{ .size = BLOCK_SIZE, .packed = 2, .solid_base = BUNDLE_LONG_MAX - 511 },
		{ .size = 1, .packed = 3, .solid_base = 2 },
		{ .size = 4 * KIB, .packed = SHARES_LONG_PACKED_MAX - 4 },
	};

	assert_string_equal(choose(many, 4, SHARES_LONG), "biss");
	assert_string_equal(choose(solid, 2, SHARES_SOLID), "bs");
	assert_string_equal(choose(bases, 2, SHARES_SOLID), "si");
	assert_string_equal(choose(inlined, 4, SHARES_APART), "bibi");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policies),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
