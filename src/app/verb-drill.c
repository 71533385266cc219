#include <stdio.h>

#include "app/errand.h"
#include "app/status.h"
#include "app/verbs.h"
#include "base/text.h"
#include "store/layout.h"

/* What is known before: from where, to where. */
struct drill {
	const struct cli_verb *verb;
	const char *app;
	bool json;
	enum slot home, other;
	char home_version[STATE_VERSION_MAX], other_version[STATE_VERSION_MAX];
	bool held; /* before: then it stays so */
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

int verb_drill(const struct cli_verb *verb, int argc, char **argv)
{
	struct drill drill = { .verb = verb };
	const struct cli_option options[] = {
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
