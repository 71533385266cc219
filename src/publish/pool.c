#include "publish/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

struct job {
	struct job *next;
	pool_run run;
	void *data;
};

struct pool {
	pthread_mutex_t mutex;
	pthread_cond_t changed; /* a job came, or the last one is done, or one failed */
	struct job *jobs;
	unsigned int threads;
	unsigned int busy;
	int code; /* < 0: the first failure */
	struct error error;
};

int pool_new(unsigned int threads, struct pool **ret_pool, struct error *err)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return error_errno(err, "starting threads");
	pool->threads = threads < 1 ? 1 : threads;
	if (pool->threads > POOL_THREADS_MAX)
		pool->threads = POOL_THREADS_MAX;
	(void)pthread_mutex_init(&pool->mutex, NULL);
	(void)pthread_cond_init(&pool->changed, NULL);
	*ret_pool = pool;
	return 0;
}

static void forget(struct pool *pool)
{
	while (pool->jobs) {
		struct job *next = pool->jobs->next;

		free(pool->jobs);
		pool->jobs = next;
	}
}

void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	forget(pool);
	(void)pthread_cond_destroy(&pool->changed);
	(void)pthread_mutex_destroy(&pool->mutex);
	free(pool);
}

int pool_add(struct pool *pool, pool_run run, void *data, struct error *err)
{
	struct job *job = malloc(sizeof(*job));

	if (!job)
		return error_errno(err, "starting a job");
	*job = (struct job){ .run = run, .data = data };
	(void)pthread_mutex_lock(&pool->mutex);
	job->next = pool->jobs;
	pool->jobs = job;
	(void)pthread_cond_signal(&pool->changed);
	(void)pthread_mutex_unlock(&pool->mutex);
	return 0;
}

static bool is_over(const struct pool *pool)
{
	return pool->busy == 0 && (!pool->jobs || pool->code < 0);
}

/* With the mutex held, which is given up meanwhile. */
static void run_one(struct pool *pool)
{
	struct job *job = pool->jobs;
	struct error error = {};
	int r;

	pool->jobs = job->next;
	pool->busy++;
	(void)pthread_mutex_unlock(&pool->mutex);
	r = job->run(job->data, &error);
	free(job);
	(void)pthread_mutex_lock(&pool->mutex);
	pool->busy--;
	if (r < 0 && pool->code == 0) {
		pool->code = r;
		pool->error = error;
	}
	(void)pthread_cond_broadcast(&pool->changed);
}

static void *work(void *data)
{
	struct pool *pool = data;

	(void)pthread_mutex_lock(&pool->mutex);
	while (!is_over(pool) && pool->code == 0)
		if (pool->jobs)
			run_one(pool);
		else
			(void)pthread_cond_wait(&pool->changed, &pool->mutex);
	(void)pthread_mutex_unlock(&pool->mutex);
	return NULL;
}

static void wait_for_end(struct pool *pool, void (*tick)(void *data), void *data)
{
	(void)pthread_mutex_lock(&pool->mutex);
	while (!is_over(pool)) {
		struct timespec until;

		(void)clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += POOL_TICK_USEC * 1000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		(void)pthread_cond_timedwait(&pool->changed, &pool->mutex, &until);
		(void)pthread_mutex_unlock(&pool->mutex);
		if (tick)
			tick(data);
		(void)pthread_mutex_lock(&pool->mutex);
	}
	(void)pthread_mutex_unlock(&pool->mutex);
}

int pool_work(struct pool *pool, void (*tick)(void *data), void *data, struct error *err)
{
	pthread_t threads[POOL_THREADS_MAX];
	unsigned int n = 0;
	int code = 0;

	while (code == 0 && n < pool->threads) {
		code = pthread_create(&threads[n], NULL, work, pool);
		n += code == 0;
	}
	if (n == 0)
		return error_code(err, -code, "starting threads");
	wait_for_end(pool, tick, data);
	for (unsigned int i = 0; i < n; i++)
		(void)pthread_join(threads[i], NULL);
	forget(pool);
	code = pool->code;
	pool->code = 0;
	if (code < 0 && err)
		*err = pool->error;
	return code;
}
