#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/errand.h"
#include "app/fault-release.h"
#include "app/marker.h"
#include "app/status.h"
#include "app/verbs.h"
#include "base/scope.h"
#include "base/text.h"
#include "store/layout.h"

/* What is known before: from where, to where. */
struct drill {
	const struct cli_verb *verb;
	const char *app;
	bool json;
	enum slot home, other;
	char home_version[STATE_VERSION_MAX], other_version[STATE_VERSION_MAX];
	uint64_t home_epoch;
	bool held; /* before: then it stays so */
	bool marks; /* the broken release writes the marker */
	struct marker marker;
	uint64_t away[2], took[2]; /* usec, there and back */
};

/* What cannot be rehearsed is said. */
static int judge(const struct drill *drill, const struct status *status, struct error *err)
{
	enum slot other = slot_other(status->current);

	if (status->state.phase != PHASE_IDLE)
		return error_set(err, FAULT_BUSY,
				 "a transaction is under way: `flipslot follow %s`", drill->app);
	if (status->current == SLOT_NONE)
		return error_set(err, FAULT_CONFIG, "nothing is installed yet");
	if (!status->slots[other].sealed)
		return error_set(
			err, FAULT_CONFIG,
			"slot %s holds no complete release to rehearse with: it will after "
			"the next update",
			slot_name(other));
	if (status->slots[other].bad)
		return error_set(
			err, FAULT_CONFIG,
			"slot %s holds %s, which was rolled back: nothing to rehearse with",
			slot_name(other), status->slots[other].descriptor.version);
	return 0;
}

static int look(struct drill *drill, struct error *err)
{
	static struct status status; /* large */
	int r = status_gather(drill->app, &status, err);

	if (r >= 0)
		r = judge(drill, &status, err);
	if (r < 0)
		return r;
	drill->home = status.current;
	drill->other = slot_other(status.current);
	drill->held = status.state.hold.held;
	(void)text_copy(status.slots[drill->home].descriptor.version, drill->home_version,
			sizeof(drill->home_version));
	(void)text_copy(status.slots[drill->other].descriptor.version, drill->other_version,
			sizeof(drill->other_version));
	return 0;
}

static int ask(const struct drill *drill, enum verb verb, enum slot slot, const char *why)
{
	struct request request = { .verb = verb, .slot = slot };

	/* of a higher epoch in name only */
	request.no_way_back = drill->marks && verb == VERB_ROLLBACK;
	(void)text_copy(why, request.why, sizeof(request.why));
	return errand_run(
		&(struct errand){ .verb = drill->verb, .app = drill->app, .json = drill->json },
		&request);
}

/* One way. Returns the exit status. */
static int go(struct drill *drill, unsigned int way)
{
	_cleanup_close_ int dirfd = -1;
	_cleanup_(config_freep) struct config *config = NULL;
	struct state state;
	struct error err = {};
	int status = ask(drill, VERB_SWITCH, way == 0 ? drill->other : drill->home,
			 way == 0 ? "drill" : "drill: and back");

	if (status != 0)
		return status;
	if (cli_open(drill->app, &config, &dirfd, &err) < 0 || state_load(dirfd, &state, &err) < 0)
		return cli_fail(&err);
	drill->away[way] = state.transaction.downtime;
	drill->took[way] = state.transaction.ended > state.transaction.began ?
				   state.transaction.ended - state.transaction.began :
				   0;
	return 0;
}

static void print_end(const struct drill *drill)
{
	char span[4][CLOCK_TEXT_MAX];

	if (drill->json)
		return;
	printf("%s: rehearsed: to %s in %s (from the restart to healthy: %s), back to %s in %s (%s)\n",
	       drill->app, drill->other_version, clock_format_span(drill->took[0], span[0]),
	       clock_format_span(drill->away[0], span[1]), drill->home_version,
	       clock_format_span(drill->took[1], span[2]),
	       clock_format_span(drill->away[1], span[3]));
}

/* ---- with a release that is broken on purpose ---- */

static int refuse_fault(const char *name, const struct cli_verb *verb)
{
	_cleanup_text_ struct text names = {};

	for (const struct fault_kind *kind = fault_release_kinds; kind->name; kind++)
		text_add(&names, "%s%s", names.size ? ", " : "", kind->name);
	return cli_refuse(verb, "--fault: \"%.40s\" is none of %s", name,
			  names.data ? names.data : "those");
}

/* Where the release comes from for a moment; the worker sees it, and it is on the disk of the slots or near it. */
static void name_archive(const char *app, char *ret_path, size_t room)
{
	(void)snprintf(ret_path, room, "%s/%s.drill.tar.zst", scope_dir(SCOPE_STATE), app);
}

static int look_at_fault(struct drill *drill, struct error *err)
{
	static struct status status; /* large */
	int r = status_gather(drill->app, &status, err);

	if (r < 0)
		return r;
	if (status.state.phase != PHASE_IDLE)
		return error_set(err, FAULT_BUSY,
				 "a transaction is under way: `flipslot follow %s`", drill->app);
	if (status.current == SLOT_NONE)
		return error_set(err, FAULT_CONFIG, "nothing is installed yet");
	drill->home = status.current;
	drill->other = slot_other(status.current);
	drill->held = status.state.hold.held;
	drill->home_epoch = status.slots[drill->home].descriptor.epoch;
	(void)text_copy(status.slots[drill->home].descriptor.version, drill->home_version,
			sizeof(drill->home_version));
	if (status.slots[drill->other].sealed)
		(void)text_copy(status.slots[drill->other].descriptor.version, drill->other_version,
				sizeof(drill->other_version));
	return 0;
}

/* What the configuration must be like. */
static int judge_config(struct drill *drill, const struct deploy_options *options,
			struct error *err)
{
	if (options->keep)
		return error_set(err, FAULT_CONFIG,
				 "OnFail=keep: the broken release would stay; this drill is for "
				 "rollbacks");
	return drill->marks ? marker_init(&drill->marker, options, err) : 0;
}

static int make_fault(const struct drill *drill, const struct fault_kind *kind,
		      const struct config *config, struct request *request, struct error *err)
{
	_cleanup_(manager_freep) struct manager *manager = NULL;
	_cleanup_unit_ struct unit unit = {};
	int r = manager_open_of(config_user(config), &manager, err);

	if (r >= 0)
		r = unit_query(manager, config_unit(config), &unit, err);
	if (r < 0)
		return r;
	name_archive(drill->app, request->source, sizeof(request->source));
	(void)unlink(request->source); /* of a drill that was killed */
	request->epoch = drill->home_epoch + kind->marks; /* raised, the data is kept aside */
	return fault_release_write(kind, config_deploy(config), &unit,
				   drill->marks ? drill->marker.path : NULL, request->source,
				   &request->source_digest, err);
}

static int tell_before(const struct drill *drill, const struct cli_verb *verb,
		       const struct fault_kind *kind)
{
	return cli_refuse(
		verb,
		"this installs a release that %s, so the service is down as in an update "
		"that fails%s%s; say --yes if that may be",
		kind->text,
		drill->other_version[0] ? ", and it uses up the other slot: no rollback to " : "",
		drill->other_version);
}

static int tell_rolled_back(const struct drill *drill, const struct fault_kind *kind,
			    const struct state_transaction *transaction)
{
	uint64_t back = transaction->ended > transaction->switched && transaction->switched > 0 ?
				transaction->ended - transaction->switched :
				0;
	uint64_t all = transaction->ended > transaction->began ?
			       transaction->ended - transaction->began :
			       0;
	char span[2][CLOCK_TEXT_MAX];
	struct error err = {};

	if (drill->marks && marker_judge(&drill->marker, &err) < 0)
		return cli_fail(&err);
	if (drill->json)
		return 0;
	printf("%s: rehearsed: a release that %s was noticed and rolled back; %s serves again %s "
	       "after the switch, %s in all\n",
	       drill->app, kind->text, drill->home_version,
	       back > 0 ? clock_format_span(back, span[0]) : "at once",
	       clock_format_span(all, span[1]));
	if (drill->marks)
		printf("%s: what it wrote into %s is gone: the data is what was kept aside before "
		       "the switch\n",
		       drill->app, drill->marker.data);
	return 0;
}

static int tell_unnoticed(const struct drill *drill, const struct fault_kind *kind)
{
	int status = ask(drill, VERB_ROLLBACK, SLOT_NONE, "drill: and back");

	(void)fprintf(stderr,
		      "flipslot: %s: a release that %s passed everything that is asked of "
		      "it: a [Probe NAME] that asks the service itself would notice; %s\n",
		      drill->app, kind->text,
		      status == 0 ? "it was rolled back by hand" : "and going back has failed");
	if (drill->marks)
		(void)fprintf(stderr, "flipslot: %s: %s stays in the data: remove it\n", drill->app,
			      drill->marker.path);
	return status ? status : fault_exit_status(FAULT_UNHEALTHY);
}

/* What became of it. Returns the exit status. */
static int judge_fault(const struct drill *drill, const struct fault_kind *kind,
		       const struct state_transaction *transaction)
{
	if (transaction->outcome == OUTCOME_ROLLED_BACK)
		return tell_rolled_back(drill, kind, transaction);
	if (transaction->outcome == OUTCOME_COMMITTED)
		return tell_unnoticed(drill, kind);
	(void)fprintf(stderr, "flipslot: %s: the drill ended with %s: %s\n", drill->app,
		      outcome_name(transaction->outcome), transaction->reason);
	return fault_exit_status(transaction->fault == FAULT_NONE ? FAULT_BUSY :
								    transaction->fault);
}

/* Installs it and sees what becomes of it. Returns the exit status. */
static int play_fault(const struct drill *drill, const struct fault_kind *kind,
		      struct request *request)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_close_ int dirfd = -1;
	struct error err = {};
	struct state state;
	int status = errand_run(
		&(struct errand){ .verb = drill->verb, .app = drill->app, .json = drill->json },
		request);

	(void)unlink(request->source);
	if (cli_open(drill->app, &config, &dirfd, &err) < 0 || state_load(dirfd, &state, &err) < 0)
		return cli_fail(&err);
	if (strcmp(state.transaction.id, request->id) != 0 || state.phase != PHASE_IDLE)
		return status;
	status = judge_fault(drill, kind, &state.transaction);
	if (!drill->held && state.transaction.outcome == OUTCOME_COMMITTED)
		(void)ask(drill, VERB_UNHOLD, SLOT_NONE, "");
	return status;
}

static int drill_fault(struct drill *drill, const struct fault_kind *kind, bool yes)
{
	struct request request = { .verb = VERB_INSTALL, .slot = SLOT_NONE, .now = true };
	_cleanup_(config_freep) struct config *config = NULL;
	struct error err = {};

	drill->marks = kind->marks;
	if (look_at_fault(drill, &err) < 0 || cli_load(drill->app, &config, &err) < 0 ||
	    judge_config(drill, config_deploy(config), &err) < 0)
		return cli_fail(&err);
	if (!yes)
		return tell_before(drill, drill->verb, kind);
	(void)snprintf(request.version, sizeof(request.version), "drill-%s", kind->name);
	(void)snprintf(request.why, sizeof(request.why), "drill: %s", kind->name);
	if (make_fault(drill, kind, config, &request, &err) < 0) {
		(void)unlink(request.source);
		return cli_fail(&err);
	}
	return play_fault(drill, kind, &request);
}

int verb_drill(const struct cli_verb *verb, int argc, char **argv)
{
	struct drill drill = { .verb = verb, .marker.watch_fd = -1 };
	const char *fault = NULL;
	bool yes = false;
	const struct cli_option options[] = {
		{ "fault", '\0', "KIND",
		  "with a release that is broken on purpose: crash, exit0, hang, slow-start, leak, "
		  "port-held, ignore-term, migrate",
		  .text = &fault },
		{ "yes", '\0', NULL, "… although that takes the service down for a while",
		  .flag = &yes },
		{ "json", '\0', NULL, "print events as lines of JSON", .flag = &drill.json },
		{},
	};
	struct error err = {};
	char **operands;
	int status;

	status = cli_begin(verb, options, 1, 1, argc, argv, &operands);
	if (status == CLI_GO)
		status = cli_need_root(verb);
	if (status != CLI_GO)
		return status;
	drill.app = operands[0];
	if (fault && !fault_release_find_kind(fault))
		return refuse_fault(fault, verb);
	if (fault) {
		status = drill_fault(&drill, fault_release_find_kind(fault), yes);
		marker_done(&drill.marker);
		return status;
	}
	if (look(&drill, &err) < 0)
		return cli_fail(&err);
	status = go(&drill, 0);
	if (status == 0)
		status = go(&drill, 1);
	if (status == 0)
		print_end(&drill);
	else
		(void)fprintf(
			stderr,
			"flipslot: %s: the drill has failed; what runs now: flipslot status %s\n",
			drill.app, drill.app);
	/* the hold is of the switches by hand */
	if (!drill.held && ask(&drill, VERB_UNHOLD, SLOT_NONE, "") != 0)
		return status ? status : CLI_FORBIDDEN;
	return status;
}
