#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "app/cli.h"
#include "app/config.h"
#include "app/format.h"
#include "app/prospect.h"
#include "app/status-json.h"
#include "app/verbs.h"
#include "deploy/allowance.h"
#include "deploy/update.h"

static void on_event(void *data, const struct event *event)
{
	const char *app = data;

	if (event->kind == EVENT_WARNING && event->text)
		(void)fprintf(stderr, "%s: %s\n", app, event->text);
}

static int look(struct prospect *view, const struct deploy_options *options,
		const struct event_listener *listener, struct error *err)
{
	int r = prospect_ask(view, options, listener, err);

	if (r < 0)
		return r;
	if (r == SOURCE_NONE)
		return error_set(err, FAULT_CONFIG, "the source offers nothing for %s", view->app);
	if (!view->release.offer)
		return error_set(
			err, FAULT_CONFIG,
			"what TargetPattern= names has no descriptor: it is fetched whole");
	return prospect_assess(view, err);
}

/* ---- text ---- */

static void print_ways(const struct prospect *view)
{
	for (enum way_kind kind = 0; kind < WAY_MAX; kind++) {
		const struct way_cost *cost = &view->assessment.question.costs[kind];
		bool chosen = view->decided && view->answer.kind == kind;
		char fetch[FORMAT_MAX];
		char write[FORMAT_MAX];
		char peak[FORMAT_MAX];

		if (cost->why_not)
			printf("    %-7s no: %s\n", way_name(kind), cost->why_not);
		else
			printf("  %c %-7s fetches %s in %" PRIu64
			       " request%s, writes %s; at most %s "
			       "and %" PRIu64 " inodes more on the disk\n",
			       chosen ? '*' : ' ', way_name(kind),
			       format_size(cost->fetch_bytes, fetch), cost->requests,
			       cost->requests == 1 ? "" : "s",
			       format_size(cost->write_bytes, write),
			       format_size(cost->peak_bytes, peak), cost->peak_inodes);
	}
}

static void print_reuse(const struct assessment *assessment)
{
	const struct rebuild_figures *figures = &assessment->figures;
	char kept[FORMAT_MAX];
	char local[FORMAT_MAX];
	char wanted[FORMAT_MAX];

	if (!assessment->rebuild)
		return;
	printf("  files: %" PRIu64 " stay as they are (%s), %" PRIu64
	       " are on this disk (%s%s), %" PRIu64 " must come (%s unpacked)\n",
	       figures->kept_files, format_size(figures->kept_bytes, kept), figures->local_files,
	       format_size(figures->local_bytes, local), figures->reflink ? ", shared" : "",
	       figures->wanted_files, format_size(figures->wanted_bytes, wanted));
}

/* The version that is overwritten; "": none. */
static const char *replaced_by(const struct assessment *assessment)
{
	return assessment->filled ? "" : assessment->replaced.version;
}

static void print_today(const struct prospect *view)
{
	uint64_t left = allowance_left(&view->session);
	const struct way_cost *cost = &view->assessment.question.costs[view->answer.kind];
	char size[FORMAT_MAX];

	if (left != UINT64_MAX)
		printf("  MaxBytesPerDay=: %s left today%s\n", format_size(left, size),
		       view->decided && cost->fetch_bytes >= left ? ", so it goes on tomorrow" :
								    "");
}

static void print_text(const struct prospect *view)
{
	const struct assessment *assessment = &view->assessment;
	const struct offer *offer = view->release.offer;
	const char *replaced = replaced_by(assessment);
	char room[FORMAT_MAX];

	printf("%s: %s (sequence %" PRIu64 ")%s\n", view->app, offer->version, offer->sequence,
	       view->session.checked.news ? "" : ", which is known good here already");
	if (update_is_nothing(&view->session, offer)) {
		printf("  an update changes nothing, as long as it is intact: flipslot verify %s\n",
		       view->app);
		return;
	}
	if (assessment->filled)
		printf("  slot %s holds it already: nothing is fetched or written, it is only switched to\n",
		       slot_name(view->session.state.transaction.target));
	else
		print_ways(view);
	print_reuse(assessment);
	print_today(view);
	printf("  room: %s beside Reserve=\n", format_size(assessment->question.room_bytes, room));
	if (view->data[0])
		printf("  data: epoch %" PRIu64 " is new, so %s\n", offer->epoch, view->data);
	else if (view->one_way)
		printf("  a rollback would be impossible: it writes data of epoch %" PRIu64
		       ", which what runs cannot read: --accept-no-rollback\n",
		       offer->epoch);
	if (replaced[0])
		printf("  replaces %s in slot %s, which cannot be gone back to from then on\n",
		       replaced, slot_name(view->session.state.transaction.target));
	if (view->decided && view->answer.kind != view->answer.cheapest)
		printf("  there is no room for the cheapest way, %s\n",
		       way_name(view->answer.cheapest));
}

/* ---- JSON ---- */

static json_t *ways_json(const struct prospect *view)
{
	json_t *ways = json_array();

	for (enum way_kind kind = 0; kind < WAY_MAX; kind++) {
		const struct way_cost *cost = &view->assessment.question.costs[kind];
		json_t *way = cost->why_not ? json_pack("{s:s,s:s}", "way", way_name(kind),
							"why_not", cost->why_not) :
					      json_pack("{s:s,s:n,s:I,s:I,s:I,s:I,s:I}", "way",
							way_name(kind), "why_not", "fetch_bytes",
							(json_int_t)cost->fetch_bytes, "requests",
							(json_int_t)cost->requests, "write_bytes",
							(json_int_t)cost->write_bytes, "peak_bytes",
							(json_int_t)cost->peak_bytes, "peak_inodes",
							(json_int_t)cost->peak_inodes);

		(void)json_array_append_new(ways, way);
	}
	return ways;
}

static json_t *files_json(const struct assessment *assessment)
{
	const struct rebuild_figures *figures = &assessment->figures;

	if (!assessment->rebuild)
		return json_null();
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:b}", "kept", (json_int_t)figures->kept_files,
			 "kept_bytes", (json_int_t)figures->kept_bytes, "local",
			 (json_int_t)figures->local_files, "local_bytes",
			 (json_int_t)figures->local_bytes, "wanted",
			 (json_int_t)figures->wanted_files, "wanted_bytes",
			 (json_int_t)figures->wanted_bytes, "shared", figures->reflink);
}

static json_t *today_json(const struct prospect *view)
{
	uint64_t left = allowance_left(&view->session);

	return left == UINT64_MAX ? json_null() : json_integer((json_int_t)left);
}

static int print_json(const struct prospect *view, struct error *err)
{
	const struct assessment *assessment = &view->assessment;
	const struct offer *offer = view->release.offer;

	return status_json_print(
		json_pack("{s:s,s:s,s:I,s:b,s:b,s:s?,s:s?,s:s,s:o,s:o,s:o,s:I,s:I,s:s,s:I,s:b,s:s?}",
			  "app", view->app, "version", offer->version, "sequence",
			  (json_int_t)offer->sequence, "update", view->session.checked.news,
			  "filled", assessment->filled, "way",
			  view->decided ? way_name(view->answer.kind) : NULL, "cheapest",
			  view->decided ? way_name(view->answer.cheapest) : NULL, "why_none",
			  view->why.text, "ways", ways_json(view), "files", files_json(assessment),
			  "today_bytes", today_json(view), "room_bytes",
			  (json_int_t)assessment->question.room_bytes, "room_inodes",
			  (json_int_t)(assessment->question.room_inodes > INT64_MAX ?
					       INT64_MAX :
					       assessment->question.room_inodes),
			  "replaces", replaced_by(assessment), "epoch", (json_int_t)offer->epoch,
			  "rollback", !view->one_way || view->data[0], "data",
			  view->data[0] ? view->data : NULL),
		err);
}

static int show(const char *app, bool json, struct error *err)
{
	_cleanup_(config_freep) struct config *config = NULL;
	const struct event_listener listener = { .handle = on_event, .data = (void *)app };
	_cleanup_(prospect_done) struct prospect view = {
		.app = app,
		.session = PROSPECT_SESSION,
	};
	int r = cli_load(app, &config, err);

	if (r == 0)
		r = look(&view, config_deploy(config), &listener, err);
	if (r < 0)
		return r;
	assert(view.release.offer);
	if (json)
		r = print_json(&view, err);
	else
		print_text(&view);
	if (r == 0 && !view.decided && !update_is_nothing(&view.session, view.release.offer))
		return error_set(err, view.why.fault, "%s", view.why.text);
	return r;
}

int verb_plan(const struct cli_verb *verb, int argc, char **argv)
{
	bool json = false;
	const struct cli_option options[] = {
		{ "json", '\0', NULL, "print the plan as JSON", .flag = &json },
		{},
	};
	struct error err = {};
	char **operands;
	int r;

	r = cli_begin(verb, options, 1, 1, argc, argv, &operands);
	if (r == CLI_GO)
		r = cli_need_root(verb);
	if (r != CLI_GO)
		return r;
	return show(operands[0], json, &err) < 0 ? cli_fail(&err) : 0;
}
