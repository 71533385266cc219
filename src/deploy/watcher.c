#include "deploy/watcher.h"

#include <errno.h>

#include "deploy/mailbox.h"

#define TELL_PERIOD_USEC (100 * USEC_PER_MSEC)

int watcher_progress(void *data, enum stage_step step, uint64_t done, uint64_t total,
		     struct error *err)
{
	struct watcher *watcher = data;
	struct session *session = watcher->session;
	uint64_t now = clock_monotonic_usec();

	if (step != watcher->step || done == total || now - session->told >= TELL_PERIOD_USEC) {
		session->told = now;
		session_tell_event(session, (struct event){ .kind = EVENT_PROGRESS,
							    .step = step,
							    .done = done,
							    .total = total });
	}
	watcher->step = step;
	watcher->touched |= step == STAGE_CLONE || step == STAGE_WRITE || step == STAGE_SYNC;
	if (watcher->aloof || now - watcher->looked < TELL_PERIOD_USEC)
		return 0;
	watcher->looked = now;
	if (mailbox_interrupt(session) > 0)
		return error_code(err, -ECANCELED, "staging");
	return 0;
}

int watcher_got_on(struct watcher *watcher, struct error *err)
{
	if (watcher->got_on)
		return 0;
	watcher->got_on = true;
	watcher->session->state.transaction.attempts = 0;
	return session_store(watcher->session, err);
}
