#include "store/verb.h"

#include "../base/check.h"

static void names_are_unique_and_come_back(void **state)
{
	for (int i = 0; i < VERB_MAX; i++) {
		const char *text = verb_name((enum verb)i);

		assert_int_equal(verb_from_name(text), i);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(text, verb_name((enum verb)j));
	}
}

static void what_is_none_is_told(void **state)
{
	assert_int_equal(verb_from_name("nonsense"), VERB_NONE);
	assert_int_equal(verb_from_name(""), VERB_NONE);
	assert_string_equal(verb_name(VERB_MAX), "unknown");
	assert_string_equal(verb_name((enum verb) - 1), "unknown");
}

/* Seen on disk: a name never changes. */
static void names_are_the_published_ones(void **state)
{
	assert_string_equal(verb_name(VERB_NONE), "none");
	assert_string_equal(verb_name(VERB_INSTALL), "install");
	assert_string_equal(verb_name(VERB_SWITCH), "switch");
	assert_string_equal(verb_name(VERB_ROLLBACK), "rollback");
	assert_string_equal(verb_name(VERB_HOLD), "hold");
	assert_string_equal(verb_name(VERB_UNHOLD), "unhold");
	assert_string_equal(verb_name(VERB_CANCEL), "cancel");
	assert_string_equal(verb_name(VERB_FORGIVE), "forgive");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_unique_and_come_back),
		cmocka_unit_test(what_is_none_is_told),
		cmocka_unit_test(names_are_the_published_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
