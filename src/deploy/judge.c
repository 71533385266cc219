#include <string.h>
#include <systemd/sd-bus.h>

#include "base/clock.h"
#include "base/text.h"
#include "deploy/helpers.h"
#include "deploy/imposter.h"
#include "deploy/rounds.h"
#include "deploy/siblings.h"

#define LOOK_PERIOD_USEC USEC_PER_SEC /* at the unit, should a signal get lost */
#define SILENCE_USEC	 (5 * USEC_PER_SEC) /* then it is said what is waited for, and how long */
#define UNASKED_SILENCE_USEC \
	(2 * USEC_PER_SEC) /* a spawner that was killed is there again sooner */
#define FOLLOWED_MAX 1 /* restarts by hand in one judging */
#define EXTERNAL_PATIENCE_USEC \
	(600 * USEC_PER_SEC) /* that a failing external probe delays the commit */

/* What a look at the unit says, beside the verdicts. */
enum { LOOK_RUNS, LOOK_WAIT = 100 };

struct judge {
	const struct deploy_options *options;
	const struct judge_options *how;
	struct manager *manager;
	const struct event_listener *listener;
	const struct state *state;
	struct judge_report *report;
	struct rounds *rounds;
	sd_bus_slot *slot; /* of the unit's changes */
	unsigned int generation; /* of the connection it was made on */
	uint64_t began, deadline;
	uint64_t excused; /* usec in which nobody could ask: the deadline has been put off by that */
	uint64_t excused_until; /* monotonic */
	struct helpers_care care;
	bool told_unasked;
	unsigned int followed; /* invocations */
	bool runs; /* at the last look */
	bool patient; /* it was said how long a start that is not healthy is waited for */
	bool delayed; /* the commit waits for an external probe, and it was said */
};

static void tell(const struct judge *judge, enum event_kind kind, const char *text)
{
	const struct event event = {
		.kind = kind,
		.app = judge->options->app,
		.unit = judge->options->unit,
		.state = judge->state,
		.text = text,
	};

	judge->listener->handle(judge->listener->data, &event);
}

static int condemn_unit(const struct judge *judge, const struct unit *unit, const char *what,
			struct error *err)
{
	char why[STATE_REASON_MAX];
	bool stopping;
	int r;

	r = manager_is_stopping(judge->manager, &stopping, err);
	if (r < 0)
		return r;
	if (stopping)
		return JUDGE_INTERRUPTED;
	(void)text_print(judge->report->reason, sizeof(judge->report->reason), "%.60s %s: %s",
			 unit->name, what, unit_explain(unit, why, sizeof(why)));
	return JUDGE_BAD;
}

/*
 * It is active under another invocation. Once that may be somebody's `systemctl restart`; again, and it is a
 * service that dies and that something (a socket, a path, a script) starts each time.
 */
static int follow_invocation(struct judge *judge, const struct unit *unit)
{
	bool first = judge->report->invocation[0] == '\0';

	(void)text_copy(unit->invocation, judge->report->invocation,
			sizeof(judge->report->invocation));
	if (first)
		return LOOK_RUNS;
	if (++judge->followed > FOLLOWED_MAX) {
		(void)snprintf(
			judge->report->reason, sizeof(judge->report->reason),
			"%.80s does not stay up: it was started anew %u times, not by systemd's "
			"Restart=",
			unit->name, judge->followed);
		return JUDGE_BAD;
	}
	rounds_reset(judge->rounds);
	if (judge->how->phase == JUDGE_WATCH && judge->how->deadline > judge->began)
		/* probation begins anew */
		judge->deadline = clock_monotonic_usec() + (judge->how->deadline - judge->began);
	tell(judge, EVENT_NOTE, "the unit was restarted by somebody; its new invocation is judged");
	return LOOK_RUNS;
}

/* What a socket, a path or a timer starts may end by rights when it has nothing to do. */
static bool may_end(const struct unit *unit)
{
	return unit->triggered_by && unit->triggered_by[0];
}

static int look(struct judge *judge, const struct unit *unit, struct error *err)
{
	bool stopped = strcmp(unit->active_state, "inactive") == 0;
	bool active = strcmp(unit->active_state, "active") == 0 ||
		      strcmp(unit->active_state, "reloading") == 0;

	if (strcmp(unit->active_state, "failed") == 0)
		return condemn_unit(judge, unit, "failed", err);
	if (strcmp(unit->sub_state, "auto-restart") == 0 || unit->restarts > 0)
		return condemn_unit(judge, unit, "does not stay up", err);
	if (stopped && unit->job_pending)
		return LOOK_WAIT;
	if (unit_is_unmet(unit)) /* another start would end the same way */
		return condemn_unit(judge, unit, "was not started", err);
	if (stopped) {
		int r = condemn_unit(judge, unit, "is down", err);

		if (r != JUDGE_BAD || (unit_ended_by_itself(unit) && !may_end(unit)))
			return r;
		return JUDGE_STOPPED;
	}
	if (!active)
		return LOOK_WAIT;
	if (strcmp(unit->invocation, judge->report->invocation) != 0)
		return follow_invocation(judge, unit);
	return LOOK_RUNS;
}

static int look_at_siblings(struct judge *judge, struct error *err)
{
	bool stopping;
	int r;

	if (!judge->how->siblings)
		return 0;
	r = siblings_look(judge->manager, judge->how->siblings, judge->report->reason,
			  sizeof(judge->report->reason), err);
	if (r != SIBLINGS_BAD)
		return r;
	r = manager_is_stopping(judge->manager, &stopping, err);
	if (r < 0)
		return r;
	return stopping ? JUDGE_INTERRUPTED : JUDGE_BAD;
}

static int find_proof(struct judge *judge, const struct unit *unit, struct error *err)
{
	return proof_find(unit, judge->how->slot_path, judge->how->other_path,
			  judge->how->current_path, &judge->report->proof, err);
}

/* Only old code to be seen: that is the one proof whose absence counts. */
static bool runs_the_other_slot(const struct judge *judge)
{
	return judge->report->proof.proof != PROOF_STRONG && judge->report->proof.other_slot;
}

static int late(const struct judge *judge, const char *what)
{
	(void)snprintf(judge->report->reason, sizeof(judge->report->reason),
		       "not healthy within the start deadline: %s", what);
	return JUDGE_BAD;
}

/* The service itself has said that it will not get well. */
static bool is_given_up(struct judge *judge)
{
	const struct rounds_probe *final = rounds_find_final(judge->rounds);

	if (final)
		(void)text_print(judge->report->reason, sizeof(judge->report->reason),
				 "probe %.60s: %.200s", final->options->name, final->text);
	return final;
}

/* Nobody shall look at a silent screen and wonder. */
static void tell_patience(struct judge *judge, const char *what)
{
	uint64_t now = clock_monotonic_usec();
	char span[CLOCK_TEXT_MAX];
	char text[STATE_REASON_MAX];

	if (judge->patient || now < judge->began + SILENCE_USEC ||
	    judge->deadline == USEC_INFINITY || now + USEC_PER_SEC > judge->deadline)
		return;
	judge->patient = true;
	clock_format_span((judge->deadline - now) / USEC_PER_SEC * USEC_PER_SEC, span);
	tell(judge, EVENT_NOTE,
	     text_print(text, sizeof(text), "not healthy yet; waiting %s more at most: %s", span,
			what));
}

/*
 * Past the deadline. But a worker that took over from one that was killed may have begun too late to hear the
 * probes out: time in which nobody asked is not held against a release that has not said no.
 */
static bool is_over(const struct judge *judge, bool runs)
{
	uint64_t now = clock_monotonic_usec();

	if (now < judge->deadline)
		return false;
	return !runs || now >= judge->began + judge->how->patience + judge->excused ||
	       !rounds_all_on_their_way(judge->rounds);
}

/* All probes have passed. > 0: a verdict, or 0: somebody else has answered them, which may end. */
static int decide_passed(struct judge *judge, const struct unit *unit, bool over, struct error *err)
{
	const struct imposter_look look = {
		.options = judge->options,
		.unit = unit,
		.slot_path = judge->how->slot_path,
		.other_path = judge->how->other_path,
		.before = judge->how->before,
	};
	char why[STATE_REASON_MAX - 50];
	int r = find_proof(judge, unit, err);

	if (r < 0)
		return r;
	if (runs_the_other_slot(judge))
		return over ? late(judge, "the unit still runs code of the other slot") : 0;
	r = imposter_find(&look, why, sizeof(why), err);
	if (r <= 0)
		return r < 0 ? r : JUDGE_PASSED;
	if (over)
		return late(judge, why);
	tell_patience(judge, why);
	return 0;
}

/* > 0: a verdict. */
static int decide_start(struct judge *judge, const struct unit *unit, bool runs, struct error *err)
{
	bool over = is_over(judge, runs);
	char why[STATE_REASON_MAX - 50];

	if (is_given_up(judge))
		return JUDGE_BAD;
	if (runs && rounds_all_settled(judge->rounds))
		return decide_passed(judge, unit, over, err);
	if (runs)
		(void)rounds_explain(judge->rounds, why, sizeof(why));
	else
		(void)snprintf(why, sizeof(why), "the unit is %s (%s)", unit->active_state,
			       unit->sub_state);
	if (over)
		return late(judge, why);
	tell_patience(judge, why);
	return 0;
}

static bool waits_for_external(struct judge *judge, uint64_t now)
{
	if (!rounds_external_fails(judge->rounds))
		return false;
	if (!judge->delayed)
		tell(judge, EVENT_WARNING,
		     "an external probe fails: this does not condemn the release, but delays the commit");
	judge->delayed = true;
	return now < judge->deadline + EXTERNAL_PATIENCE_USEC;
}

static int decide_watch(struct judge *judge, const struct unit *unit, bool runs, struct error *err)
{
	const struct rounds_probe *failed = rounds_find_failed(judge->rounds);
	uint64_t now = clock_monotonic_usec();
	int r;

	if (is_given_up(judge))
		return JUDGE_BAD;
	if (failed) {
		(void)snprintf(judge->report->reason, sizeof(judge->report->reason),
			       "probe %.60s failed %u times in a row: %.200s",
			       failed->options->name, failed->failures, failed->text);
		return JUDGE_BAD;
	}
	if (!runs || now < judge->deadline || rounds_any_in_doubt(judge->rounds) ||
	    waits_for_external(judge, now))
		return 0;
	r = find_proof(judge, unit, err);
	return r < 0 ? r : JUDGE_PASSED;
}

static int decide(struct judge *judge, const struct unit *unit, bool runs, struct error *err)
{
	switch (judge->how->phase) {
	case JUDGE_START:
		return decide_start(judge, unit, runs, err);
	case JUDGE_WATCH:
		return decide_watch(judge, unit, runs, err);
	default:
		if (runs && !rounds_all_certain(judge->rounds))
			return 0;
		(void)rounds_failed_names(judge->rounds, judge->report->failed,
					  sizeof(judge->report->failed));
		return JUDGE_PASSED;
	}
}

/* That it could not be mended says more. */
static const char *why_unasked(const struct judge *judge)
{
	return judge->care.why[0] ? judge->care.why : judge->rounds->unasked;
}

static void tell_unasked(struct judge *judge)
{
	char span[CLOCK_TEXT_MAX];
	char text[STATE_REASON_MAX];

	if (judge->told_unasked || judge->excused < UNASKED_SILENCE_USEC)
		return;
	judge->told_unasked = true;
	clock_format_span(judge->how->unasked_usec / USEC_PER_SEC * USEC_PER_SEC, span);
	tell(judge, EVENT_WARNING,
	     text_print(
		     text, sizeof(text),
		     "nobody can ask the probes, which says nothing about the release; the clock stands "
		     "still for %s at most: %.250s; `flipslot doctor %s` says what to do",
		     span, why_unasked(judge), judge->options->app));
}

/* The time in which nobody could ask is not held against the release. > 0: JUDGE_UNASKED, it is too much. */
static int excuse(struct judge *judge)
{
	uint64_t now = clock_monotonic_usec();
	uint64_t since = rounds_unasked(judge->rounds, judge->how->phase != JUDGE_BASELINE &&
							       now >= judge->deadline);
	char text[CLOCK_TEXT_MAX];
	uint64_t span;

	if (since == 0) {
		judge->care = (struct helpers_care){};
		return 0;
	}
	if (since < judge->excused_until)
		since = judge->excused_until;
	span = now - since;
	judge->excused += span;
	judge->excused_until = now;
	judge->deadline = span < USEC_INFINITY - judge->deadline ? judge->deadline + span :
								   USEC_INFINITY;
	helpers_care(&judge->care, judge->options->app);
	tell_unasked(judge);
	if (judge->excused < judge->how->unasked_usec)
		return 0;
	clock_format_span(judge->how->unasked_usec / USEC_PER_SEC * USEC_PER_SEC, text);
	(void)text_print(judge->report->reason, sizeof(judge->report->reason),
			 "for %s nobody could ask its probes (%.200s): see `flipslot doctor %s`",
			 text, why_unasked(judge), judge->options->app);
	return JUDGE_UNASKED;
}

static void excuse_restarts(struct unit *unit, unsigned int before)
{
	unit->restarts = unit->restarts > before ? unit->restarts - before : 0;
}

/* One turn: > 0 is a verdict. */
static int turn(struct judge *judge, struct error *err)
{
	struct rounds_view view = {
		.options = judge->options,
		.judge = judge->how,
		.listener = judge->listener,
		.state = judge->state,
		.manager = judge->manager,
	};
	_cleanup_unit_ struct unit unit = {};
	int r;

	if (judge->how->interrupt(judge->how->interrupt_data) > 0)
		return JUDGE_INTERRUPTED;
	r = unit_query(judge->manager, judge->options->unit, &unit, err);
	if (r < 0)
		return r;
	view.unit = &unit;
	excuse_restarts(&unit, judge->how->restarts);
	r = look(judge, &unit, err);
	if (r < 0 || (r != LOOK_RUNS && r != LOOK_WAIT))
		return r;
	judge->runs = r == LOOK_RUNS;
	r = look_at_siblings(judge, err);
	if (r != 0)
		return r;
	if (!judge->runs)
		return decide(judge, &unit, false, err);
	r = rounds_step(judge->rounds, &view, err);
	if (r == 0)
		r = excuse(judge);
	if (r != 0)
		return r;
	return decide(judge, &unit, true, err);
}

static int wait_for_news(const struct judge *judge, struct error *err)
{
	uint64_t now = clock_monotonic_usec();
	uint64_t until = now + LOOK_PERIOD_USEC;
	uint64_t next = rounds_next(judge->rounds);

	if (judge->runs && next < until)
		until = next;
	if (judge->deadline > now && judge->deadline < until)
		until = judge->deadline;
	return manager_wait(judge->manager, judge->rounds->epoll_fd, until > now ? until - now : 0,
			    err);
}

static int on_change(sd_bus_message *message, void *data, sd_bus_error *ret_error)
{
	(void)message;
	(void)data;
	(void)ret_error;
	return 0; /* its arrival ends manager_wait, and that is all it is for */
}

/* Changes of the unit wake the judge up at once; a connection that came back is asked again. */
static int subscribe(struct judge *judge, struct error *err)
{
	_cleanup_free_ char *path = NULL;
	int r;

	if (judge->slot && judge->generation == manager_generation(judge->manager))
		return 0;
	judge->generation = manager_generation(judge->manager);
	judge->slot = sd_bus_slot_unref(judge->slot);
	r = sd_bus_path_encode("/org/freedesktop/systemd1/unit", judge->options->unit, &path);
	if (r >= 0)
		r = sd_bus_match_signal(manager_bus(judge->manager), &judge->slot, MANAGER_SERVICE,
					path, "org.freedesktop.DBus.Properties",
					"PropertiesChanged", on_change, NULL);
	return r < 0 ? manager_error(NULL, r, err, "watching %s", judge->options->unit) : 0;
}

static int run(struct judge *judge, struct error *err)
{
	int r;

	for (;;) {
		r = subscribe(judge, err);
		if (r < 0)
			return r;
		r = turn(judge, err);
		if (r != 0)
			return r;
		r = wait_for_news(judge, err);
		if (r < 0)
			return r;
	}
}

int judge_run(const struct deploy_options *options, const struct judge_options *how,
	      struct manager *manager, const struct event_listener *listener,
	      const struct state *state, struct judge_report *ret_report, struct error *err)
{
	struct judge judge = {
		.options = options,
		.how = how,
		.manager = manager,
		.listener = listener,
		.state = state,
		.report = ret_report,
		.began = clock_monotonic_usec(),
		.deadline = how->deadline,
	};
	_cleanup_(rounds_freep) struct rounds *rounds = NULL;
	int r;

	if (how->invocation && how->invocation != ret_report->invocation)
		(void)text_copy(how->invocation, ret_report->invocation,
				sizeof(ret_report->invocation));
	r = rounds_new(&rounds, options, how, err);
	if (r < 0)
		return r;
	judge.rounds = rounds;
	r = run(&judge, err);
	(void)sd_bus_slot_unref(judge.slot);
	return r;
}
