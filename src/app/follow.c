#include "app/follow.h"

#include <poll.h>
#include <string.h>

#include "app/ask.h"
#include "app/cli.h"
#include "base/scope.h"
#include "unit/unit.h"

#define LOOK_USEC USEC_PER_SEC /* at the state record */
#define DRAW_MSEC 200
#define GRACE_USEC \
	(500 * USEC_PER_MSEC) /* for the last events, once the state says that it ended */
#define CHECK_USEC (15 * USEC_PER_SEC) /* is there a worker at all? */

enum { FOLLOW_ENDED = 100 };

struct watch {
	uint64_t looked; /* monotonic, at the state record */
	uint64_t checked; /* … for the worker */
	uint64_t ended; /* … when the state said that it ended; 0: not yet */
	bool outcome; /* the event of the end was shown */
};

static bool is_ours(const struct follow *follow, const struct event_line *line)
{
	if (line->transaction[0] && strcmp(line->transaction, follow->transaction) == 0)
		return true;
	return follow->request && strcmp(line->request, follow->request) == 0 &&
	       (line->kind == EVENT_REFUSED_REQUEST || line->kind == EVENT_HOLD);
}

int follow_drain(const struct follow *follow, bool *ret_outcome, struct error *err)
{
	struct event_line line;
	bool outcome = false;
	const char *json;
	int r;

	while ((r = tail_next(follow->tail, &line, &json, err)) == 0) {
		if (!is_ours(follow, &line))
			continue;
		display_event(follow->display, &line, json);
		outcome = line.kind == EVENT_OUTCOME;
		if (outcome)
			break; /* what follows is of later commands */
	}
	if (r < 0)
		return r;
	if (ret_outcome)
		*ret_outcome = outcome;
	return 0;
}

/* > 0: ended, *ret_result is set */
static int look(const struct follow *follow, struct watch *watch, struct result *ret_result,
		struct error *err)
{
	int r;

	watch->looked = clock_monotonic_usec();
	r = result_find(follow->dirfd, follow->transaction, ret_result, err);
	if (r < 0)
		return r;
	if (r == RESULT_UNKNOWN)
		return error_set(err, FAULT_INTERNAL,
				 "neither the state nor the history of %s knows transaction %s",
				 follow->app, follow->transaction);
	if (r == RESULT_NOT_YET)
		return 0;
	if (watch->ended == 0)
		watch->ended = watch->looked;
	return 1;
}

/* Is the worker's unit neither running nor about to be? */
static bool is_worker_gone(const struct follow *follow)
{
	_cleanup_(manager_freep) struct manager *manager = NULL;
	_cleanup_unit_ struct unit unit = {};
	char name[CLI_UNIT_MAX];

	return manager_open(&manager, NULL) >= 0 &&
	       unit_query(manager, cli_worker_unit(follow->app, name), &unit, NULL) >= 0 &&
	       (strcmp(unit.active_state, "inactive") == 0 ||
		strcmp(unit.active_state, "failed") == 0);
}

/*
 * The timer would start it as well, later; what goes wrong here does not matter. The state is looked at
 * after the unit: a worker that is done records that before it ends.
 */
static void revive_worker(const struct follow *follow, struct watch *watch)
{
	struct result result;

	watch->checked = clock_monotonic_usec();
	if (!scope_may_write() || !is_worker_gone(follow) ||
	    result_find(follow->dirfd, follow->transaction, &result, NULL) != RESULT_NOT_YET)
		return;
	display_clear(follow->display);
	(void)fprintf(stderr,
		      "flipslot: the worker of %s is gone before its work was done: it is "
		      "started again\n",
		      follow->app);
	(void)ask_start_worker(follow->app, NULL);
}

/* > 0: FOLLOW_INTERRUPTED */
static int pause_a_little(const struct follow *follow)
{
	struct pollfd fds[] = {
		{ .fd = follow->interrupt_fd, .events = POLLIN },
		{ .fd = tail_fd(follow->tail), .events = POLLIN },
	};

	(void)poll(fds, ARRAY_SIZE(fds), DRAW_MSEC);
	return fds[0].revents ? FOLLOW_INTERRUPTED : 0;
}

/* Before the switch the state has a reason only while something is waited for. */
static bool waits(const struct follow *follow)
{
	struct state state;

	return state_load(follow->dirfd, &state, NULL) >= 0 &&
	       (state.phase == PHASE_STAGING || state.phase == PHASE_STAGED) &&
	       state.transaction.reason[0] && is_worker_gone(follow);
}

/* One round. > 0: FOLLOW_WAITS, or FOLLOW_ENDED: ended, and all of it shown */
static int go_on(const struct follow *follow, struct watch *watch, struct result *ret_result,
		 struct error *err)
{
	uint64_t now = clock_monotonic_usec();
	bool outcome = false;
	int r;

	r = follow_drain(follow, &outcome, err);
	if (r < 0)
		return r;
	watch->outcome |= outcome;
	if (outcome || now >= watch->looked + LOOK_USEC || watch->ended > 0) {
		r = look(follow, watch, ret_result, err);
		if (r < 0)
			return r;
		if (r == 0 && waits(follow))
			return FOLLOW_WAITS;
	}
	if (watch->ended > 0 && (watch->outcome || now >= watch->ended + GRACE_USEC))
		return FOLLOW_ENDED;
	if (now >= watch->checked + CHECK_USEC && watch->ended == 0)
		revive_worker(follow, watch);
	return 0;
}

/* The stream has lost it: the reader of JSON gets it all the same. */
static int tell_outcome(const struct follow *follow, const struct result *result, struct error *err)
{
	_cleanup_free_ char *json = NULL;
	struct event_line line;
	int r;

	result_to_line(result, follow->app, &line);
	r = event_line_encode(&line, &json, err);
	if (r < 0)
		return r;
	display_event(follow->display, &line, json);
	return 0;
}

int follow_run(const struct follow *follow, struct result *ret_result, struct error *err)
{
	struct watch watch = { .checked = clock_monotonic_usec() };
	int r;

	while ((r = go_on(follow, &watch, ret_result, err)) == 0) {
		display_tick(follow->display, clock_realtime_usec());
		if (pause_a_little(follow) == FOLLOW_INTERRUPTED)
			return FOLLOW_INTERRUPTED;
	}
	if (r != FOLLOW_ENDED)
		return r;
	return watch.outcome ? 0 : tell_outcome(follow, ret_result, err);
}
