#include "publish/pool.h"

#include <pthread.h>

#include "../base/check.h"

#define JOBS 1000

struct work {
	struct pool *pool;
	pthread_mutex_t mutex;
	unsigned int done;
	unsigned int fail_at; /* 0: never */
	bool grows;
};

static int run(void *data, struct error *err)
{
	struct work *work = data;
	unsigned int mine;

	(void)pthread_mutex_lock(&work->mutex);
	mine = ++work->done;
	(void)pthread_mutex_unlock(&work->mutex);
	if (work->fail_at > 0 && mine >= work->fail_at)
		return error_set(err, FAULT_NO_SPACE, "job %u", mine);
	if (work->grows && mine <= JOBS / 2)
		return pool_add(work->pool, run, work, err);
	return 0;
}

static int work_off(struct work *work, unsigned int threads, unsigned int jobs, struct error *err)
{
	int r;

	(void)pthread_mutex_init(&work->mutex, NULL);
	assert_int_equal(pool_new(threads, &work->pool, NULL), 0);
	for (unsigned int i = 0; i < jobs; i++)
		assert_int_equal(pool_add(work->pool, run, work, NULL), 0);
	r = pool_work(work->pool, NULL, NULL, err);
	pool_free(work->pool);
	return r;
}

static void test_all_jobs_are_done(void **state)
{
	static const unsigned int threads[] = { 0, 1, 2, 7, POOL_THREADS_MAX + 1 };

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		struct work work = {};

		assert_int_equal(work_off(&work, threads[i], JOBS, NULL), 0);
		assert_int_equal(work.done, JOBS);
	}
}

static void test_jobs_of_jobs(void **state)
{
	struct work work = { .grows = true };

	assert_int_equal(work_off(&work, 4, JOBS, NULL), 0);
	assert_int_equal(work.done, JOBS + JOBS / 2);
}

static void test_the_first_failure_ends_it(void **state)
{
	struct work work = { .fail_at = 10 };
	struct error err = {};

	check_error(work_off(&work, 3, JOBS, &err), &err, FAULT_NO_SPACE, "job 1");
	assert_true(work.done < 20);
}

static void test_nothing_to_do(void **state)
{
	struct work work = {};

	assert_int_equal(work_off(&work, 2, 0, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_jobs_are_done),
		cmocka_unit_test(test_jobs_of_jobs),
		cmocka_unit_test(test_the_first_failure_ends_it),
		cmocka_unit_test(test_nothing_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
