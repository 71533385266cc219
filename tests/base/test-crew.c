/* LDFLAGS: -Wl,--wrap=pthread_create */
#include "base/crew.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "../base/check.h"
#include "no-threads.h"

#define COUNT 1000

struct things {
	atomic_uint done[COUNT];
	pthread_t caller;
	size_t fail_at;
	size_t last[CREW_HANDS]; /* one more than each hand's last thing; 0: none */
	bool from_both_ends;
	bool waits; /* the caller's hand, for the other one to have done something: else it may do all before that has begun */
	atomic_bool is_helped;
};

/* The caller's hand goes up in any case, the other one only where both begin at the front. */
static bool is_its_way(struct things *things, unsigned int hand, size_t i)
{
	size_t last = things->last[hand];

	things->last[hand] = i + 1;
	return last == 0 || (things->from_both_ends && hand == 1 ? i + 1 < last : i + 1 > last);
}

static int work(void *data, unsigned int hand, size_t i, struct error *err)
{
	struct things *things = data;

	if ((hand == 0) != (pthread_equal(pthread_self(), things->caller) != 0))
		return error_set(err, FAULT_INTERNAL, "the wrong hand");
	if (!is_its_way(things, hand, i))
		return error_set(err, FAULT_INTERNAL, "the wrong way");
	if (hand == 1)
		atomic_store(&things->is_helped, true);
	while (things->waits && hand == 0 && !atomic_load(&things->is_helped))
		(void)sched_yield();
	atomic_fetch_add(&things->done[i], 1);
	return i == things->fail_at ? error_set(err, FAULT_CORRUPT, "thing %zu", i) : 0;
}

static void check_all_done(size_t count, bool from_both_ends)
{
	struct things things = {
		.caller = pthread_self(),
		.fail_at = COUNT,
		.from_both_ends = from_both_ends,
		.waits = count > 1 && !no_threads,
	};
	const struct crew_job job = {
		.count = count,
		.work = work,
		.data = &things,
		.from_both_ends = from_both_ends,
	};

	assert_int_equal(crew_run(&job, NULL), 0);
	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(atomic_load(&things.done[i]), i < count);
}

static void test_each_thing_once(void **state)
{
	for (no_threads = false;; no_threads = true) {
		for (int ends = 0; ends < 2; ends++) {
			check_all_done(0, ends);
			check_all_done(1, ends);
			check_all_done(COUNT, ends);
		}
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
