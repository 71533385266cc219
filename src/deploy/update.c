#include "deploy/update.h"

#include <string.h>

#include "base/text.h"
#include "deploy/full.h"
#include "deploy/source.h"

/* May the offer take the place of what runs? */
static int judge_offer(const struct session *session, const struct offer *offer, struct error *err)
{
	const struct state_transaction *transaction = &session->state.transaction;
	struct descriptor running = {};

	if (transaction->sequence != 0 && transaction->sequence != offer->sequence)
		return error_set(
			err, FAULT_CONFIG,
			"sequence %llu is not offered; the source offers %s, sequence %llu",
			(unsigned long long)transaction->sequence, offer->version,
			(unsigned long long)offer->sequence);
	if (offer_find_withdrawn(offer, &offer->index))
		return error_set(err, FAULT_STALE, "%s was withdrawn by its publisher",
				 offer->version);
	if (transaction->unattended && state_is_bad(&session->state, &offer->index))
		return error_set(err, FAULT_UNHEALTHY,
				 "%s was rolled back before and is not tried again unattended",
				 offer->version);
	if (transaction->origin == SLOT_NONE ||
	    seal_peek(session->dirfd, transaction->origin, &running, NULL) != 0)
		return 0;
	if (offer->sequence < running.sequence)
		return error_set(
			err, FAULT_STALE,
			"the source offers %s, sequence %llu; %s, sequence %llu, is installed",
			offer->version, (unsigned long long)offer->sequence, running.version,
			(unsigned long long)running.sequence);
	return 0;
}

static bool holds(const struct session *session, enum slot slot, const struct digest *index)
{
	struct descriptor descriptor;

	return slot != SLOT_NONE && seal_peek(session->dirfd, slot, &descriptor, NULL) == 0 &&
	       digest_equal(&descriptor.index, index);
}

int update_stage(struct watcher *watcher, struct error *err)
{
	struct session *session = watcher->session;
	struct state_transaction *transaction = &session->state.transaction;
	_cleanup_(offer_freep) struct offer *offer = NULL;
	int r;

	watcher->step = STAGE_FETCH;
	r = source_refresh(session, transaction->id, &offer, err);
	if (r == SOURCE_NONE)
		return error_set(err, FAULT_CONFIG,
				 "the source offers nothing for %s, channel %s, on this machine",
				 session->options->app, session->options->source.channel);
	if (r >= 0)
		r = judge_offer(session, offer, err);
	if (r < 0)
		return r;
	transaction->sequence = offer->sequence;
	transaction->release.digest = offer->index;
	(void)text_copy(offer->version, transaction->release.version,
			sizeof(transaction->release.version));
	if (digest_equal(&offer->index, &session->state.good.digest) &&
	    holds(session, transaction->origin, &offer->index))
		return UPDATE_NOTHING;
	if (holds(session, transaction->target, &offer->index))
		return 0;
	return full_stage(watcher, offer, err);
}
