#include "deploy/taker.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/thread.h"

struct parcel {
	struct parcel *next;
	const struct bundle *bundle;
	const struct bundle_block *block;
	void *bytes; /* NULL: the block's own */
};

struct taker {
	struct rebuild *rebuild;
	struct relay *relay;
	pthread_t thread;
	bool is_running;

	pthread_mutex_t mutex; /* for what is below */
	pthread_cond_t changed;
	struct parcel *first, *last;
	bool begun, cloned; /* rebuild_begin, and what it began, are through */
	bool busy; /* with the parcel that was taken out last */
	bool stopped;
	size_t held; /* bytes of blocks */
	uint64_t taken;
	int code; /* < 0: it has failed, err says why */
	struct error err;
};

/* ---- in the thread ---- */

static void note(struct taker *taker, int code, const struct error *err)
{
	if (code >= 0 || taker->code < 0)
		return;
	taker->code = code;
	taker->err = *err;
}

static void begin(struct taker *taker)
{
	struct error err = {};
	int r = rebuild_begin(taker->rebuild, &err);

	pthread_mutex_lock(&taker->mutex);
	note(taker, r, &err);
	taker->begun = true;
	pthread_cond_broadcast(&taker->changed);
	pthread_mutex_unlock(&taker->mutex);
}

/* False: the end. *ret_parcel is NULL: there is none now, and something to clone. */
static bool take_out(struct taker *taker, struct parcel **ret_parcel)
{
	struct parcel *parcel;
	bool stopped;

	pthread_mutex_lock(&taker->mutex);
	while (!taker->first && !taker->stopped && taker->cloned)
		pthread_cond_wait(&taker->changed, &taker->mutex);
	parcel = taker->first;
	stopped = taker->stopped;
	if (parcel && !stopped) {
		taker->first = parcel->next;
		taker->busy = true;
	}
	pthread_mutex_unlock(&taker->mutex);
	*ret_parcel = parcel;
	return !stopped;
}

static void clone_next(struct taker *taker)
{
	struct error err = {};
	int r = taker->code == 0 ? rebuild_clone(taker->rebuild, &err) : REBUILD_CLONED;

	if (r == 0)
		return;
	pthread_mutex_lock(&taker->mutex);
	note(taker, r, &err);
	taker->cloned = true;
	pthread_cond_broadcast(&taker->changed);
	pthread_mutex_unlock(&taker->mutex);
}

static void work_off(struct taker *taker, struct parcel *parcel)
{
	struct error err = {};
	int r = 0;

	if (taker->code == 0) /* only this thread sets it */
		r = rebuild_take(taker->rebuild, parcel->bundle, parcel->block,
				 parcel->bytes ? parcel->bytes : parcel->block->bytes,
				 parcel->block->length, &err);
	if (!parcel->bytes)
		bundle_spend(parcel->bundle, parcel->block);
	pthread_mutex_lock(&taker->mutex);
	note(taker, r, &err);
	taker->taken += r == 0;
	taker->held -= parcel->bytes ? parcel->block->length : 0;
	taker->busy = false;
	pthread_cond_broadcast(&taker->changed);
	pthread_mutex_unlock(&taker->mutex);
	free(parcel->bytes);
	free(parcel);
}

static void *run(void *data)
{
	struct taker *taker = data;
	struct parcel *parcel;

	begin(taker);
	while (take_out(taker, &parcel))
		if (parcel)
			work_off(taker, parcel);
		else
			clone_next(taker);
	return NULL;
}

/* ---- the fetching side ---- */

static int start(struct taker *taker, struct error *err)
{
	int r = thread_start(&taker->thread, run, taker);

	if (r < 0)
		return error_code(err, r, "starting a thread");
	taker->is_running = true;
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

int taker_new(struct rebuild *rebuild, struct relay *relay, struct taker **ret_taker,
	      struct error *err)
{
	_cleanup_(taker_freep) struct taker *taker = calloc(1, sizeof(*taker));
	int r;

	if (!taker)
		return error_errno(err, "rebuilding the slot");
	taker->rebuild = rebuild;
	taker->relay = relay;
	(void)pthread_mutex_init(&taker->mutex, NULL);
	make_condition(&taker->changed);
	r = start(taker, err);
	if (r == 0)
		*ret_taker = TAKE_PTR(taker);
	return r;
}

static void stop(struct taker *taker)
{
	relay_stop(taker->relay);
	pthread_mutex_lock(&taker->mutex);
	taker->stopped = true;
	pthread_cond_broadcast(&taker->changed);
	pthread_mutex_unlock(&taker->mutex);
	(void)pthread_join(taker->thread, NULL);
}

void taker_free(struct taker *taker)
{
	if (!taker)
		return;
	if (taker->is_running)
		stop(taker);
	while (taker->first) {
		struct parcel *parcel = taker->first;

		taker->first = parcel->next;
		free(parcel->bytes);
		free(parcel);
	}
	(void)pthread_cond_destroy(&taker->changed);
	(void)pthread_mutex_destroy(&taker->mutex);
	free(taker);
}

/* One block has room whatever its size is. */
void *taker_reserve(struct taker *taker, size_t size)
{
	bool room;
	void *bytes;

	pthread_mutex_lock(&taker->mutex);
	room = taker->held == 0 || taker->held + size <= TAKER_ROOM;
	if (room)
		taker->held += size;
	pthread_mutex_unlock(&taker->mutex);
	bytes = room ? malloc(size) : NULL;
	if (room && !bytes)
		taker_drop(taker, NULL, size);
	return bytes;
}

void taker_drop(struct taker *taker, void *bytes, size_t size)
{
	pthread_mutex_lock(&taker->mutex);
	assert(taker->held >= size);
	taker->held -= size;
	pthread_mutex_unlock(&taker->mutex);
	free(bytes);
}

static void put(struct taker *taker, struct parcel *parcel)
{
	pthread_mutex_lock(&taker->mutex);
	if (taker->first)
		taker->last->next = parcel;
	else
		taker->first = parcel;
	taker->last = parcel;
	pthread_cond_broadcast(&taker->changed);
	pthread_mutex_unlock(&taker->mutex);
}

int taker_put_consume(struct taker *taker, const struct bundle *bundle,
		      const struct bundle_block *block, void *bytes, struct error *err)
{
	struct parcel *parcel = malloc(sizeof(*parcel));

	if (!parcel) {
		taker_drop(taker, bytes, block->length);
		return error_code(err, -ENOMEM, "rebuilding the slot");
	}
	*parcel = (struct parcel){ .bundle = bundle, .block = block, .bytes = bytes };
	put(taker, parcel);
	return 0;
}

int taker_put_inlined(struct taker *taker, const struct bundle *bundle, struct error *err)
{
	for (size_t i = 0; i < bundle->n_blocks; i++) {
		struct parcel *parcel;

		if (!bundle->blocks[i].is_inlined)
			continue;
		parcel = malloc(sizeof(*parcel));
		if (!parcel)
			return error_errno(err, "rebuilding the slot");
		*parcel = (struct parcel){ .bundle = bundle, .block = &bundle->blocks[i] };
		put(taker, parcel);
	}
	return 0;
}

int taker_check(struct taker *taker, struct error *err)
{
	int code;

	pthread_mutex_lock(&taker->mutex);
	code = taker->code;
	if (code < 0 && err)
		*err = taker->err;
	pthread_mutex_unlock(&taker->mutex);
	return code;
}

static bool is_idle(const struct taker *taker)
{
	return taker->begun && taker->cloned && !taker->first && !taker->busy;
}

bool taker_wait(struct taker *taker, uint64_t until)
{
	const struct timespec end = {
		.tv_sec = (time_t)(until / USEC_PER_SEC),
		.tv_nsec = (long)(until % USEC_PER_SEC * 1000),
	};
	bool idle;

	pthread_mutex_lock(&taker->mutex);
	idle = is_idle(taker);
	if (!idle)
		(void)pthread_cond_timedwait(&taker->changed, &taker->mutex, &end);
	idle = is_idle(taker);
	pthread_mutex_unlock(&taker->mutex);
	return idle;
}

uint64_t taker_count_taken(struct taker *taker)
{
	uint64_t taken;

	pthread_mutex_lock(&taker->mutex);
	taken = taker->taken;
	pthread_mutex_unlock(&taker->mutex);
	return taken;
}
