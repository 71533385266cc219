#include "app/watchdog.h"

#include <stdint.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "base/clock.h"
#include "base/thread.h"

static void *feed(void *data)
{
	uint64_t pause = *(const uint64_t *)data;
	const struct timespec span = {
		.tv_sec = (time_t)(pause / USEC_PER_SEC),
		.tv_nsec = (long)(pause % USEC_PER_SEC * 1000),
	};

	for (;;) {
		(void)sd_notify(0, "WATCHDOG=1");
		(void)nanosleep(&span, NULL);
	}
	return NULL;
}

int watchdog_start(struct error *err)
{
	static uint64_t pause; /* outlives this call */
	pthread_t thread;
	int r;

	if (sd_watchdog_enabled(0, &pause) <= 0)
		return 0;
	pause /= 3;
	r = thread_start(&thread, feed, &pause);
	if (r < 0)
		return error_code(err, r, "starting the watchdog's thread");
	(void)pthread_detach(thread);
	return 0;
}
