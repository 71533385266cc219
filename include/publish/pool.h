/*
 * Threads that work off jobs. The latest job comes first, so that what a job adds is done before new ones begin.
 */
#pragma once

#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

#define POOL_THREADS_MAX 64
#define POOL_TICK_USEC	 250000

struct pool;

/* Runs in any thread, side by side with others. */
typedef int (*pool_run)(void *data, struct error *err);

/* threads: 1 to POOL_THREADS_MAX, others are taken as the nearest. */
int pool_new(unsigned int threads, struct pool **ret_pool, struct error *err);
void pool_free(struct pool *pool);
CLEANUP_DEFINE(struct pool, pool_free);

/* From anywhere, also from a job. */
int pool_add(struct pool *pool, pool_run run, void *data, struct error *err);

/*
 * Until no job is left, or until one failed: then those under way end, the rest is forgotten, and the first failure is
 * the result. tick (may be NULL) is called by this thread every now and then.
 */
int pool_work(struct pool *pool, void (*tick)(void *data), void *data, struct error *err);
