/*
 * What a rebuild tells, from whichever thread it works in: in the thread that made the relay it goes to the watcher at once; from
 * another one it is kept until relay_show.
 */
#pragma once

#include <pthread.h>

#include "deploy/watcher.h"
#include "install/rebuild.h"

#define RELAY_TAMPERED_MAX 8 /* files that are named; the others are counted */

struct relay {
	struct watcher *watcher;
	pthread_t home;
	pthread_mutex_t mutex; /* for what is below */
	bool news; /* step, done and total were not shown yet */
	enum stage_step step;
	uint64_t done, total;
	bool stopped; /* whoever tells anything shall end */
	size_t n_tampered, n_told;
	char tampered[RELAY_TAMPERED_MAX][160];
};

void relay_init(struct relay *relay, struct watcher *watcher);
void relay_done(struct relay *relay);

/* Borrows the relay. */
struct rebuild_listener relay_listener(struct relay *relay);

/* At home: shows what was told elsewhere. */
int relay_show(struct relay *relay, struct error *err);

void relay_stop(struct relay *relay);
