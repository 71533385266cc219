#include "app/round.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/ask.h"
#include "app/look.h"
#include "app/result.h"
#include "base/parse.h"
#include "base/scope.h"
#include "base/text.h"
#include "deploy/source.h"

#define LOOK_MSEC  200
#define PAUSE_USEC (3000 * USEC_PER_SEC) /* from one tick to the next is an hour, more or less */

/* ---- members ---- */

struct candidate {
	char app[STATE_GROUP_MAX];
	unsigned int order;
};

static int compare(const void *a, const void *b)
{
	const struct candidate *x = a;
	const struct candidate *y = b;

	return x->order != y->order ? (x->order > y->order) - (x->order < y->order) :
				      strcmp(x->app, y->app);
}

/* > 0: it is no member. */
static int look_at_app(const char *app, const char *name, struct candidate *ret_candidate,
		       struct error *err)
{
	_cleanup_(config_freep) struct config *config = NULL;
	const struct deploy_options *options;
	int r = cli_load(app, &config, err);

	if (r < 0)
		return r;
	options = config_deploy(config);
	if (!options->group || strcmp(options->group, name) != 0)
		return 1;
	(void)text_copy(app, ret_candidate->app, sizeof(ret_candidate->app));
	ret_candidate->order = options->group_order;
	return 0;
}

int round_members(const char *name, struct group *ret_group, struct error *err)
{
	_cleanup_(parse_argv_freep) char **apps = NULL;
	struct candidate found[GROUP_MEMBERS_MAX];
	size_t n = 0;
	int r = config_list(&apps, err);

	for (char **app = apps; r >= 0 && app && *app; app++) {
		struct candidate candidate;

		r = look_at_app(*app, name, &candidate, err);
		if (r == 0 && n == GROUP_MEMBERS_MAX)
			return error_set(err, FAULT_CONFIG, "group %s has more than %d members",
					 name, GROUP_MEMBERS_MAX);
		if (r == 0)
			found[n++] = candidate;
	}
	if (r < 0)
		return r;
	if (n < 2)
		return error_set(err, FAULT_CONFIG,
				 "group %s has %s: its members have `[Group]` and `Name=%s` in "
				 "their configuration",
				 name, n == 0 ? "no member" : "one member only", name);
	qsort(found, n, sizeof(*found), compare);
	*ret_group = (struct group){};
	for (size_t i = 0; i < n; i++)
		(void)text_copy(found[i].app, ret_group->members[i].app,
				sizeof(ret_group->members[i].app));
	return 0;
}

/* ---- the record ---- */

int round_load(const char *name, struct group *ret_group, struct error *err)
{
	_cleanup_close_ int dirfd = -1;
	int r = group_open_dir(scope_dir(SCOPE_STATE), name, &dirfd, err);

	return r != 0 ? r : group_load(dirfd, ret_group, err);
}

/* For this app: NULL any, so that a new one is wanted. */
static bool is_joinable(struct group *group, const char *app)
{
	const struct group_member *member = app ? group_find(group, app) : NULL;
	uint64_t now = clock_realtime_usec();

	return member && member->step == GROUP_ABSENT && group->verdict == GROUP_OPEN &&
	       (!group_is_over(group) ||
		(now >= group->began && now - group->began < GROUP_JOIN_USEC));
}

static int refuse_busy(const char *name, struct group *group, struct error *err)
{
	for (size_t i = 0; i < GROUP_MEMBERS_MAX && group->members[i].app[0]; i++)
		if (group->members[i].step != GROUP_ABSENT && group->members[i].step != GROUP_ENDED)
			return error_set(err, FAULT_BUSY,
					 "group %s is in the middle of a round: %s is %s; see "
					 "`flipslot group %s`",
					 name, group->members[i].app,
					 group_step_name(group->members[i].step), name);
	return error_set(err, FAULT_BUSY, "group %s is in the middle of a round", name);
}

/* A new round takes the place of one that is over; with an app, the open one does. */
static int open_round(const char *name, const char *app, struct group *ret_group, struct error *err)
{
	const char *state = scope_dir(SCOPE_STATE);
	_cleanup_close_ int dirfd = -1;
	_cleanup_close_ int lock_fd = -1;
	struct request who = {};
	struct group group;
	int r;

	r = group_create(state, name, err);
	if (r >= 0)
		r = group_open_dir(state, name, &dirfd, err);
	if (r >= 0)
		r = group_lock(dirfd, &lock_fd, err);
	if (r >= 0)
		r = group_load(dirfd, &group, err);
	if (r < 0)
		return r;
	if (is_joinable(&group, app)) {
		*ret_group = group;
		return 0;
	}
	if (!group_is_over(&group))
		return refuse_busy(name, &group, err);
	r = round_members(name, &group, err);
	if (r >= 0)
		r = ask_prepare(&who, err);
	if (r < 0)
		return r;
	(void)text_copy(who.id, group.round, sizeof(group.round));
	(void)text_copy(who.who, group.who, sizeof(group.who));
	group.began = clock_realtime_usec();
	r = group_store(dirfd, &group, err);
	if (r < 0)
		return r;
	*ret_group = group;
	return 0;
}

static void bind_request(const char *name, const struct group *group, struct request *request)
{
	(void)text_copy(name, request->group, sizeof(request->group));
	(void)text_copy(group->round, request->round, sizeof(request->round));
}

int round_take_part(const char *name, const char *app, struct request *request, struct error *err)
{
	struct group group;
	int r;

	if (!parse_is_app_name(name))
		return error_set(err, FAULT_CONFIG, "--group: there is no group of that name");
	r = open_round(name, app, &group, err);
	if (r < 0)
		return r;
	if (!group_find(&group, app))
		return error_set(err, FAULT_CONFIG, "%s is no member of group %s", app, name);
	bind_request(name, &group, request);
	return 0;
}

/* Somebody could not be asked: nobody shall go on. */
static void give_up(const char *name, const char *round, const char *app, const struct error *why)
{
	_cleanup_close_ int dirfd = -1;
	_cleanup_close_ int lock_fd = -1;
	struct group group;

	if (group_open_dir(scope_dir(SCOPE_STATE), name, &dirfd, NULL) != 0 ||
	    group_lock(dirfd, &lock_fd, NULL) < 0 || group_load(dirfd, &group, NULL) < 0 ||
	    strcmp(group.round, round) != 0)
		return;
	if (group_veto(&group, app, why->fault, why->text))
		(void)group_store(dirfd, &group,
				  NULL); /* else they wait for it in vain, and end so */
}

/* ---- unattended ---- */

static const char *why_not(const struct config *config, int dirfd, const struct state *state,
			   const struct checked *checked)
{
	const struct deploy_options *options = config_deploy(config);

	if (!options->source.auto_install)
		return "has no Auto=yes";
	if (state->phase != PHASE_IDLE)
		return "is in the middle of a transaction";
	if (!look_has_news(checked))
		return "has nothing new";
	if (state_is_held(state, clock_realtime_usec()))
		return "is held";
	if (state_is_bad(state, &checked->offer.digest))
		return "has nothing new but what was rolled back before";
	if (source_is_one_way(options, dirfd, &checked->offer.digest))
		return "has something new that changes its data, and could not be rolled back";
	return NULL;
}

static int look_at_member(const char *app, char *ret_why, size_t room, struct error *err)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_close_ int dirfd = -1;
	struct checked checked = {};
	const char *why;
	struct state state;
	int r = cli_open(app, &config, &dirfd, err);

	if (r >= 0)
		r = state_load(dirfd, &state, err);
	if (r >= 0)
		r = checked_load(dirfd, &checked, err);
	if (r < 0)
		return error_prefix(err, r, "%s", app);
	why = why_not(config, dirfd, &state, &checked);
	if (why)
		(void)text_print(ret_why, room, "%s %s", app, why);
	return why ? ROUND_NOT_DUE : 0;
}

int round_is_due(const char *name, char *ret_why, size_t room, struct error *err)
{
	uint64_t now = clock_realtime_usec();
	struct group group = {}, last = {};
	int r = round_members(name, &group, err);

	if (r >= 0)
		r = round_load(name, &last, err);
	if (r < 0)
		return r;
	if (last.round[0] && now >= last.began && now - last.began < PAUSE_USEC) {
		(void)text_copy("the last round began within the hour", ret_why, room);
		return ROUND_NOT_DUE;
	}
	for (size_t i = 0; r >= 0 && i < GROUP_MEMBERS_MAX && group.members[i].app[0]; i++) {
		r = look_at_member(group.members[i].app, ret_why, room, err);
		if (r != 0)
			return r;
	}
	return 0;
}

/* ---- asking ---- */

static int ask_member(const char *app, struct request request, struct error *err)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_close_ int dirfd = -1;
	struct state state;
	int r;

	r = cli_open(app, &config, &dirfd, err);
	if (r >= 0)
		r = ask_prepare(&request, err);
	if (r >= 0)
		r = ask_worker(app, dirfd, &request, -1, &state, err);
	if (r < 0)
		return r;
	return state.accepted ? 0 : error_set(err, FAULT_BUSY, "refused: %s", state.answer);
}

static int ask_all(const struct round_errand *errand, const struct group *group,
		   struct request request, struct error *err)
{
	bind_request(errand->name, group, &request);
	if (errand->if_all)
		(void)text_copy("timer of the group", request.why, sizeof(request.why));
	for (size_t i = 0; i < GROUP_MEMBERS_MAX && group->members[i].app[0]; i++) {
		const char *app = group->members[i].app;
		int r = ask_member(app, request, err);

		if (r < 0) {
			give_up(errand->name, group->round, app, err);
			return error_prefix(err, r, "%s", app);
		}
	}
	return 0;
}

/* ---- following ---- */

json_t *round_json(const char *name, const struct group *group)
{
	json_t *members = json_array();

	for (size_t i = 0; i < GROUP_MEMBERS_MAX && group->members[i].app[0]; i++)
		(void)json_array_append_new(
			members, json_pack("{s:s,s:s}", "app", group->members[i].app, "step",
					   group_step_name(group->members[i].step)));
	return json_pack("{s:s,s:s,s:I,s:s,s:s,s:s,s:s,s:s,s:o}", "group", name, "round",
			 group->round, "began_usec", (json_int_t)group->began, "who", group->who,
			 "verdict", group_verdict_name(group->verdict), "culprit", group->culprit,
			 "fault", group->fault == FAULT_NONE ? "" : fault_name(group->fault),
			 "reason", group->reason, "members", members);
}

static void tell_changes(const struct round_errand *errand, const struct group *before,
			 const struct group *now)
{
	json_t *json;
	bool changed = now->verdict != before->verdict;

	for (size_t i = 0; i < GROUP_MEMBERS_MAX; i++)
		changed = changed || now->members[i].step != before->members[i].step;
	if (!changed)
		return;
	if (errand->json) {
		json = round_json(errand->name, now);
		(void)json_dumpf(json, stdout, JSON_COMPACT);
		(void)putchar('\n');
		json_decref(json);
	}
	for (size_t i = 0; !errand->json && i < GROUP_MEMBERS_MAX; i++)
		if (now->members[i].step != before->members[i].step)
			printf("%s: %s is %s\n", errand->name, now->members[i].app,
			       group_step_name(now->members[i].step));
	if (!errand->json && now->verdict != before->verdict)
		printf("%s: decided: %s%s%s%s%s\n", errand->name, group_verdict_name(now->verdict),
		       now->culprit[0] ? ", for " : "", now->culprit, now->reason[0] ? ": " : "",
		       now->reason);
	(void)fflush(stdout);
}

/* How each of them ended. */
static void tell_ends(const struct group *group)
{
	for (size_t i = 0; i < GROUP_MEMBERS_MAX && group->members[i].app[0]; i++) {
		_cleanup_(config_freep) struct config *config = NULL;
		_cleanup_close_ int dirfd = -1;
		struct state state;

		if (cli_open(group->members[i].app, &config, &dirfd, NULL) < 0 ||
		    state_load(dirfd, &state, NULL) < 0 ||
		    strcmp(state.transaction.round, group->round) != 0)
			continue;
		printf("%s: %s %s: %s\n", group->members[i].app,
		       outcome_name(state.transaction.outcome), state.transaction.release.version,
		       state.transaction.reason);
	}
}

static int follow(const struct round_errand *errand, const struct group *opened, struct error *err)
{
	struct group before = *opened;
	struct group now = *opened;
	int r;

	for (;;) {
		r = round_load(errand->name, &now, err);
		if (r < 0)
			return r;
		if (strcmp(now.round, opened->round) != 0) /* over, and the next one began */
			break;
		tell_changes(errand, &before, &now);
		before = now;
		if (now.verdict != GROUP_OPEN && group_is_over(&now))
			break;
		(void)poll(NULL, 0, LOOK_MSEC);
	}
	if (!errand->json)
		tell_ends(&before);
	if (before.verdict == GROUP_ALL)
		return 0;
	return error_set(err, before.fault == FAULT_NONE ? FAULT_BUSY : before.fault,
			 "group %s: nothing was changed for good: %s: %s", errand->name,
			 before.culprit, before.reason);
}

int round_run(const struct round_errand *errand, const struct request *wish)
{
	char why[STATE_REASON_MAX];
	struct error err = {};
	struct group group = {};
	int r = cli_need_root(errand->verb);

	if (r != CLI_GO)
		return r;
	if (!parse_is_app_name(errand->name))
		return cli_refuse(errand->verb, "--group: that is no name of a group");
	if (errand->if_all) {
		r = round_is_due(errand->name, why, sizeof(why), &err);
		if (r < 0)
			return cli_fail(&err);
		if (r > 0)
			return printf("%s: no timer installs anything: %s\n", errand->name, why) <
			       0;
	}
	if (open_round(errand->name, NULL, &group, &err) < 0 ||
	    ask_all(errand, &group, *wish, &err) < 0)
		return cli_fail(&err);
	if (errand->no_follow)
		return 0;
	return follow(errand, &group, &err) < 0 ? cli_fail(&err) : 0;
}
