#include "store/slot.h"

#include "../base/check.h"

static void names_are_the_published_ones(void **state)
{
	assert_string_equal(slot_name(SLOT_A), "a");
	assert_string_equal(slot_name(SLOT_B), "b");
	assert_string_equal(slot_name(SLOT_NONE), "none");
	assert_string_equal(slot_dir_name(SLOT_A), "slots/a");
	assert_string_equal(slot_dir_name(SLOT_B), "slots/b");
	assert_string_equal(slot_seal_name(SLOT_A), "slots/a.seal");
	assert_string_equal(slot_seal_name(SLOT_B), "slots/b.seal");
}

/* A wrong slot must never make the path of a right one. */
static void no_slot_has_no_path(void **state)
{
	static const enum slot wrong[] = { SLOT_NONE, SLOT_MAX, (enum slot)77 };

	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(slot_dir_name(wrong[i]), "none");
		assert_string_equal(slot_seal_name(wrong[i]), "none");
		assert_string_equal(slot_name(wrong[i]), "none");
		assert_int_equal(slot_other(wrong[i]), SLOT_NONE);
	}
}

static void names_come_back(void **state)
{
	assert_int_equal(slot_from_name("a"), SLOT_A);
	assert_int_equal(slot_from_name("b"), SLOT_B);
	assert_int_equal(slot_from_name("none"), SLOT_NONE);
	assert_int_equal(slot_from_name("A"), SLOT_NONE);
	assert_int_equal(slot_from_name(""), SLOT_NONE);
}

static void the_other_of_the_other_is_the_one(void **state)
{
	assert_int_equal(slot_other(SLOT_A), SLOT_B);
	assert_int_equal(slot_other(SLOT_B), SLOT_A);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_the_published_ones),
		cmocka_unit_test(no_slot_has_no_path),
		cmocka_unit_test(names_come_back),
		cmocka_unit_test(the_other_of_the_other_is_the_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
