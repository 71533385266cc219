#include "install/arrival.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"

struct arrival {
	struct arrival_options options;
	struct pieces *pieces;
	pthread_t thread;
	bool is_running;

	pthread_mutex_t mutex; /* what is below is both threads' */
	pthread_cond_t changed;
	bool stopped; /* the unpacking is not wanted any more */
	bool ended;
	bool touched;
	enum stage_step step;
	uint64_t done, total;
	int code; /* how it ended, with err and descriptor */
	struct error err;
	struct descriptor descriptor;
};

/* ---- in the thread ---- */

/* All is in the slot; the bytes of the archive may be in the page cache still, and never need to leave it. */
static int forget(const struct arrival *arrival, struct error *err)
{
	if (!arrival->options.forget || ftruncate(arrival->options.fd, 0) == 0)
		return 0;
	return error_errno(err, "emptying the archive");
}

static int on_progress(void *data, enum stage_step step, uint64_t done, uint64_t total,
		       struct error *err)
{
	struct arrival *arrival = data;
	bool stopped;
	int r = step == STAGE_SYNC && done == 0 ? forget(arrival, err) : 0;

	if (r < 0)
		return r;
	pthread_mutex_lock(&arrival->mutex);
	if (step != arrival->step)
		pthread_cond_signal(&arrival->changed);
	arrival->step = step;
	arrival->done = done;
	arrival->total = total;
	arrival->touched = true;
	stopped = arrival->stopped;
	pthread_mutex_unlock(&arrival->mutex);
	return stopped ? error_code(err, -ECANCELED, "unpacking") : 0;
}

static void *run(void *data)
{
	struct arrival *arrival = data;
	const struct stage_listener listener = { .progress = on_progress, .data = arrival };
	const struct arrival_options *options = &arrival->options;
	struct descriptor descriptor = arrival->descriptor;
	struct error err = {};
	int r = stage_arriving(options->dirfd, options->slot, arrival->pieces, options->stage,
			       &listener, &descriptor, &err);

	pthread_mutex_lock(&arrival->mutex);
	arrival->ended = true;
	arrival->code = r;
	arrival->err = err;
	arrival->descriptor = descriptor;
	pthread_cond_signal(&arrival->changed);
	pthread_mutex_unlock(&arrival->mutex);
	return NULL;
}

/* ---- the caller's ---- */

static int start(struct arrival *arrival, struct error *err)
{
	int r = thread_start(&arrival->thread, run, arrival);

	if (r < 0)
		return error_code(err, r, "starting a thread");
	arrival->is_running = true;
	return 0;
}

/* Waits are measured by the clock that nobody sets. */
static void make_condition(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;

	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(condition, &attributes);
	(void)pthread_condattr_destroy(&attributes);
}

int arrival_new(const struct arrival_options *options, const struct descriptor *descriptor,
		struct arrival **ret_arrival, struct error *err)
{
	_cleanup_(arrival_freep) struct arrival *arrival = calloc(1, sizeof(*arrival));
	int r;

	if (!arrival)
		return error_errno(err, "unpacking");
	arrival->options = *options;
	arrival->descriptor = *descriptor;
	arrival->step = STAGE_FETCH;
	(void)pthread_mutex_init(&arrival->mutex, NULL);
	make_condition(&arrival->changed);
	r = pieces_new_arriving(options->fd, options->bytes, &arrival->pieces, err);
	if (r == 0)
		r = start(arrival, err);
	if (r == 0)
		*ret_arrival = TAKE_PTR(arrival);
	return r;
}

void arrival_stop(struct arrival *arrival)
{
	if (!arrival->is_running)
		return;
	pthread_mutex_lock(&arrival->mutex);
	arrival->stopped = true;
	pthread_mutex_unlock(&arrival->mutex);
	pieces_stop(arrival->pieces);
	(void)pthread_join(arrival->thread, NULL);
	arrival->is_running = false;
}

void arrival_free(struct arrival *arrival)
{
	if (!arrival)
		return;
	arrival_stop(arrival);
	pieces_free(arrival->pieces);
	(void)pthread_cond_destroy(&arrival->changed);
	(void)pthread_mutex_destroy(&arrival->mutex);
	free(arrival);
}

void arrival_verified(struct arrival *arrival, uint64_t bytes)
{
	pieces_arrived(arrival->pieces, bytes);
}

bool arrival_look(struct arrival *arrival, enum stage_step *ret_step, uint64_t *ret_done,
		  uint64_t *ret_total)
{
	bool ended;

	pthread_mutex_lock(&arrival->mutex);
	*ret_step = arrival->step;
	*ret_done = arrival->done;
	*ret_total = arrival->total;
	ended = arrival->ended;
	pthread_mutex_unlock(&arrival->mutex);
	return ended;
}

bool arrival_touched(struct arrival *arrival)
{
	bool touched;

	pthread_mutex_lock(&arrival->mutex);
	touched = arrival->touched;
	pthread_mutex_unlock(&arrival->mutex);
	return touched;
}

void arrival_wait(struct arrival *arrival, uint64_t until)
{
	const struct timespec end = {
		.tv_sec = (time_t)(until / USEC_PER_SEC),
		.tv_nsec = (long)(until % USEC_PER_SEC * 1000),
	};

	pthread_mutex_lock(&arrival->mutex);
	if (!arrival->ended)
		(void)pthread_cond_timedwait(&arrival->changed, &arrival->mutex, &end);
	pthread_mutex_unlock(&arrival->mutex);
}

int arrival_finish(struct arrival *arrival, struct descriptor *ret_descriptor, struct error *err)
{
	assert(arrival->ended);
	if (arrival->code < 0) {
		if (err)
			*err = arrival->err;
		return arrival->code;
	}
	*ret_descriptor = arrival->descriptor;
	return 0;
}
