#include "app/ask.h"
#include "app/verbs.h"
#include "deploy/tick.h"
#include "store/state.h"

/*
 * Is it for this start of the service that a worker looks at the source? Not if it is one of a transaction's
 * own, nor after both releases were bad, which the worker itself keeps starting: the two would chase one another.
 */
static bool is_wanted(const struct config *config, const struct state *state, int dirfd)
{
	return state->phase == PHASE_IDLE && state->transaction.outcome != OUTCOME_BOTH_BAD &&
	       config_check_on_start(config) && config_deploy(config)->source.url &&
	       tick_is_due(dirfd);
}

static int look(const char *app, struct error *err)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_close_ int dirfd = -1;
	struct state state;
	int r;

	r = cli_open(app, &config, &dirfd, err);
	if (r >= 0)
		r = state_load(dirfd, &state, err);
	if (r < 0 || !is_wanted(config, &state, dirfd))
		return r;
	return ask_start_worker(app, err);
}

int verb_started(const struct cli_verb *verb, int argc, char **argv)
{
	static const struct cli_option options[] = { {} };
	struct error err = {};
	char **operands;
	int r;

	r = cli_begin(verb, options, 1, 1, argc, argv, &operands);
	if (r == CLI_GO)
		r = cli_need_root(verb);
	if (r != CLI_GO)
		return r;
	return look(operands[0], &err) < 0 ? cli_fail(&err) : 0;
}
