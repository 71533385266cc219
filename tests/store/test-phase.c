#include "store/phase.h"

#include "../base/check.h"

static void names_are_unique_and_come_back(void **state)
{
	for (int i = 0; i < PHASE_MAX; i++) {
		const char *text = phase_name((enum phase)i);

		assert_int_equal(phase_from_name(text), i);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(text, phase_name((enum phase)j));
	}
}

static void what_is_none_is_told(void **state)
{
	assert_int_equal(phase_from_name("nonsense"), PHASE_MAX);
	assert_int_equal(phase_from_name(""), PHASE_MAX);
	assert_string_equal(phase_name(PHASE_MAX), "unknown");
	assert_string_equal(phase_name((enum phase) - 1), "unknown");
}

/* Seen on disk: a name never changes. */
static void names_are_the_published_ones(void **state)
{
	assert_string_equal(phase_name(PHASE_IDLE), "idle");
	assert_string_equal(phase_name(PHASE_STAGING), "staging");
	assert_string_equal(phase_name(PHASE_STAGED), "staged");
	assert_string_equal(phase_name(PHASE_SWITCHING), "switching");
	assert_string_equal(phase_name(PHASE_TRIAL), "trial");
	assert_string_equal(phase_name(PHASE_WATCHING), "watching");
	assert_string_equal(phase_name(PHASE_REVERTING), "reverting");
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
