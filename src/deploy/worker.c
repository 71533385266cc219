#include <assert.h>

#include "deploy/alert.h"
#include "deploy/data.h"
#include "deploy/late.h"
#include "deploy/mailbox.h"
#include "deploy/mend.h"
#include "deploy/resume.h"
#include "deploy/reverting.h"
#include "deploy/shipped.h"
#include "deploy/soundness.h"
#include "deploy/staging.h"
#include "deploy/switching.h"
#include "deploy/tick.h"
#include "deploy/trial.h"
#include "deploy/vacancy.h"
#include "deploy/worker.h"

/* What does the work of each phase. A step ends with the phase moved on, or was interrupted. */
static int (*const steps[PHASE_MAX])(struct session *session, struct error *err) = {
	[PHASE_STAGING] = staging_run,	   [PHASE_STAGED] = switching_prepare,
	[PHASE_SWITCHING] = switching_run, [PHASE_TRIAL] = trial_run,
	[PHASE_WATCHING] = trial_watch,	   [PHASE_REVERTING] = reverting_run,
};

/*
 * Let go for a shutdown of the machine? Then the coming boot is not held against the release.
 */
static int note_shutdown(struct session *session, struct error *err)
{
	struct manager *manager;
	bool stopping;
	int r;

	r = session_own_manager(session, &manager, err);
	if (r < 0)
		return r;
	r = manager_is_stopping(manager, &stopping, err);
	if (r < 0)
		return r;
	if (!stopping)
		return 0;
	session->stop = true;
	session->state.transaction.orderly = true;
	return session_store(session, err);
}

static int run_step(struct session *session, struct error *err)
{
	int r;

	session->working = session->state.phase;
	assert(steps[session->working]);
	r = steps[session->working](session, err);
	if (r < 0)
		return r;
	if (session->state.phase == session->working)
		return note_shutdown(session, err);
	return 0;
}

/* Somebody has to hear of what ended, now or long ago; nothing waits for that. */
static void send_alerts(struct session *session)
{
	struct manager *manager;
	struct error why = {};

	if (session->options->n_alerts == 0 || !alert_waits(session->dirfd))
		return;
	if (session_own_manager(session, &manager, &why) < 0 ||
	    alert_wake(manager, session->options->app, &why) < 0)
		session_tell(session, EVENT_WARNING, why.fault, "alerts wait: %s", why.text);
}

/* In a unit of its own, at a low priority; nothing waits for that. Only a tick begins it. */
static void begin_scrub(struct session *session)
{
	struct manager *manager;
	struct error why = {};

	if (session->served || !soundness_is_due(session->dirfd, session->options->scrub_usec))
		return;
	if (session_own_manager(session, &manager, &why) < 0 ||
	    soundness_wake(manager, session->options->app, &why) < 0)
		session_tell(session, EVENT_WARNING, why.fault, "the slots are not read: %s",
			     why.text);
}

/* Nothing is under way, unless a request comes. > 0: nothing is left to do. */
enum { IDLE_DONE = 1 };
static int idle(struct session *session, struct error *err)
{
	int r;

	session->working = PHASE_IDLE;
	data_drop(session);
	late_look(session);
	begin_scrub(session);
	mend_run(session);
	if (session->state.phase != PHASE_IDLE)
		return 0;
	send_alerts(session);
	r = tick_run(session, err);
	if (r >= 0)
		r = mailbox_serve(session, err); /* what came meanwhile */
	if (r < 0)
		return r;
	return session->state.phase == PHASE_IDLE && !session->check_id[0] ? IDLE_DONE : 0;
}

static int work(struct session *session, void (*ready)(void *data), void *ready_data,
		struct error *err)
{
	bool said_ready = false;
	int r;

	for (;;) {
		session->working = session->state.phase;
		r = mailbox_serve(session, err);
		if (r < 0)
			return r;
		if (!said_ready)
			ready(ready_data);
		said_ready = true;
		if (session->state.phase == PHASE_IDLE) {
			r = idle(session, err);
			if (r < 0)
				return r;
			if (r == IDLE_DONE)
				return 0;
			continue;
		}
		if (session->stop) {
			(void)note_shutdown(session, NULL); /* only tells the next boot more */
			return WORKER_STOPPED;
		}
		r = run_step(session, err);
		if (r < 0)
			return r;
	}
}

/* Another user's manager that does not answer must not keep requests from being answered. */
static int reassert(struct session *session, struct error *err)
{
	struct error why = {};
	int r = reverting_reassert(session, &why);

	if (r < 0 && !session->options->user)
		return error_set(err, why.fault, "%s", why.text);
	if (r < 0)
		session_tell(session, EVENT_WARNING, why.fault,
			     "both releases are bad, and the service is not started: %s", why.text);
	return 0;
}

int worker_run(const struct deploy_options *options, const struct event_listener *listener,
	       void (*ready)(void *data), void *ready_data, int stop_fd, struct error *err)
{
	_cleanup_(session_close) struct session session;
	int r;

	r = session_open(&session, options, listener, stop_fd, err);
	if (r < 0)
		return r;
	if (r == SESSION_LOCKED)
		return WORKER_BUSY;
	r = resume_settle(&session, err);
	if (r < 0)
		return r;
	vacancy_recall(&session);
	if (session.repointed) {
		r = shipped_reload(&session, err);
		if (r < 0)
			return r;
	}
	r = reassert(&session, err);
	if (r == 0)
		r = session.repointed ? session_store(&session, err) : 0;
	if (r < 0)
		return r;
	return work(&session, ready, ready_data, err);
}
