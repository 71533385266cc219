#include "app/errand.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>

#include "app/ask.h"
#include "app/follow.h"
#include "base/scope.h"
#include "base/text.h"
#include "unit/cgroup.h"
#include "unit/unit.h"

#define REFUSAL_TRIES 20
#define REFUSAL_MSEC  20

/* All that one errand needs, from the configuration to the screen. */
struct desk {
	struct config *config;
	int dirfd;
	int interrupt_fd;
	struct tail *tail;
	struct display *display;
};

static void close_desk(struct desk *desk)
{
	display_free(desk->display);
	tail_free(desk->tail);
	cleanup_close(&desk->interrupt_fd);
	cleanup_close(&desk->dirfd);
	config_free(desk->config);
}

/* Ctrl-C is answered with words; the work goes on without us. */
static int catch_interrupt(int *ret_fd, struct error *err)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return error_errno(err, "catching signals");
	*ret_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (*ret_fd < 0)
		return error_errno(err, "catching signals");
	return 0;
}

static int open_desk(const struct errand *errand, enum tail_from from, struct desk *desk,
		     struct error *err)
{
	enum display_style style = display_style_of(stdout, errand->json);
	int r;

	*desk = (struct desk){ .dirfd = -1, .interrupt_fd = -1 };
	r = cli_open(errand->app, &desk->config, &desk->dirfd, err);
	if (r < 0)
		return r;
	r = catch_interrupt(&desk->interrupt_fd, err);
	if (r < 0)
		return r;
	r = tail_new(scope_dir(SCOPE_RUN), errand->app, from, &desk->tail, err);
	if (r < 0)
		return r;
	return display_new(stdout, style, config_deploy(desk->config)->watch_usec, &desk->display,
			   err);
}

static int tell_interrupted(const struct errand *errand, const struct desk *desk)
{
	display_clear(desk->display);
	(void)fprintf(
		stderr,
		"\nThe worker goes on without this command.\n"
		"  follow it again: flipslot follow %s\n"
		"  stop it: flipslot cancel %s before the switch, flipslot rollback %s after it\n",
		errand->app, errand->app, errand->app);
	return CLI_INTERRUPTED;
}

/* ---- following ---- */

static void tell_result(const struct errand *errand, const struct desk *desk,
			const struct result *result)
{
	_cleanup_text_ struct text text = {};

	if (errand->json)
		return;
	result_describe(result, errand->app, config_unit(desk->config), &text);
	if (text_check(&text, NULL) == 0)
		display_say(desk->display, result->entry.outcome, text.data);
}

static int tell_waiting(const struct errand *errand, const struct desk *desk)
{
	struct state state;
	struct error err = {};

	display_clear(desk->display);
	if (state_load(desk->dirfd, &state, &err) < 0)
		return cli_fail(&err);
	(void)error_set(&err, FAULT_BUSY,
			"%s: %s; then it goes on by itself (flipslot cancel %s ends it)",
			errand->app, state.transaction.reason, errand->app);
	return cli_fail(&err);
}

static int follow(const struct errand *errand, const struct desk *desk, const char *transaction,
		  const char *request, enum verb asked)
{
	const struct follow how = {
		.app = errand->app,
		.dirfd = desk->dirfd,
		.transaction = transaction,
		.request = request,
		.tail = desk->tail,
		.display = desk->display,
		.interrupt_fd = desk->interrupt_fd,
	};
	struct result result;
	struct error err = {};
	int r;

	r = follow_run(&how, &result, &err);
	if (r < 0)
		return cli_fail(&err);
	if (r == FOLLOW_INTERRUPTED)
		return tell_interrupted(errand, desk);
	if (r == FOLLOW_WAITS)
		return tell_waiting(errand, desk);
	tell_result(errand, desk, &result);
	return result_exit_status(&result.entry, asked);
}

static int find_last(const struct errand *errand, int dirfd, char ret_id[static STATE_ID_MAX],
		     struct error *err)
{
	struct state state;
	int r;

	r = state_load(dirfd, &state, err);
	if (r < 0)
		return r;
	if (!state.transaction.id[0])
		return error_set(err, FAULT_CONFIG, "%s: there was no transaction yet",
				 errand->app);
	(void)text_copy(state.transaction.id, ret_id, STATE_ID_MAX);
	return 0;
}

int errand_follow(const struct errand *errand, const char *transaction)
{
	_cleanup_(close_desk) struct desk desk;
	char id[STATE_ID_MAX];
	struct error err = {};
	int r;

	r = open_desk(errand, TAIL_BEGIN, &desk, &err);
	if (r < 0)
		return cli_fail(&err);
	(void)text_copy(transaction, id, sizeof(id));
	if (!id[0]) {
		r = find_last(errand, desk.dirfd, id, &err);
		if (r < 0)
			return cli_fail(&err);
	}
	return follow(errand, &desk, id, NULL, VERB_NONE);
}

/* ---- asking ---- */

static int print_event(const struct errand *errand, const struct desk *desk,
		       const struct event *event, struct error *err)
{
	_cleanup_free_ char *json = NULL;
	struct event_line line;
	int r;

	event_line_of(event, clock_realtime_usec(), &line);
	r = event_line_encode(&line, &json, err);
	if (r < 0)
		return r;
	if (errand->json)
		display_event(desk->display, &line, json);
	return 0;
}

/* The state has the reason of a refusal, its event also the fault; the event may be a moment late, or lost. */
static enum fault find_fault(const struct desk *desk, const struct request *request)
{
	for (int i = 0; i < REFUSAL_TRIES; i++) {
		struct event_line line;

		while (tail_next(desk->tail, &line, NULL, NULL) == 0)
			if (line.kind == EVENT_REFUSED_REQUEST &&
			    strcmp(line.request, request->id) == 0)
				return line.fault;
		(void)poll(NULL, 0, REFUSAL_MSEC);
	}
	return FAULT_BUSY;
}

static int tell_refused(const struct errand *errand, const struct desk *desk,
			const struct request *request, const struct state *state)
{
	const struct event event = {
		.kind = EVENT_REFUSED_REQUEST,
		.app = errand->app,
		.unit = config_unit(desk->config),
		.state = state,
		.fault = find_fault(desk, request),
		.text = state->answer,
	};
	struct error err = {};

	if (print_event(errand, desk, &event, &err) < 0)
		return cli_fail(&err);
	(void)error_set(&err, event.fault, "%s: refused: %s", errand->app, state->answer);
	return cli_fail(&err);
}

static void describe_hold(const struct errand *errand, const struct state_hold *hold)
{
	char until[CLOCK_TEXT_MAX];

	if (!hold->held)
		printf("%s: no longer held\n", errand->app);
	else if (hold->until > 0)
		printf("%s: held until %s: %s\n", errand->app, clock_format(hold->until, until),
		       hold->why);
	else
		printf("%s: held until `flipslot unhold %s`: %s\n", errand->app, errand->app,
		       hold->why);
}

static int tell_hold(const struct errand *errand, const struct desk *desk,
		     const struct state *state)
{
	const struct event event = {
		.kind = EVENT_HOLD,
		.app = errand->app,
		.unit = config_unit(desk->config),
		.state = state,
	};
	struct error err = {};

	if (print_event(errand, desk, &event, &err) < 0)
		return cli_fail(&err);
	if (!errand->json)
		describe_hold(errand, &state->hold);
	return 0;
}

static int tell_forgiven(const struct errand *errand, const struct desk *desk,
			 const struct state *state)
{
	const struct event event = {
		.kind = EVENT_NOTE,
		.app = errand->app,
		.unit = config_unit(desk->config),
		.state = state,
		.text = state->answer,
	};
	struct error err = {};

	if (print_event(errand, desk, &event, &err) < 0)
		return cli_fail(&err);
	if (!errand->json)
		printf("%s: no longer remembered as bad: %s\n", errand->app, state->answer);
	return 0;
}

static void describe_acceptance(const struct errand *errand, const struct request *request,
				const struct state *state)
{
	const struct state_transaction *transaction = &state->transaction;

	if (strcmp(transaction->id, request->id) != 0)
		printf("%s: the %s that is under way, transaction %s\n", errand->app,
		       verb_name(transaction->verb), transaction->id);
	else
		printf("%s: %s%s%s in slot %s, transaction %s\n", errand->app,
		       verb_name(request->verb), transaction->release.version[0] ? " " : "",
		       transaction->release.version, slot_name(transaction->target),
		       transaction->id);
}

/*
 * Were we called from inside the service that is about to be restarted (its own "update now" button)? Then we
 * would die with it: the worker, which is a unit of its own, does the work, and we leave before that.
 */
static bool is_inside(const struct desk *desk)
{
	_cleanup_(manager_freep) struct manager *manager = NULL;
	_cleanup_unit_ struct unit unit = {};

	return manager_open_of(config_user(desk->config), &manager, NULL) == 0 &&
	       unit_query(manager, config_unit(desk->config), &unit, NULL) == 0 &&
	       cgroup_is_own(unit.control_group);
}

/* Before it is asked for: a quick switch leaves no time for it afterwards. */
static void tell_inside(const struct errand *errand, const struct desk *desk)
{
	if (errand->json)
		return;
	printf("%s: called from inside %s, which will be restarted: the worker goes on by "
	       "itself; to watch it from elsewhere: flipslot follow %s\n",
	       errand->app, config_unit(desk->config), errand->app);
	(void)fflush(stdout);
}

static int tell_accepted(const struct errand *errand, const struct desk *desk,
			 const struct request *request, const struct state *state, bool inside)
{
	const struct event event = {
		.kind = EVENT_ACCEPTED,
		.app = errand->app,
		.unit = config_unit(desk->config),
		.state = state,
	};
	struct error err = {};

	if (!errand->json)
		describe_acceptance(errand, request, state);
	(void)fflush(stdout);
	if (!errand->no_follow && !inside)
		return follow(errand, desk, state->transaction.id, request->id, request->verb);
	if (print_event(errand, desk, &event, &err) < 0)
		return cli_fail(&err);
	return 0;
}

static int ask(const struct errand *errand, const struct desk *desk, struct request *request)
{
	bool quick = request->verb == VERB_HOLD || request->verb == VERB_UNHOLD ||
		     request->verb == VERB_FORGIVE;
	bool inside = !quick && is_inside(desk);
	struct state state;
	struct error err = {};
	int r;

	r = ask_prepare(request, &err);
	if (r < 0)
		return cli_fail(&err);
	if (inside)
		tell_inside(errand, desk);
	r = ask_worker(errand->app, desk->dirfd, request, desk->interrupt_fd, &state, &err);
	if (r < 0)
		return cli_fail(&err);
	if (r == ASK_INTERRUPTED) {
		(void)fputs("\nThe request was withdrawn; nothing was done.\n", stderr);
		return CLI_INTERRUPTED;
	}
	if (!state.accepted)
		return tell_refused(errand, desk, request, &state);
	if (request->verb == VERB_HOLD || request->verb == VERB_UNHOLD)
		return tell_hold(errand, desk, &state);
	if (request->verb == VERB_FORGIVE)
		return tell_forgiven(errand, desk, &state);
	return tell_accepted(errand, desk, request, &state, inside);
}

int errand_run(const struct errand *errand, struct request *request)
{
	_cleanup_(close_desk) struct desk desk = { .dirfd = -1, .interrupt_fd = -1 };
	struct error err = {};
	int r;

	r = cli_need_root(errand->verb);
	if (r != CLI_GO)
		return r;
	r = open_desk(errand, TAIL_END, &desk, &err);
	if (r < 0)
		return cli_fail(&err);
	return ask(errand, &desk, request);
}
