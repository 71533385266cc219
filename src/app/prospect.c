#include "app/prospect.h"

#include "deploy/data.h"
#include "deploy/update.h"
#include "store/layout.h"

void prospect_done(struct prospect *prospect)
{
	assess_done(&prospect->assessment);
	source_release_done(&prospect->release);
	session_close(&prospect->session);
}

/* Of an update that is under way already it is the rest that is planned. */
static int choose_slots(struct session *session, struct error *err)
{
	struct state_transaction *transaction = &session->state.transaction;
	int r;

	if (session->state.phase == PHASE_STAGING)
		return 0;
	r = layout_current(session->dirfd, &transaction->origin, err);
	if (r < 0)
		return r;
	transaction->target = transaction->origin == SLOT_NONE ? SLOT_A :
								 slot_other(transaction->origin);
	return 0;
}

static bool is_one_way(const struct session *session, const struct offer *offer)
{
	enum slot origin = session->state.transaction.origin;
	struct descriptor running;

	return origin != SLOT_NONE && seal_peek(session->dirfd, origin, &running, NULL) == 0 &&
	       offer->epoch > running.epoch;
}

int prospect_assess(struct prospect *prospect, struct error *err)
{
	int r;

	prospect->assessment.watcher = &prospect->watcher;
	prospect->assessment.offer = prospect->release.offer;
	r = choose_slots(&prospect->session, err);
	if (r == 0)
		prospect->one_way = is_one_way(&prospect->session, prospect->release.offer);
	if (r == 0 && prospect->one_way && data_is_kept(prospect->session.options))
		r = data_describe(prospect->session.options, prospect->data, sizeof(prospect->data),
				  err);
	if (r < 0)
		return r;
	prospect->assessment.filled = update_is_filled(&prospect->session, prospect->release.offer);
	r = assess_run(&prospect->assessment, err);
	if (r < 0 && prospect->watcher.exhausted)
		return error_set(err, FAULT_NO_SPACE,
				 "MaxBytesPerDay= is used up: the head of a bundle, which decides "
				 "the way, cannot be fetched before tomorrow");
	if (r == 0)
		prospect->decided = way_decide(&prospect->assessment.question, &prospect->answer,
					       &prospect->why) == 0;
	return r;
}

int prospect_ask(struct prospect *prospect, const struct deploy_options *options,
		 const struct event_listener *listener, struct error *err)
{
	int r = session_open(&prospect->session, options, listener, -1, err);

	if (r == SESSION_LOCKED)
		return error_set(err, FAULT_BUSY, "something is under way: flipslot status %s",
				 prospect->app);
	prospect->watcher = (struct watcher){ .session = &prospect->session, .aloof = true };
	return r < 0 ? r : source_refresh(&prospect->session, "", "", &prospect->release, err);
}
