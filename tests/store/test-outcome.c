#include "store/outcome.h"

#include "../base/check.h"

static void names_are_unique_and_come_back(void **state)
{
	for (int i = 0; i < OUTCOME_MAX; i++) {
		const char *text = outcome_name((enum outcome)i);

		assert_int_equal(outcome_from_name(text), i);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(text, outcome_name((enum outcome)j));
	}
}

static void what_is_none_is_told(void **state)
{
	assert_int_equal(outcome_from_name("nonsense"), OUTCOME_NONE);
	assert_int_equal(outcome_from_name(""), OUTCOME_NONE);
	assert_string_equal(outcome_name(OUTCOME_MAX), "unknown");
	assert_string_equal(outcome_name((enum outcome) - 1), "unknown");
}

/* Seen on disk, in the journal and in JSON: a name never changes. */
static void names_are_the_published_ones(void **state)
{
	assert_string_equal(outcome_name(OUTCOME_NONE), "none");
	assert_string_equal(outcome_name(OUTCOME_COMMITTED), "committed");
	assert_string_equal(outcome_name(OUTCOME_REFUSED), "refused");
	assert_string_equal(outcome_name(OUTCOME_CANCELLED), "cancelled");
	assert_string_equal(outcome_name(OUTCOME_FAILED), "failed");
	assert_string_equal(outcome_name(OUTCOME_FAILED_FIRST), "failed-first");
	assert_string_equal(outcome_name(OUTCOME_ROLLED_BACK), "rolled-back");
	assert_string_equal(outcome_name(OUTCOME_ROLLED_BACK_UNHEALTHY), "rolled-back-unhealthy");
	assert_string_equal(outcome_name(OUTCOME_BOTH_BAD), "both-bad");
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
