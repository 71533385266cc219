/*
 * What each way to a release would cost this machine: asks the disk, and fetches heads of bundles as far as they are
 * worth it. An update has each wanted file as blocks that are no larger than those of the bundle without a base (release/bundle.h), so
 * that whoever has its head looks at the other only when the update fails. Nothing is written but those heads, if they are to be kept.
 */
#pragma once

#include "deploy/head.h"
#include "deploy/relay.h"
#include "deploy/spans.h"
#include "install/plan.h"

enum { ASSESS_BUNDLES = WAY_FULL }; /* the ways before it are bundles */

struct assessment {
	struct watcher *watcher;
	const struct offer *offer; /* borrowed, as the watcher */
	bool keep; /* it shall be done: heads are kept, the rest behind one may be on its way already */
	bool filled; /* the slot holds it already, sealed: no way costs anything */
	bool no_range; /* the server is known to give none */
	const char *ruled_out[WAY_MAX]; /* why; NULL: it is not */

	struct fetcher *own; /* what session_fetcher gave */
	struct fetcher *fetcher;
	struct seal running; /* index NULL: none */
	struct descriptor
		replaced; /* what the slot to be overwritten holds; version "": nothing whole */
	struct plan_space space;
	struct relay relay;
	struct rebuild_listener listener;
	char urls[ASSESS_BUNDLES][600];
	struct head heads[ASSESS_BUNDLES];
	bool resumed; /* one of them was in staging/ */
	bool torn; /* the slot has files, and no seal: a worker did not come to its end */
	struct bundle *bundles[ASSESS_BUNDLES];
	struct spans spans[ASSESS_BUNDLES];
	struct rebuild *rebuild; /* NULL: no bundle was looked at */
	struct rebuild_figures figures; /* of it */
	struct way_question question; /* the costs */
};

/*
 * watcher, offer, keep, no_range and ruled_out are set, the rest is zero. A way that cannot be gone is no error; one that
 * a server lies about is (FAULT_UNTRUSTED), and -EDQUOT.
 */
int assess_run(struct assessment *assessment, struct error *err);
void assess_done(struct assessment *assessment);
#define _cleanup_assess_ _cleanup_(assess_done)

/*
 * May the archive be given up once all of it is in the slot? Who is killed then gets by a bundle what the slot lacks; but only once: in
 * a torn slot it is kept. Asked after assess_run.
 */
bool assess_may_forget(const struct assessment *assessment);

/* Is the rest behind the head all that is wanted, or nearly? */
bool assess_rest_is_wanted(const struct assessment *assessment, enum way_kind kind);

/* What is wanted of a bundle may be more, or less, once others were taken: chooses the ranges anew. */
int assess_spans(struct assessment *assessment, enum way_kind kind, struct error *err);

/*
 * The way by the update does not lead to the end: why. Is the one by blocks the one to go on with? Then its cost and spans are
 * there, and the rebuild goes on.
 */
int assess_turn(struct assessment *assessment, const char *why, bool *ret_turn, struct error *err);
