#include "install/hasher.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_BYTES ((size_t)256 * 1024)
#define BATCH_ENDS  256
#define BATCHES	    2

/* Bytes of one file after the other, and where each of them ends. */
struct batch {
	uint8_t bytes[BATCH_BYTES];
	size_t filled;
	struct {
		size_t at;
		struct digest *digest;
	} ends[BATCH_ENDS];
	size_t n_ends;
	bool is_due; /* the thread's; otherwise the caller's */
};

struct hasher {
	struct batch batches[BATCHES];
	unsigned int filling; /* the one that the caller fills */
	struct digester *digester;
	int code; /* < 0: it has failed, err says why */
	struct error err;
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t mutex; /* for is_due and stopped */
	pthread_cond_t changed;
	bool stopped;
};

/* ---- in the thread ---- */

static int add(const struct hasher *hasher, const struct batch *batch, size_t from, size_t to,
	       struct error *err)
{
	return digester_update(hasher->digester, batch->bytes + from, to - from, err);
}

static int end(const struct hasher *hasher, struct digest *ret_digest, struct error *err)
{
	int r = digester_finish(hasher->digester, ret_digest, err);

	return r < 0 ? r : digester_reset(hasher->digester, err);
}

static int digest_batch(struct hasher *hasher, const struct batch *batch, struct error *err)
{
	size_t at = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < batch->n_ends; i++) {
		r = add(hasher, batch, at, batch->ends[i].at, err);
		at = batch->ends[i].at;
		if (r == 0)
			r = end(hasher, batch->ends[i].digest, err);
	}
	return r < 0 ? r : add(hasher, batch, at, batch->filled, err);
}

static void work_off(struct hasher *hasher, struct batch *batch)
{
	if (hasher->code == 0)
		hasher->code = digest_batch(hasher, batch, &hasher->err);
	batch->filled = 0;
	batch->n_ends = 0;
}

static bool wait_for_batch(struct hasher *hasher, const struct batch *batch)
{
	bool due;

	pthread_mutex_lock(&hasher->mutex);
	while (!batch->is_due && !hasher->stopped)
		pthread_cond_wait(&hasher->changed, &hasher->mutex);
	due = !hasher->stopped;
	pthread_mutex_unlock(&hasher->mutex);
	return due;
}

static void give(struct hasher *hasher, struct batch *batch, bool due)
{
	pthread_mutex_lock(&hasher->mutex);
	batch->is_due = due;
	pthread_cond_broadcast(&hasher->changed);
	pthread_mutex_unlock(&hasher->mutex);
}

static void *run(void *data)
{
	struct hasher *hasher = data;

	for (unsigned int i = 0; wait_for_batch(hasher, &hasher->batches[i]);
	     i = (i + 1) % BATCHES) {
		work_off(hasher, &hasher->batches[i]);
		give(hasher, &hasher->batches[i], false);
	}
	return NULL;
}

/* ---- the caller's ---- */

/* Signals are for the threads that were there before. */
static void start(struct hasher *hasher)
{
	sigset_t all;
	sigset_t before;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	hasher->has_thread = pthread_create(&hasher->thread, NULL, run, hasher) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

int hasher_new(struct hasher **ret_hasher, struct error *err)
{
	_cleanup_(hasher_freep) struct hasher *hasher = calloc(1, sizeof(*hasher));
	int r;

	if (!hasher)
		return error_errno(err, "writing a tree");
	(void)pthread_mutex_init(&hasher->mutex, NULL);
	(void)pthread_cond_init(&hasher->changed, NULL);
	r = digester_new(&hasher->digester, err);
	if (r < 0)
		return r;
	start(hasher);
	*ret_hasher = TAKE_PTR(hasher);
	return 0;
}

void hasher_free(struct hasher *hasher)
{
	if (!hasher)
		return;
	pthread_mutex_lock(&hasher->mutex);
	hasher->stopped = true;
	pthread_cond_broadcast(&hasher->changed);
	pthread_mutex_unlock(&hasher->mutex);
	if (hasher->has_thread)
		(void)pthread_join(hasher->thread, NULL);
	(void)pthread_cond_destroy(&hasher->changed);
	(void)pthread_mutex_destroy(&hasher->mutex);
	digester_free(hasher->digester);
	free(hasher);
}

/* The batch is the caller's again. */
static void wait_until_done(struct hasher *hasher, const struct batch *batch)
{
	pthread_mutex_lock(&hasher->mutex);
	while (batch->is_due)
		pthread_cond_wait(&hasher->changed, &hasher->mutex);
	pthread_mutex_unlock(&hasher->mutex);
}

static void hand_over(struct hasher *hasher)
{
	struct batch *batch = &hasher->batches[hasher->filling];

	if (!hasher->has_thread) {
		work_off(hasher, batch);
		return;
	}
	give(hasher, batch, true);
	hasher->filling = (hasher->filling + 1) % BATCHES;
	wait_until_done(hasher, &hasher->batches[hasher->filling]);
}

/* Room for so many bytes at most, at least one. */
static uint8_t *make_room(struct hasher *hasher, uint64_t size, size_t *ret_size)
{
	struct batch *batch = &hasher->batches[hasher->filling];
	size_t left;

	if (batch->filled == BATCH_BYTES) {
		hand_over(hasher);
		batch = &hasher->batches[hasher->filling];
	}
	left = BATCH_BYTES - batch->filled;
	*ret_size = size < left ? (size_t)size : left;
	batch->filled += *ret_size;
	return batch->bytes + batch->filled - *ret_size;
}

void hasher_add(struct hasher *hasher, const void *bytes, size_t size)
{
	const uint8_t *next = bytes;

	while (size > 0) {
		size_t n;
		uint8_t *room = make_room(hasher, size, &n);

		memcpy(room, next, n);
		next += n;
		size -= n;
	}
}

void hasher_add_zeroes(struct hasher *hasher, uint64_t size)
{
	while (size > 0) {
		size_t n;
		uint8_t *room = make_room(hasher, size, &n);

		memset(room, 0, n);
		size -= n;
	}
}

void hasher_end(struct hasher *hasher, struct digest *ret_digest)
{
	struct batch *batch = &hasher->batches[hasher->filling];

	batch->ends[batch->n_ends].at = batch->filled;
	batch->ends[batch->n_ends].digest = ret_digest;
	if (++batch->n_ends == BATCH_ENDS)
		hand_over(hasher);
}

int hasher_settle(struct hasher *hasher, struct error *err)
{
	hand_over(hasher);
	for (unsigned int i = 0; i < BATCHES; i++)
		wait_until_done(hasher, &hasher->batches[i]);
	if (hasher->code < 0 && err)
		*err = hasher->err;
	return hasher->code;
}
