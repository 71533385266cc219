#include "deploy/update.h"

#include <string.h>

#include "base/text.h"
#include "deploy/data.h"
#include "deploy/plain.h"
#include "deploy/demands.h"
#include "deploy/route.h"
#include "deploy/source.h"
#include "deploy/soundness.h"
#include "install/staged.h"
#include "store/layout.h"

/* Before a byte of it is fetched: will there be a way back? */
static int judge_epoch(const struct session *session, const struct offer *offer,
		       const struct descriptor *running, struct error *err)
{
	struct preflight preflight = {};

	if (offer->epoch <= running->epoch || session->state.transaction.no_way_back)
		return 0;
	if (!data_is_kept(session->options))
		return error_set(err, FAULT_CONFIG,
				 "a rollback would be impossible: %s writes data of epoch %llu, "
				 "which %s cannot read (it knows %llu); --accept-no-rollback "
				 "installs it all the same",
				 offer->version, (unsigned long long)offer->epoch, running->version,
				 (unsigned long long)running->epoch);
	data_check(session->options, &preflight);
	if (preflight.n_findings == 0)
		return 0;
	return error_set(err, preflight.findings[0].fault, "%s", preflight.findings[0].text);
}

/* As the full archive would be, whichever way it comes; 0: no limit. */
static int judge_size(const struct session *session, const struct offer *offer, struct error *err)
{
	const struct archive_options *limits = &session->options->stage.archive;

	if (limits->max_files > 0 && offer->files > limits->max_files)
		return error_set(err, FAULT_NO_SPACE,
				 "%s has %llu entries, more than MaxFiles= allows (%llu)",
				 offer->version, (unsigned long long)offer->files,
				 (unsigned long long)limits->max_files);
	if (limits->max_bytes > 0 && offer->bytes > limits->max_bytes)
		return error_set(err, FAULT_NO_SPACE,
				 "%s has %llu bytes, more than MaxBytes= allows (%llu)",
				 offer->version, (unsigned long long)offer->bytes,
				 (unsigned long long)limits->max_bytes);
	return 0;
}

int update_judge(const struct session *session, const struct offer *offer, struct error *err)
{
	const struct state_transaction *transaction = &session->state.transaction;
	struct descriptor running = {};
	bool built = update_is_filled(session, offer);
	int r;

	if (transaction->sequence != 0 && transaction->sequence != offer->sequence)
		return error_set(
			err, FAULT_CONFIG,
			"sequence %llu is not offered; the source offers %s, sequence %llu",
			(unsigned long long)transaction->sequence, offer->version,
			(unsigned long long)offer->sequence);
	if (offer_find_withdrawn(offer, &offer->index))
		return error_set(err, FAULT_STALE, "%s was withdrawn by its publisher",
				 offer->version);
	r = judge_size(session, offer, err);
	if (r < 0)
		return r;
	if (transaction->unattended && state_is_bad(&session->state, &offer->index))
		return error_set(err, FAULT_UNHEALTHY,
				 "%s was rolled back before and is not tried again unattended",
				 offer->version);
	if (transaction->origin == SLOT_NONE ||
	    seal_peek(session->dirfd, transaction->origin, &running, NULL) != 0)
		return demands_check(offer, NULL, built, err);
	if (offer->sequence < running.sequence)
		return error_set(
			err, FAULT_STALE,
			"the source offers %s, sequence %llu; %s, sequence %llu, is installed: "
			"to go back, its publisher adds the old one again (repo add)",
			offer->version, (unsigned long long)offer->sequence, running.version,
			(unsigned long long)running.sequence);
	r = judge_epoch(session, offer, &running, err);
	built |= digest_equal(&running.index, &offer->index);
	return r < 0 ? r : demands_check(offer, &running, built, err);
}

static void name_release(struct state_transaction *transaction, const char *version)
{
	(void)text_copy(version, transaction->release.version,
			sizeof(transaction->release.version));
}

static bool holds(const struct session *session, enum slot slot, const struct digest *index)
{
	struct descriptor descriptor;

	return slot != SLOT_NONE && seal_peek(session->dirfd, slot, &descriptor, NULL) == 0 &&
	       digest_equal(&descriptor.index, index);
}

/* All that is in the slot and beside it in its seal, is it what is offered? */
bool update_is_filled(const struct session *session, const struct offer *offer)
{
	enum slot slot = session->state.transaction.target;
	struct descriptor descriptor;

	return holds(session, slot, &offer->index) &&
	       seal_peek(session->dirfd, slot, &descriptor, NULL) == 0 &&
	       command_equal(&descriptor.check, &offer->check);
}

/* ---- a target file without a descriptor ---- */

/* May it take the place of what runs? */
static int judge_plain(const struct session *session, const struct plain *plain, struct error *err)
{
	const struct state_transaction *transaction = &session->state.transaction;
	struct descriptor running = {};

	if (transaction->unattended && state_is_bad(&session->state, &plain->promised))
		return error_set(err, FAULT_UNHEALTHY,
				 "%s was rolled back before and is not tried again unattended",
				 plain->version);
	if (transaction->release.version[0] == '\0' && source_is_older(session, plain, &running))
		return error_set(err, FAULT_STALE,
				 "the source offers %s; %s, which is newer, is installed "
				 "(`flipslot update %s --to %s` goes back)",
				 plain->version, running.version, session->options->app,
				 plain->version);
	return 0;
}

/* Does the slot hold what came from this very file? */
static bool holds_plain(const struct session *session, enum slot slot, const struct plain *plain,
			struct descriptor *ret_descriptor)
{
	return slot != SLOT_NONE && seal_peek(session->dirfd, slot, ret_descriptor, NULL) == 0 &&
	       ret_descriptor->origin == ORIGIN_TARGET &&
	       digest_equal(&ret_descriptor->promised, &plain->promised) &&
	       strcmp(ret_descriptor->version, plain->version) == 0;
}

static int on_fetch(struct watcher *watcher, uint64_t done, uint64_t total, struct error *err)
{
	return watcher_progress(watcher, STAGE_FETCH, done, total, err);
}

static int fill_from_plain(struct watcher *watcher, const struct plain *plain,
			   struct descriptor *ret_descriptor, struct error *err)
{
	struct session *session = watcher->session;
	const struct stage_listener listener = { .progress = watcher_progress, .data = watcher };
	struct stage_options options = session->options->stage;
	struct descriptor descriptor = { .origin = ORIGIN_TARGET, .promised = plain->promised };
	_cleanup_close_ int fd = -1;
	int r;

	r = plain_get(watcher, plain, on_fetch, &fd, &descriptor.source, err);
	if (r < 0)
		return r;
	options.archive.strip_components = session->options->source.strip_components;
	(void)text_copy(session->options->app, descriptor.app, sizeof(descriptor.app));
	(void)text_copy(plain->version, descriptor.version, sizeof(descriptor.version));
	r = stage_archive(session->dirfd, session->state.transaction.target, fd, &options,
			  &listener, &descriptor, err);
	if (r < 0)
		return r;
	session->built = true;
	*ret_descriptor = descriptor;
	return plain_drop(session, err);
}

/* Only now it is known what is in it; it must not be fetched again each hour to find that out. */
static int judge_content(struct session *session, const struct plain *plain,
			 const struct descriptor *descriptor, struct error *err)
{
	struct state_release known = { .digest = plain->promised };

	if (!session->state.transaction.unattended ||
	    !state_is_bad(&session->state, &descriptor->index))
		return 0;
	(void)text_copy(plain->version, known.version, sizeof(known.version));
	state_remember_bad(&session->state, &known);
	return error_set(err, FAULT_UNHEALTHY,
			 "what is in %s was rolled back before and is not tried again unattended",
			 plain->version);
}

/* > 0: UPDATE_NOTHING */
static int stage_plain(struct watcher *watcher, const struct plain *plain, struct error *err)
{
	struct session *session = watcher->session;
	struct state_transaction *transaction = &session->state.transaction;
	struct descriptor descriptor = {};
	int r;

	r = judge_plain(session, plain, err);
	name_release(transaction, plain->version); /* also what is refused */
	if (r < 0)
		return r;
	transaction->source_digest = plain->promised;
	if (holds_plain(session, transaction->origin, plain, &descriptor) &&
	    digest_equal(&descriptor.index, &session->state.good.digest))
		return UPDATE_NOTHING;
	if (!holds_plain(session, transaction->target, plain, &descriptor))
		r = fill_from_plain(watcher, plain, &descriptor, err);
	else
		r = plain_drop(session, err); /* it may have been all that was left to do */
	if (r >= 0)
		r = judge_content(session, plain, &descriptor, err);
	if (r >= 0)
		transaction->release.digest = descriptor.index;
	return r;
}

/* Whoever asks for what runs already may do so because it is damaged: then it goes into the other slot. */
static bool is_damaged(const struct session *session)
{
	struct scrubbed_slot found;

	return !session->state.transaction.unattended &&
	       soundness_find(session->dirfd, session->state.transaction.origin, &found) == 0 &&
	       found.differences > 0;
}

bool update_is_nothing(const struct session *session, const struct offer *offer)
{
	return digest_equal(&offer->index, &session->state.good.digest) &&
	       holds(session, session->state.transaction.origin, &offer->index) &&
	       !is_damaged(session);
}

static int nothing_offered(const struct session *session, struct error *err)
{
	const struct source_options *source = &session->options->source;
	const char *version = session->state.transaction.release.version;

	if (!source->target_pattern)
		return error_set(err, FAULT_CONFIG,
				 "the source offers nothing for %s, channel %s, on this machine",
				 session->options->app, source->channel);
	return error_set(err, FAULT_CONFIG,
			 "no target of the repository matches TargetPattern=%s%s%s",
			 source->target_pattern, version[0] ? " with version " : "", version);
}

/* > 0: UPDATE_NOTHING */
static int stage_offered(struct watcher *watcher, const struct offer *offer, struct error *err)
{
	struct session *session = watcher->session;
	struct state_transaction *transaction = &session->state.transaction;
	int r;

	/* what is refused has a name, too */
	if (transaction->sequence == 0 || transaction->sequence == offer->sequence)
		name_release(transaction, offer->version);
	r = update_judge(session, offer, err);
	if (r < 0)
		return r;
	transaction->sequence = offer->sequence;
	transaction->release.sequence = offer->sequence;
	transaction->release.digest = offer->index;
	if (update_is_nothing(session, offer))
		return UPDATE_NOTHING;
	if (update_is_filled(session, offer))
		return route_drop(session, err); /* it may have been all that was left to do */
	r = route_stage(watcher, offer, err);
	session->built = r == 0;
	return r;
}

/* > 0: UPDATE_NOTHING */
static int look_and_stage(struct watcher *watcher, struct error *err)
{
	struct session *session = watcher->session;
	_cleanup_source_release_ struct source_release release = {};
	int r;

	watcher->step = STAGE_FETCH;
	r = source_refresh(session, session->state.transaction.id,
			   session->state.transaction.release.version, &release, err);
	if (r == SOURCE_NONE)
		return nothing_offered(session, err);
	if (r < 0)
		return r;
	return release.plain ? stage_plain(watcher, release.plain, err) :
			       stage_offered(watcher, release.offer, err);
}

static void on_removed(void *data, const char *name)
{
	session_tell(data, EVENT_WARNING, FAULT_NONE,
		     LAYOUT_STAGING "/%s was not put there by flipslot: removed", name);
}

int update_stage(struct watcher *watcher, struct error *err)
{
	int r = staged_sort_out(watcher->session->dirfd, on_removed, watcher->session, err);

	return r < 0 ? r : look_and_stage(watcher, err);
}
