#include "install/aside.h"

#include <stdlib.h>

#include "base/thread.h"

struct aside {
	pthread_t thread;
	bool has_thread;
	bool was_tried; /* to start it */

	/* the caller's, and the thread's while it is due */
	struct digester *digester;
	const void *bytes; /* NULL: none since the last settling */
	size_t size;
	int code; /* of all since the last settling */
	struct error err;

	pthread_mutex_t mutex; /* for what is below */
	pthread_cond_t changed;
	bool is_due;
	bool stopped;
};

static void work(struct aside *aside)
{
	if (aside->code == 0)
		aside->code =
			digester_update(aside->digester, aside->bytes, aside->size, &aside->err);
}

static void *run(void *data)
{
	struct aside *aside = data;

	pthread_mutex_lock(&aside->mutex);
	while (!aside->stopped) {
		if (aside->is_due) {
			pthread_mutex_unlock(&aside->mutex);
			work(aside);
			pthread_mutex_lock(&aside->mutex);
			aside->is_due = false;
			pthread_cond_broadcast(&aside->changed);
		} else {
			pthread_cond_wait(&aside->changed, &aside->mutex);
		}
	}
	pthread_mutex_unlock(&aside->mutex);
	return NULL;
}

int aside_new(struct aside **ret_aside, struct error *err)
{
	struct aside *aside = calloc(1, sizeof(*aside));

	if (!aside)
		return error_errno(err, "making digests");
	(void)pthread_mutex_init(&aside->mutex, NULL);
	(void)pthread_cond_init(&aside->changed, NULL);
	*ret_aside = aside;
	return 0;
}

static void wait_until_done(struct aside *aside)
{
	pthread_mutex_lock(&aside->mutex);
	while (aside->is_due)
		pthread_cond_wait(&aside->changed, &aside->mutex);
	pthread_mutex_unlock(&aside->mutex);
}

void aside_free(struct aside *aside)
{
	if (!aside)
		return;
	wait_until_done(aside);
	pthread_mutex_lock(&aside->mutex);
	aside->stopped = true;
	pthread_cond_broadcast(&aside->changed);
	pthread_mutex_unlock(&aside->mutex);
	if (aside->has_thread)
		(void)pthread_join(aside->thread, NULL);
	(void)pthread_cond_destroy(&aside->changed);
	(void)pthread_mutex_destroy(&aside->mutex);
	free(aside);
}

void aside_add(struct aside *aside, struct digester *digester, const void *bytes, size_t size)
{
	wait_until_done(aside);
	if (!aside->was_tried)
		aside->has_thread = thread_start(&aside->thread, run, aside) == 0;
	aside->was_tried = true;
	aside->digester = digester;
	aside->bytes = bytes;
	aside->size = size;
	if (!aside->has_thread) {
		work(aside);
		return;
	}
	pthread_mutex_lock(&aside->mutex);
	aside->is_due = true;
	pthread_mutex_unlock(&aside->mutex);
	pthread_cond_broadcast(&aside->changed);
}

bool aside_holds(const struct aside *aside, const void *bytes)
{
	return aside->bytes == bytes;
}

int aside_settle(struct aside *aside, struct error *err)
{
	int code;

	wait_until_done(aside);
	code = aside->code;
	if (code < 0 && err)
		*err = aside->err;
	aside->bytes = NULL;
	aside->code = 0;
	return code;
}
