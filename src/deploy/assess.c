#include "deploy/assess.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "deploy/blob.h"
#include "install/decode-head.h"
#include "install/outlay.h"
#include "install/seal.h"
#include "release/bundle-long.h"
#include "store/layout.h"

#define HEAD_PART 10 /* a head of more than a tenth of the full archive is not worth a look */

static const struct state_transaction *transaction_of(const struct assessment *assessment)
{
	return &assessment->watcher->session->state.transaction;
}

void assess_done(struct assessment *assessment)
{
	rebuild_free(assessment->rebuild);
	for (size_t i = 0; i < ASSESS_BUNDLES; i++) {
		spans_done(&assessment->spans[i]);
		bundle_free(assessment->bundles[i]);
		head_done(&assessment->heads[i]);
	}
	fetcher_free(assessment->own);
	seal_done(&assessment->running);
	relay_done(&assessment->relay);
}

/* ---- what there is ---- */

static int look_at_slots(struct assessment *assessment, struct error *err)
{
	const struct session *session = assessment->watcher->session;
	const struct state_transaction *transaction = transaction_of(assessment);
	_cleanup_close_ int slot_fd = -1;
	int r;

	if (transaction->origin != SLOT_NONE &&
	    seal_load(session->dirfd, transaction->origin, &assessment->running, NULL) == 0)
		r = index_sort(assessment->running.index, err);
	else
		r = 0;
	if (r == 0)
		r = layout_open_slot(session->dirfd, transaction->target, &slot_fd, err);
	if (r == 0)
		r = plan_measure(session->dirfd, slot_fd, &assessment->space, err);
	if (seal_peek(session->dirfd, transaction->target, &assessment->replaced, NULL) != 0)
		assessment->replaced = (struct descriptor){};
	assessment->torn = !assessment->replaced.version[0] && assessment->space.inodes_freed > 0;
	return r;
}

static void set_room(struct assessment *assessment)
{
	const struct plan_space *space = &assessment->space;
	uint64_t reserve = assessment->watcher->session->options->stage.reserve_bytes;

	assessment->question.policy = assessment->watcher->session->options->source.way;
	assessment->question.installed = assessment->running.index != NULL;
	assessment->question.room_bytes =
		space->bytes_free > reserve ? space->bytes_free - reserve : 0;
	assessment->question.room_inodes = space->inodes_free;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static uint64_t max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* How large each file is nobody knows yet: as if the last block of each were nearly empty. */
static void weigh_full(struct assessment *assessment)
{
	const struct offer *offer = assessment->offer;
	const struct session *session = assessment->watcher->session;
	const struct plan_space *space = &assessment->space;
	struct way_cost *cost = &assessment->question.costs[WAY_FULL];
	uint64_t left = offer->full_length - blob_count_kept(session, offer);
	uint64_t tree = offer->bytes + offer->files * space->block_size;

	*cost = (struct way_cost){
		.why_not = assessment->ruled_out[WAY_FULL],
		.fetch_bytes = left,
		.requests = left > 0,
		.write_bytes = left + tree + offer->files * OUTLAY_INODE,
		.peak_bytes = less(left + tree + plan_spill(offer->files), space->bytes_freed),
		.peak_inodes = less(offer->files + 4, space->inodes_freed),
	};
}

/* ---- bundles ---- */

static bool wants(void *data, const struct bundle_block *block)
{
	return rebuild_wants(data, block);
}

static int make_rebuild(struct assessment *assessment, struct index *index, struct error *err)
{
	const struct state_transaction *transaction = transaction_of(assessment);
	const struct rebuild_options options = {
		.dirfd = assessment->watcher->session->dirfd,
		.target = transaction->target,
		.source = assessment->running.index ? transaction->origin : SLOT_NONE,
		.source_index = assessment->running.index,
		.index = index,
		.dedupe = assessment->watcher->session->options->dedupe,
		.listener = &assessment->listener,
	};

	if (assessment->rebuild)
		return 0;
	return rebuild_new(&options, &assessment->rebuild, err);
}

static uint64_t rest_of(const struct assessment *assessment, enum way_kind kind)
{
	const struct bundle *bundle = assessment->bundles[kind];

	return bundle->length - bundle->head_length;
}

static bool is_nearly_all_wanted(const struct assessment *assessment, enum way_kind kind)
{
	return assessment->no_range ||
	       rest_of(assessment, kind) - assessment->spans[kind].bytes <= SPAN_GAP;
}

bool assess_rest_is_wanted(const struct assessment *assessment, enum way_kind kind)
{
	return assessment->heads[kind].rest && is_nearly_all_wanted(assessment, kind);
}

/*
 * What the slot holds may leave little to be wanted of what is behind the head: a half-built tree, or a release that is closer to the
 * one that is offered than the one that runs. Then the head is fetched first.
 */
static bool is_close(const struct assessment *assessment, const struct offer_bundle *bundle)
{
	const struct offer_bundle *near;

	if (!assessment->replaced.version[0])
		return assessment->torn;
	near = offer_find_update(assessment->offer, &assessment->replaced.index);
	return near && near->length < bundle->length / 2;
}

/* Is an update asked for as a whole, in one request? */
static bool is_asked_whole(const struct assessment *assessment, enum way_kind kind,
			   const struct offer_bundle *bundle)
{
	return kind == WAY_UPDATE && (assessment->no_range || !is_close(assessment, bundle));
}

/* The same if it is only planned; what has its head here already is not asked for whole. */
static bool would_come_whole(const struct assessment *assessment, enum way_kind kind,
			     const struct offer_bundle *bundle)
{
	return !assessment->keep && !assessment->heads[kind].found &&
	       is_asked_whole(assessment, kind, bundle) && is_nearly_all_wanted(assessment, kind);
}

static bool has_spare(const struct bundle *bundle)
{
	return bundle->scratch && scratch_is_file(bundle->scratch);
}

/* What came with the head lies in a file of its own until it is in its place. */
static uint64_t count_spare(const struct bundle *bundle)
{
	uint64_t bytes = 0;

	for (size_t i = 0; has_spare(bundle) && i < bundle->n_blocks; i++)
		if (bundle->blocks[i].is_inlined)
			bytes += bundle_long_align(bundle->blocks[i].length);
	return bytes;
}

/*
 * The most at one time, beside the head: its front, before all of it is kept (deploy/partial.h); that file while it is unpacked, with
 * the old files in it, too; or what is left of it, and the tree that grows.
 */
static uint64_t find_peak(const struct assessment *assessment, const struct bundle *bundle,
			  uint64_t front)
{
	uint64_t unpacking = has_spare(bundle) ? plan_round_up(scratch_size(bundle->scratch),
							       assessment->space.block_size) :
						 0;
	uint64_t growing = assessment->figures.peak_bytes + count_spare(bundle);

	return max(max(unpacking, growing), front);
}

static void set_cost(struct assessment *assessment, enum way_kind kind,
		     const struct offer_bundle *offered)
{
	const struct bundle *bundle = assessment->bundles[kind];
	const struct rebuild_figures *figures = &assessment->figures;
	const struct spans *spans = &assessment->spans[kind];
	const struct head *head = &assessment->heads[kind];
	uint64_t stored =
		head->found ? 0 : plan_round_up(bundle->head_length, assessment->space.block_size);
	bool fetch = !assessment->keep && !head->found;
	bool rest = assess_rest_is_wanted(assessment, kind) ||
		    would_come_whole(assessment, kind, offered);

	assessment->question.costs[kind] = (struct way_cost){
		.fetch_bytes = (fetch ? bundle->head_length : 0) +
			       (rest ? rest_of(assessment, kind) : spans->bytes),
		.requests = fetch + (rest ? 0 : spans->n_spans),
		.write_bytes = figures->write_bytes + 2 * stored, /* and its front */
		.peak_bytes = find_peak(assessment, bundle, assessment->keep ? 0 : stored) + stored,
		.peak_inodes = figures->peak_inodes + !head->found,
	};
}

int assess_spans(struct assessment *assessment, enum way_kind kind, struct error *err)
{
	spans_done(&assessment->spans[kind]);
	return spans_make(assessment->bundles[kind], wants, assessment->rebuild,
			  &assessment->spans[kind], err);
}

/* > 0: BUNDLE_BASE_DIFFERS. */
static int read_head(struct assessment *assessment, enum way_kind kind,
		     const struct offer_bundle *bundle, struct error *err)
{
	const struct head *head = &assessment->heads[kind];
	const struct decode_head what = {
		.dirfd = assessment->watcher->session->dirfd,
		.source = transaction_of(assessment)->origin,
		.source_index = assessment->running.index,
		.promise = { .index = &assessment->offer->index,
			     .length = bundle->length,
			     .text_max = bundle_text_max(assessment->offer->files,
							 assessment->offer->bytes) },
		.listener = &assessment->listener,
	};
	int shown;
	int r;

	if (kind != WAY_UPDATE)
		return bundle_decode_promised(head->bytes, head->size, NULL, &what.promise,
					      &assessment->bundles[kind], err);
	r = decode_head(&what, head->bytes, head->size, &assessment->bundles[kind], err);
	shown = relay_show(&assessment->relay, r < 0 ? NULL : err);
	return r >= 0 && shown < 0 ? shown : r;
}

/* > 0: BUNDLE_BASE_DIFFERS. */
static int read_bundle(struct assessment *assessment, enum way_kind kind,
		       const struct offer_bundle *bundle, struct error *err)
{
	int r = read_head(assessment, kind, bundle, err);

	if (r < 0)
		return error_prefix(err, r, "%s", assessment->urls[kind]);
	if (r > 0) {
		head_done(&assessment->heads[kind]);
		return r;
	}
	r = make_rebuild(assessment, assessment->bundles[kind]->index, err);
	if (r == 0)
		r = rebuild_resume(assessment->rebuild, assessment->bundles[kind], err);
	if (r == 0)
		rebuild_figures(assessment->rebuild, &assessment->figures);
	if (r == 0)
		r = assess_spans(assessment, kind, err);
	if (r == 0)
		set_cost(assessment, kind, bundle);
	return r;
}

static int get_head(struct assessment *assessment, enum way_kind kind,
		    const struct offer_bundle *bundle, struct error *err)
{
	const struct session *session = assessment->watcher->session;
	char hex[DIGEST_HEX_MAX];
	const struct head_options options = {
		.watcher = assessment->watcher,
		.fetcher = assessment->fetcher,
		.bundle = bundle,
		.url = assessment->urls[kind],
		.update = kind == WAY_UPDATE,
		.whole = (assessment->keep || assessment->no_range) &&
			 is_asked_whole(assessment, kind, bundle),
		.fresh = assessment->no_range,
		.keep = assessment->keep,
		.room = assessment->question.room_bytes,
	};
	int r;

	(void)snprintf(assessment->urls[kind], sizeof(assessment->urls[kind]), "%s/blobs/sha256/%s",
		       session->options->source.url, digest_to_hex(&bundle->blob, hex));
	r = head_get(&options, &assessment->heads[kind], err);
	assessment->resumed |= assessment->heads[kind].resumed;
	return r;
}

/*
 * Why it cannot be had, or is not worth a look; NULL: it may be. *ret_bundle is set then. Where no release runs, blocks are what lacks
 * in a torn slot.
 */
static const char *why_none(const struct assessment *assessment, enum way_kind kind, bool torn,
			    const struct offer_bundle **ret_bundle)
{
	const struct digest any = {};

	if (assessment->ruled_out[kind])
		return assessment->ruled_out[kind];
	if (assessment->question.policy.delta == WAY_OFF)
		return "Delta=off";
	if (!assessment->running.index && (kind == WAY_UPDATE || !torn))
		return "no release that runs can be built on";
	*ret_bundle = kind == WAY_UPDATE ?
			      offer_find_update(assessment->offer,
						&assessment->running.descriptor.index) :
			      offer_find_bundle(assessment->offer, &any);
	if (!*ret_bundle)
		return kind == WAY_UPDATE ? "none was published for the release that runs" :
					    "none was published";
	if (kind == WAY_UPDATE)
		return NULL;
	if (assessment->no_range)
		return "the server gives no ranges";
	if ((*ret_bundle)->head > assessment->offer->full_length / HEAD_PART)
		return "its head alone is more than a tenth of the full archive";
	return NULL;
}

/* Why it is not looked at; NULL: it is. */
static const char *why_not_look(const struct assessment *assessment, enum way_kind kind,
				const struct offer_bundle **ret_bundle)
{
	const struct way_cost *update = &assessment->question.costs[WAY_UPDATE];
	const char *why = why_none(assessment, kind, assessment->torn, ret_bundle);

	if (why || kind == WAY_UPDATE)
		return why;
	if (!update->why_not && update->fetch_bytes <= (*ret_bundle)->head)
		return "its head alone is not smaller than the update";
	if (!update->why_not && assessment->keep)
		return "none of its blocks is smaller than that of the update";
	return NULL;
}

/* A disk may have no room to unpack a head, and a head may be one of a later flipslot. NULL: that is not it. */
static const char *why_not_read(const struct assessment *assessment, enum way_kind kind,
				const struct error *err)
{
	if (kind == WAY_UPDATE && err->fault == FAULT_NO_SPACE)
		return "there is no room to unpack its head";
	if (assessment->bundles[kind] || err->fault != FAULT_CORRUPT)
		return NULL;
	session_tell(assessment->watcher->session, EVENT_WARNING, err->fault,
		     "%s; it is not used: update flipslot, or publish the release again",
		     err->text);
	return "its head is not one that this flipslot reads";
}

static int try_bundle(struct assessment *assessment, enum way_kind kind,
		      const struct offer_bundle *bundle, struct error *err)
{
	struct way_cost *cost = &assessment->question.costs[kind];
	struct error own = {};
	int r = read_bundle(assessment, kind, bundle, &own);

	cost->why_not = r > 0 ? "files of the release that runs were changed" : NULL;
	if (r >= 0)
		return 0;
	cost->why_not = why_not_read(assessment, kind, &own);
	if (cost->why_not) {
		head_done(&assessment->heads[kind]);
		return 0;
	}
	if (err)
		*err = own;
	return r;
}

static int weigh_bundle(struct assessment *assessment, enum way_kind kind, struct error *err)
{
	struct way_cost *cost = &assessment->question.costs[kind];
	const struct offer_bundle *bundle = NULL;
	int r;

	cost->why_not = why_not_look(assessment, kind, &bundle);
	if (cost->why_not)
		return 0;
	r = get_head(assessment, kind, bundle, err);
	if (r < 0)
		return r;
	if (r == 0)
		return try_bundle(assessment, kind, bundle, err);
	cost->why_not = head_why_none(r);
	return 0;
}

int assess_run(struct assessment *assessment, struct error *err)
{
	int r = look_at_slots(assessment, err);

	if (r < 0)
		return r;
	relay_init(&assessment->relay, assessment->watcher);
	assessment->listener = relay_listener(&assessment->relay);
	set_room(assessment);
	if (assessment->filled)
		return 0;
	weigh_full(assessment);
	r = session_fetcher(assessment->watcher->session, &assessment->own, &assessment->fetcher,
			    err);
	for (enum way_kind kind = 0; kind < WAY_FULL && r == 0; kind++)
		r = weigh_bundle(assessment, kind, err);
	return r;
}

bool assess_may_forget(const struct assessment *assessment)
{
	const struct way_cost *costs = assessment->question.costs;
	const struct offer_bundle *bundle;

	if (assessment->torn)
		return false;
	if (assessment->running.index)
		return !costs[WAY_UPDATE].why_not || !costs[WAY_BLOCKS].why_not;
	return !why_none(assessment, WAY_BLOCKS, true, &bundle);
}

int assess_turn(struct assessment *assessment, const char *why, bool *ret_turn, struct error *err)
{
	struct way_answer answer;
	int r;

	assessment->question.costs[WAY_UPDATE].why_not = why;
	r = weigh_bundle(assessment, WAY_BLOCKS, err);
	if (r < 0)
		return r;
	*ret_turn = way_decide(&assessment->question, &answer, NULL) == 0 &&
		    answer.kind == WAY_BLOCKS;
	return 0;
}
