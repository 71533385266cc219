#include "deploy/delta.h"

#include "deploy/gather.h"

/* All that is wanted of this bundle. > 0: as gather_run. */
static int gather(struct assessment *assessment, enum way_kind kind, struct taker *taker,
		  struct error *err)
{
	const struct gather_options options = {
		.watcher = assessment->watcher,
		.fetcher = assessment->fetcher,
		.url = assessment->urls[kind],
		.bundle = assessment->bundles[kind],
		.spans = &assessment->spans[kind],
		.rest = assess_rest_is_wanted(assessment, kind) ? assessment->heads[kind].rest :
								  NULL,
		.relay = &assessment->relay,
		.taker = taker,
	};
	int shown;
	int r;

	if (!options.rest)
		head_done(&assessment->heads[kind]);
	r = gather_run(&options, err);
	head_done(&assessment->heads[kind]);
	if (r < 0)
		return r;
	shown = relay_show(&assessment->relay, err);
	return shown < 0 ? shown : r;
}

/* Files that were found changed are wanted only then: of the same bundle once more what it has of them. */
static int gather_twice(struct assessment *assessment, enum way_kind kind, struct taker *taker,
			struct error *err)
{
	int r = gather(assessment, kind, taker, err);

	if (r != 0 || rebuild_count_wanted(assessment->rebuild) == 0)
		return r;
	r = assess_spans(assessment, kind, err);
	if (r < 0 || assessment->spans[kind].n_spans == 0)
		return r;
	return gather(assessment, kind, taker, err);
}

static const char *explain(const struct assessment *assessment, enum way_kind kind, int outcome)
{
	if (outcome == GATHER_ABSENT)
		return "the server lacks it";
	if (outcome == GATHER_NO_RANGE)
		return "the server gives no ranges";
	return kind == WAY_UPDATE ? "files of the release that runs were changed" :
				    "it lacks some of the files";
}

/* > 0: DELTA_SHORT */
static int gather_all(struct assessment *assessment, enum way_kind kind, const char **ret_why,
		      struct error *err)
{
	_cleanup_(taker_freep) struct taker *taker = NULL;
	bool turn = false;
	int r = taker_new(assessment->rebuild, &assessment->relay, &taker, err);

	if (r < 0)
		return r;
	assessment->watcher->touched = true;
	r = gather_twice(assessment, kind, taker, err);
	while (r >= 0) {
		if (r == 0 && rebuild_count_wanted(assessment->rebuild) == 0)
			return 0;
		*ret_why = explain(assessment, kind, r);
		assessment->no_range |= r == GATHER_NO_RANGE;
		if (kind == WAY_UPDATE)
			r = assess_turn(assessment, *ret_why, &turn, err);
		if (r < 0 || kind != WAY_UPDATE || !turn)
			return r < 0 ? r : DELTA_SHORT;
		session_tell(assessment->watcher->session, EVENT_NOTE, FAULT_NONE,
			     "%s: %s: the rest comes as blocks", assessment->urls[kind], *ret_why);
		kind = WAY_BLOCKS;
		r = gather_twice(assessment, kind, taker, err);
	}
	return r;
}

/*
 * Before the sync, so that they need not be written to the disk: a worker that is killed in it costs the next one a head. Only once:
 * what a worker has found in staging/, or needs for a torn slot, stays to its end.
 */
static int forget_heads(const struct assessment *assessment, struct error *err)
{
	return assessment->resumed || assessment->torn ?
		       0 :
		       head_drop(assessment->watcher->session, err);
}

int delta_stage(struct assessment *assessment, enum way_kind kind, struct descriptor *descriptor,
		const char **ret_why, struct error *err)
{
	const struct session *session = assessment->watcher->session;
	int r = rebuild_check_space(assessment->rebuild, session->options->stage.reserve_bytes,
				    err);

	if (r == 0)
		r = gather_all(assessment, kind, ret_why, err);
	if (r == 0)
		r = forget_heads(assessment, err);
	return r != 0 ? r : rebuild_finish(assessment->rebuild, descriptor, err);
}
