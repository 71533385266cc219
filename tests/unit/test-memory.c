/* What a service uses: all of its processes, and nothing of the page cache. */
#include "unit/memory.h"

#include "fixture.h"

#include "running.h"

#define MIB (1024ULL * 1024)

static void what_no_process_uses(void **state UNUSED)
{
	assert_int_equal(memory_of(""), 0);
	assert_int_equal(memory_of("/no/such/group"), 0);
}

static void what_a_service_uses(void **state UNUSED)
{
	_cleanup_(manager_freep) struct manager *manager = fixture_manager();
	_cleanup_unit_ struct unit unit = {};
	uint64_t used = 0;

	running_start(
		manager, "memory-a.service",
		"[Service]\nExecStart=/usr/bin/python3 -c \"import os, time; x = b'x' * 30000000; "
		"os.fork(); y = b'y' * 10000000; time.sleep(1000)\"\n",
		&unit);
	for (int i = 0; i < 200 && used < 50 * MIB; i++) {
		fixture_sleep_ms(50);
		used = memory_of(unit.control_group);
	}
	assert_in_range(used, 50 * MIB, 150 * MIB); /* of both processes */
	fixture_systemctl("stop memory-a.service");
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DIR(what_no_process_uses),
		WITH_DIR(what_a_service_uses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
