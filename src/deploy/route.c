#include "deploy/route.h"

#include <stdio.h>
#include <string.h>

#include "deploy/allowance.h"
#include "deploy/blob.h"
#include "deploy/delta.h"
#include "deploy/full.h"
#include "deploy/partial.h"
#include "install/staged.h"

#define SIZE_TEXT_MAX 32

/* What earlier rounds of the same staging have found out. */
struct experience {
	const char *ruled_out[WAY_MAX];
	bool no_range;
};

static char *show_size(uint64_t bytes, char ret_text[static SIZE_TEXT_MAX])
{
	if (bytes < 1000)
		(void)snprintf(ret_text, SIZE_TEXT_MAX, "%u bytes", (unsigned int)bytes);
	else if (bytes < 1000000)
		(void)snprintf(ret_text, SIZE_TEXT_MAX, "%.1f kB", (double)bytes / 1e3);
	else
		(void)snprintf(ret_text, SIZE_TEXT_MAX, "%.1f MB", (double)bytes / 1e6);
	return ret_text;
}

static void tell_decision(const struct assessment *assessment, const struct way_answer *answer)
{
	const struct session *session = assessment->watcher->session;
	const struct way_cost *chosen = &assessment->question.costs[answer->kind];
	const struct way_cost *cheapest = &assessment->question.costs[answer->cheapest];
	char size[SIZE_TEXT_MAX];
	char more[SIZE_TEXT_MAX];

	if (answer->kind == answer->cheapest)
		return;
	session_tell(session, EVENT_NOTE, FAULT_NONE,
		     "there is no room for the cheapest way (%s, %s to fetch): %s, %s more",
		     way_name(answer->cheapest), show_size(cheapest->fetch_bytes, size),
		     way_name(answer->kind),
		     show_size(chosen->fetch_bytes - cheapest->fetch_bytes, more));
}

static void tell_result(const struct assessment *assessment, enum way_kind kind)
{
	const struct watcher *watcher = assessment->watcher;
	struct state_transaction *transaction = &watcher->session->state.transaction;
	const struct rebuild_figures *figures = &assessment->figures;
	uint64_t reused = figures->kept_files + figures->local_files;
	char fetched[SIZE_TEXT_MAX];
	char full[SIZE_TEXT_MAX];
	char files[96] = "";

	if (kind != WAY_FULL) {
		transaction->files = reused + figures->wanted_files;
		transaction->reused = reused;
		(void)snprintf(files, sizeof(files), "; %llu of %llu files reused",
			       (unsigned long long)reused, (unsigned long long)transaction->files);
	}
	session_tell(watcher->session, EVENT_NOTE, FAULT_NONE,
		     "fetched %s of %s in %llu request%s%s",
		     show_size(transaction->fetched, fetched),
		     show_size(assessment->offer->full_length, full),
		     (unsigned long long)transaction->requests,
		     transaction->requests == 1 ? "" : "s", files);
}

/* > 0: another round, wiser. */
static int go_by_bundle(struct assessment *assessment, enum way_kind kind,
			struct experience *experience, struct error *err)
{
	struct descriptor descriptor = full_describe(assessment->watcher, assessment->offer);
	bool knew = experience->no_range;
	const char *why = NULL;
	int r = delta_stage(assessment, kind, &descriptor, &why, err);

	if (r <= 0)
		return r;
	experience->no_range = assessment->no_range;
	if (kind != WAY_UPDATE || knew || !experience->no_range)
		experience->ruled_out[kind] = why;
	session_tell(assessment->watcher->session, EVENT_NOTE, FAULT_NONE, "%s: %s: %s",
		     way_name(kind), assessment->urls[kind], why);
	return r;
}

static int go(struct assessment *assessment, enum way_kind kind, struct experience *experience,
	      struct error *err)
{
	struct watcher *watcher = assessment->watcher;
	const struct offer *offer = assessment->offer;
	int r;

	if (kind != WAY_FULL) {
		r = go_by_bundle(assessment, kind, experience, err);
	} else {
		bool forget = assess_may_forget(assessment);

		assess_done(assessment); /* its memory */
		*assessment = (struct assessment){ .watcher = watcher, .offer = offer };
		r = full_stage(watcher, offer, forget, err);
	}
	if (r == 0)
		tell_result(assessment, kind);
	return r;
}

static int go_round(struct watcher *watcher, const struct offer *offer,
		    struct experience *experience, struct error *err)
{
	_cleanup_assess_ struct assessment assessment = {
		.watcher = watcher,
		.offer = offer,
		.keep = true,
		.no_range = experience->no_range,
	};
	struct way_answer answer = {};
	int r;

	memcpy(assessment.ruled_out, experience->ruled_out, sizeof(assessment.ruled_out));
	r = assess_run(&assessment, err);
	if (r == 0)
		r = way_decide(&assessment.question, &answer, err);
	if (r < 0)
		return r;
	tell_decision(&assessment, &answer);
	return go(&assessment, answer.kind, experience, err);
}

int route_drop(struct session *session, struct error *err)
{
	_cleanup_close_ int staging_fd = -1;
	int r = staged_open_dir(session->dirfd, &staging_fd, err);

	if (r != 0)
		return r < 0 ? r : 0;
	r = staged_tidy(staging_fd, NULL, err);
	if (r == 0)
		r = head_drop(session, err);
	if (r == 0)
		r = partial_drop(session->dirfd, err);
	return r < 0 ? r : blob_drop(session, err);
}

/* Every round but the last has ruled out a way, or found out that there are no ranges. */
int route_stage(struct watcher *watcher, const struct offer *offer, struct error *err)
{
	struct experience experience = {};
	int settled;
	int r;

	do
		r = go_round(watcher, offer, &experience, err);
	while (r > 0);
	settled = allowance_settle(watcher, r < 0 ? NULL : err);
	if (r < 0 || settled < 0)
		return r < 0 ? r : settled;
	return route_drop(watcher->session, err);
}
