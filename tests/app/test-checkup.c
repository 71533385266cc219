/* What doctor makes of a clock; the rest is played against a real systemd: tests/system/test-doctor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app/checkup.h"

static void a_clock_before_the_build_is_wrong(void **state)
{
	(void)state;
	assert_non_null(checkup_judge_clock(0, 1700000000));
	assert_non_null(checkup_judge_clock(1699999999, 1700000000));
	assert_null(checkup_judge_clock(1700000000, 1700000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clock_before_the_build_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
