#include "base/fault.h"

#include "check.h"

static void names_are_unique_and_come_back(void **state)
{
	for (int i = 0; i < FAULT_MAX; i++) {
		assert_int_equal(fault_from_name(fault_name((enum fault)i)), i);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(fault_name((enum fault)i),
						fault_name((enum fault)j));
	}
	assert_int_equal(fault_from_name("nonsense"), FAULT_NONE);
	assert_string_equal(fault_name(FAULT_NO_SPACE), "no-space");
}

/* The contract of docs/CLI.md. */
static void exit_statuses_are_the_published_ones(void **state)
{
	static const int wanted[FAULT_MAX] = {
		[FAULT_NONE] = 0,    [FAULT_NETWORK] = 4,    [FAULT_UNTRUSTED] = 5,
		[FAULT_CORRUPT] = 6, [FAULT_STALE] = 7,	     [FAULT_NO_SPACE] = 8,
		[FAULT_UNIT] = 9,    [FAULT_UNHEALTHY] = 10, [FAULT_BUSY] = 11,
		[FAULT_CONFIG] = 3,  [FAULT_INTERNAL] = 1,
	};

	for (int i = 0; i < FAULT_MAX; i++)
		assert_int_equal(fault_exit_status((enum fault)i), wanted[i]);
}

static void an_unknown_fault_is_internal(void **state)
{
	assert_int_equal(fault_exit_status((enum fault)77), 1);
	assert_string_equal(fault_name((enum fault)77), "internal");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_unique_and_come_back),
		cmocka_unit_test(exit_statuses_are_the_published_ones),
		cmocka_unit_test(an_unknown_fault_is_internal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
