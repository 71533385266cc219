/* LDFLAGS: -Wl,--wrap=pthread_create */
#include "base/crew.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "../base/check.h"
#include "no-threads.h"

#define COUNT 1000

struct things {
	atomic_uint done[COUNT];
	pthread_t caller;
	size_t fail_at;
};

static int work(void *data, unsigned int hand, size_t i, struct error *err)
{
	struct things *things = data;

	if ((hand == 0) != (pthread_equal(pthread_self(), things->caller) != 0))
		return error_set(err, FAULT_INTERNAL, "the wrong hand");
	atomic_fetch_add(&things->done[i], 1);
	return i == things->fail_at ? error_set(err, FAULT_CORRUPT, "thing %zu", i) : 0;
}

static void check_all_done(size_t count)
{
	struct things things = { .caller = pthread_self(), .fail_at = COUNT };
	const struct crew_job job = { .count = count, .work = work, .data = &things };

	assert_int_equal(crew_run(&job, NULL), 0);
	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(atomic_load(&things.done[i]), i < count);
}

static void test_each_thing_once(void **state)
{
	for (no_threads = false;; no_threads = true) {
		check_all_done(0);
		check_all_done(1);
		check_all_done(COUNT);
		if (no_threads)
			break;
	}
	no_threads = false;
}

static void test_a_failure_ends_it(void **state)
{
	for (int i = 0; i < 100; i++) {
		struct things things = { .caller = pthread_self(), .fail_at = (size_t)i };
		const struct crew_job job = { .count = COUNT, .work = work, .data = &things };
		struct error err = {};

		check_error(crew_run(&job, &err), &err, FAULT_CORRUPT, "thing");
		assert_int_equal(crew_run(&job, NULL) < 0, true);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_each_thing_once),
		check_in_dir(test_a_failure_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
