#include "app/packing-display.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "app/display.h"
#include "base/clock.h"
#include "base/thread.h"

#define LIVE_USEC (USEC_PER_SEC / 4)
#define LINE_USEC (30 * USEC_PER_SEC)

static struct {
	pthread_mutex_t mutex; /* of all below */
	pthread_cond_t ended;
	pthread_t thread;
	bool running, live;
	const char *what;
	uint64_t done, total;
	uint64_t began;
} shown = { .mutex = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER };

static void clear(void)
{
	if (shown.live)
		(void)fputs("\r\033[K", stderr);
	shown.live = false;
}

static void draw(bool terminal)
{
	uint64_t seconds = (clock_monotonic_usec() - shown.began) / USEC_PER_SEC;

	(void)fprintf(stderr, "%s%s", terminal ? "\r\033[K" : "", shown.what);
	if (shown.total > 0)
		(void)fprintf(stderr, ", %" PRIu64 " %%", shown.done * 100 / shown.total);
	(void)fprintf(stderr, ", %" PRIu64 " s%s", seconds, terminal ? " " : "\n");
	shown.live = terminal;
}

static void *show(void *data)
{
	bool terminal = display_style_of(stderr, false) == DISPLAY_TERMINAL;
	uint64_t pause = terminal ? LIVE_USEC : LINE_USEC;

	(void)pthread_mutex_lock(&shown.mutex);
	while (shown.running) {
		uint64_t until = clock_realtime_usec() + pause;
		struct timespec at = { .tv_sec = (time_t)(until / USEC_PER_SEC),
				       .tv_nsec = (long)(until % USEC_PER_SEC) * 1000 };

		if (pthread_cond_timedwait(&shown.ended, &shown.mutex, &at) != 0 && shown.running)
			draw(terminal);
	}
	(void)pthread_mutex_unlock(&shown.mutex);
	return data;
}

/* Without a thread nothing is shown. */
static void begin(void)
{
	shown.began = clock_monotonic_usec();
	shown.running = thread_start(&shown.thread, show, NULL) == 0;
}

void packing_display_tell(void *data, const char *what, uint64_t done, uint64_t total)
{
	(void)data;
	(void)pthread_mutex_lock(&shown.mutex);
	shown.what = what;
	shown.done = done;
	shown.total = total;
	if (!shown.running)
		begin();
	(void)pthread_mutex_unlock(&shown.mutex);
}

void packing_display_clear(void)
{
	(void)pthread_mutex_lock(&shown.mutex);
	clear();
	(void)pthread_mutex_unlock(&shown.mutex);
}

void packing_display_end(void)
{
	bool running;

	(void)pthread_mutex_lock(&shown.mutex);
	running = shown.running;
	shown.running = false;
	(void)pthread_cond_signal(&shown.ended);
	clear();
	(void)pthread_mutex_unlock(&shown.mutex);
	if (running)
		(void)pthread_join(shown.thread, NULL);
}
