#include "install/meter.h"

#include "../base/check.h"

struct seen {
	enum stage_step step;
	uint64_t done, total;
	bool stop;
};

static int progress(void *data, enum stage_step step, uint64_t done, uint64_t total,
		    struct error *err)
{
	struct seen *seen = data;

	seen->step = step;
	seen->done = done;
	seen->total = total;
	return seen->stop ? error_set(err, FAULT_BUSY, "stopped") : 0;
}

static void test_counts_and_tells(void **state)
{
	struct seen seen = {};
	const struct stage_listener listener = { progress, &seen };
	struct meter meter = { .listener = &listener };

	assert_int_equal(meter_begin(&meter, STAGE_CLONE, 100, NULL), 0);
	assert_int_equal(seen.step, STAGE_CLONE);
	assert_int_equal(meter_count(&meter, 30, NULL), 0);
	assert_int_equal(seen.done, 0);
	assert_int_equal(meter_tell(&meter, 20, NULL), 0);
	assert_int_equal(seen.done, 50);
	assert_int_equal(meter_tell(&meter, 500, NULL), 0);
	assert_int_equal(seen.done, 100);
	assert_int_equal(meter_end(&meter, NULL), 0);
	assert_int_equal(seen.done, seen.total);
}

/* The other hand hears of it at its next bytes. */
static void test_stops_both_hands(void **state)
{
	struct seen seen = {};
	const struct stage_listener listener = { progress, &seen };
	struct meter meter = { .listener = &listener };
	struct error err = {};

	assert_int_equal(meter_begin(&meter, STAGE_VERIFY, 100, NULL), 0);
	seen.stop = true;
	assert_int_equal(meter_count(&meter, 1, NULL), 0);
	check_error(meter_tell(&meter, 1, &err), &err, FAULT_BUSY, "stopped");
	assert_true(meter_count(&meter, 1, NULL) < 0);
}

static void test_nobody_listens(void **state)
{
	struct meter meter = {};

	assert_int_equal(meter_begin(&meter, STAGE_SYNC, 1, NULL), 0);
	assert_int_equal(meter_tell(&meter, 1, NULL), 0);
	assert_int_equal(meter_end(&meter, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_counts_and_tells),
		check_in_dir(test_stops_both_hands),
		check_in_dir(test_nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
