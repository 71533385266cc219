#include "deploy/relay.h"

#include <errno.h>
#include <stdio.h>

void relay_init(struct relay *relay, struct watcher *watcher)
{
	*relay = (struct relay){ .watcher = watcher, .home = pthread_self() };
	(void)pthread_mutex_init(&relay->mutex, NULL);
}

void relay_done(struct relay *relay)
{
	if (relay->watcher)
		(void)pthread_mutex_destroy(&relay->mutex);
	relay->watcher = NULL;
}

static int on_progress(void *data, enum stage_step step, uint64_t done, uint64_t total,
		       struct error *err)
{
	struct relay *relay = data;
	bool stopped;

	if (pthread_equal(pthread_self(), relay->home))
		return watcher_progress(relay->watcher, step, done, total, err);
	pthread_mutex_lock(&relay->mutex);
	relay->news = true;
	relay->step = step;
	relay->done = done;
	relay->total = total;
	stopped = relay->stopped;
	pthread_mutex_unlock(&relay->mutex);
	return stopped ? error_code(err, -ECANCELED, "staging") : 0;
}

static void on_tampered(void *data, const char *path, const char *what)
{
	struct relay *relay = data;

	pthread_mutex_lock(&relay->mutex);
	if (relay->n_tampered < RELAY_TAMPERED_MAX)
		(void)snprintf(relay->tampered[relay->n_tampered], sizeof(relay->tampered[0]),
			       "%s: %s", path, what);
	relay->n_tampered++;
	pthread_mutex_unlock(&relay->mutex);
}

struct rebuild_listener relay_listener(struct relay *relay)
{
	return (struct rebuild_listener){
		.stage = { .progress = on_progress, .data = relay },
		.tampered = on_tampered,
		.data = relay,
	};
}

static void tell_tampered(struct relay *relay)
{
	const struct session *session = relay->watcher->session;
	size_t n = relay->n_tampered;

	for (size_t i = relay->n_told; i < n && i < RELAY_TAMPERED_MAX; i++)
		session_tell(session, EVENT_WARNING, FAULT_CORRUPT,
			     "a file of the release that runs was changed: %s; it is not used",
			     relay->tampered[i]);
	if (n > RELAY_TAMPERED_MAX && relay->n_told <= RELAY_TAMPERED_MAX)
		session_tell(session, EVENT_WARNING, FAULT_CORRUPT,
			     "more files of it were changed: `flipslot verify %s`",
			     session->options->app);
	relay->n_told = n;
}

int relay_show(struct relay *relay, struct error *err)
{
	enum stage_step step;
	uint64_t done;
	uint64_t total;
	bool news;

	pthread_mutex_lock(&relay->mutex);
	if (relay->n_told < relay->n_tampered)
		tell_tampered(relay);
	news = relay->news;
	step = relay->step;
	done = relay->done;
	total = relay->total;
	relay->news = false;
	pthread_mutex_unlock(&relay->mutex);
	return news ? watcher_progress(relay->watcher, step, done, total, err) : 0;
}

void relay_stop(struct relay *relay)
{
	pthread_mutex_lock(&relay->mutex);
	relay->stopped = true;
	pthread_mutex_unlock(&relay->mutex);
}
