#include "install/hasher.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/fd.h"
#include "base/thread.h"
#include "install/attributes.h"
#include "release/names.h"

#define BATCH_BYTES ((size_t)256 * 1024)
#define BATCH_STEPS 128 /* each may hold a file open */
#define BATCHES	    4
#define OPEN_PART   2 /* of the descriptors that there may be, for all batches */

/* Bytes of a file, or its end. */
struct step {
	size_t size; /* of the batch's bytes, behind those of the step before */
	int fd; /* to write them to, or to complete; -1: none */
	uint64_t offset;
	struct index_entry *file;
	bool is_end;
};

/* Bytes of one file after the other, and what is to be done with them. */
struct batch {
	uint8_t bytes[BATCH_BYTES];
	size_t filled;
	struct step steps[BATCH_STEPS];
	size_t n_steps;
	bool is_due; /* the thread's; otherwise the caller's */
};

struct hasher {
	struct batch batches[BATCHES];
	size_t max_steps; /* of a batch */
	unsigned int filling; /* the one that the caller fills */
	struct index_entry *file; /* the caller's: that of the next bytes */
	struct digester *digester;
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t mutex; /* for what is below, and is_due */
	pthread_cond_t changed;
	bool stopped;
	int code; /* < 0: it has failed, err says why; only the thread sets it */
	struct error err;
	atomic_bool failed; /* the same, for who asks after each file */
};

/* ---- in the thread ---- */

static int complain(const struct step *step, struct error *err)
{
	int code = -errno;
	char shown[NAMES_SHOWN_MAX];

	return error_code(err, code, "writing %s", names_show(step->file->path, shown));
}

static int take_bytes(const struct hasher *hasher, const struct step *step, const uint8_t *bytes,
		      struct error *err)
{
	if (step->fd >= 0 && fd_pwrite_full(step->fd, bytes, step->size, (off_t)step->offset) < 0)
		return complain(step, err);
	return digester_update(hasher->digester, bytes, step->size, err);
}

static int end(const struct hasher *hasher, const struct step *step, struct error *err)
{
	int r = digester_finish(hasher->digester, &step->file->digest, err);

	if (r == 0)
		r = digester_reset(hasher->digester, err);
	if (r == 0 && step->fd >= 0 && attributes_set(step->fd, step->file) < 0)
		return complain(step, err);
	return r;
}

static int take_steps(const struct hasher *hasher, const struct batch *batch, struct error *err)
{
	const uint8_t *bytes = batch->bytes;
	int r = 0;

	for (size_t i = 0; r == 0 && i < batch->n_steps; i++) {
		const struct step *step = &batch->steps[i];

		r = step->is_end ? end(hasher, step, err) : take_bytes(hasher, step, bytes, err);
		bytes += step->size;
	}
	return r;
}

/* Also of what is not worked off any more. */
static void empty(struct batch *batch)
{
	for (size_t i = 0; i < batch->n_steps; i++)
		if (batch->steps[i].is_end)
			cleanup_close(&batch->steps[i].fd);
	batch->filled = 0;
	batch->n_steps = 0;
}

static void note(struct hasher *hasher, int code, const struct error *err)
{
	pthread_mutex_lock(&hasher->mutex);
	hasher->code = code;
	hasher->err = *err;
	atomic_store(&hasher->failed, true);
	pthread_mutex_unlock(&hasher->mutex);
}

static void work_off(struct hasher *hasher, struct batch *batch)
{
	struct error err = {};
	int r = hasher->code == 0 ? take_steps(hasher, batch, &err) : 0;

	if (r < 0)
		note(hasher, r, &err);
	empty(batch);
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
	pthread_mutex_unlock(&hasher->mutex);
	pthread_cond_broadcast(
		&hasher->changed); /* not before: who is woken would wait for the mutex */
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

/* Of a batch, so that others find descriptors, too. */
static size_t limit_steps(void)
{
	struct rlimit limit;
	rlim_t steps;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return BATCH_STEPS;
	steps = limit.rlim_cur / OPEN_PART / BATCHES;
	return steps < 1 ? 1 : steps < BATCH_STEPS ? (size_t)steps : BATCH_STEPS;
}

int hasher_new(struct hasher **ret_hasher, struct error *err)
{
	_cleanup_(hasher_freep) struct hasher *hasher = calloc(1, sizeof(*hasher));
	int r;

	if (!hasher)
		return error_errno(err, "writing a tree");
	hasher->max_steps = limit_steps();
	(void)pthread_mutex_init(&hasher->mutex, NULL);
	(void)pthread_cond_init(&hasher->changed, NULL);
	r = digester_new(&hasher->digester, err);
	if (r < 0)
		return r;
	hasher->has_thread = thread_start(&hasher->thread, run, hasher) == 0;
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
	for (unsigned int i = 0; i < BATCHES; i++)
		empty(&hasher->batches[i]);
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

/* A step with no bytes yet. */
static struct step *next_step(struct hasher *hasher)
{
	struct batch *batch = &hasher->batches[hasher->filling];
	struct step *step;

	if (batch->filled == BATCH_BYTES || batch->n_steps == hasher->max_steps) {
		hand_over(hasher);
		batch = &hasher->batches[hasher->filling];
	}
	step = &batch->steps[batch->n_steps++];
	*step = (struct step){ .fd = -1, .file = hasher->file };
	return step;
}

/* Room for so many bytes at most, at least one. */
static uint8_t *make_room(struct hasher *hasher, uint64_t size, int fd, uint64_t offset,
			  size_t *ret_size)
{
	struct step *step = next_step(hasher);
	struct batch *batch = &hasher->batches[hasher->filling];
	size_t left = BATCH_BYTES - batch->filled;

	step->size = size < left ? (size_t)size : left;
	step->fd = fd;
	step->offset = offset;
	*ret_size = step->size;
	batch->filled += step->size;
	return batch->bytes + batch->filled - step->size;
}

void hasher_begin(struct hasher *hasher, struct index_entry *file)
{
	hasher->file = file;
}

void hasher_add(struct hasher *hasher, const void *bytes, size_t size, int fd, uint64_t offset)
{
	const uint8_t *next = bytes;

	while (size > 0) {
		size_t n;
		uint8_t *room = make_room(hasher, size, fd, offset, &n);

		memcpy(room, next, n);
		next += n;
		offset += n;
		size -= n;
	}
}

void hasher_add_zeroes(struct hasher *hasher, uint64_t size)
{
	while (size > 0) {
		size_t n;
		uint8_t *room = make_room(hasher, size, -1, 0, &n);

		memset(room, 0, n);
		size -= n;
	}
}

void hasher_end_consume(struct hasher *hasher, int fd)
{
	struct step *step = next_step(hasher);

	step->is_end = true;
	step->fd = fd;
}

int hasher_check(struct hasher *hasher, struct error *err)
{
	int code;

	if (!atomic_load(&hasher->failed))
		return 0;
	pthread_mutex_lock(&hasher->mutex);
	code = hasher->code;
	if (code < 0 && err)
		*err = hasher->err;
	pthread_mutex_unlock(&hasher->mutex);
	return code;
}

int hasher_settle(struct hasher *hasher, struct error *err)
{
	hand_over(hasher);
	for (unsigned int i = 0; i < BATCHES; i++)
		wait_until_done(hasher, &hasher->batches[i]);
	return hasher_check(hasher, err);
}
