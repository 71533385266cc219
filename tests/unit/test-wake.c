/* A timer that starts a unit once. */
#include "unit/wake.h"

#include "fixture.h"

static void it_starts_the_unit_when_its_time_has_come(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	uint64_t at = clock_realtime_usec() + 4 * USEC_PER_SEC;
	struct error err = {};

	fixture_unit(manager, "woken.service",
		     "[Service]\nType=oneshot\nExecStart=/bin/touch /run/woken\n");
	check_ok(wake_at(manager, "test-wake", "woken.service", at, &err), &err);
	check_ok(wake_at(manager, "test-wake", "woken.service", at, &err), &err); /* again */
	assert_int_equal(access("/run/woken", F_OK), -1);
	for (int i = 0; i < 600 && access("/run/woken", F_OK) < 0; i++)
		check_ok(manager_wait(manager, -1, 100 * USEC_PER_MSEC, &err), &err);
	assert_int_equal(access("/run/woken", F_OK), 0);
	assert_true(clock_realtime_usec() >= at - at % USEC_PER_SEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_starts_the_unit_when_its_time_has_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
