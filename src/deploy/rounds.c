#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/text.h"
#include "deploy/rounds.h"
#include "unit/probe-health.h"

#define START_PERIOD_USEC \
	(50 *             \
	 USEC_PER_MSEC) /* first pause in the start phase and at the baseline, doubled up to Period= */

#define UNASKED_PERIOD_USEC (250 * USEC_PER_MSEC)

static bool is_exempt(const char *exempt, const char *name)
{
	size_t size = strlen(name);

	for (const char *at = exempt; at && *at;) {
		if (strncmp(at, name, size) == 0 && at[size] == ',')
			return true;
		at = strchr(at, ',');
		at = at ? at + 1 : NULL;
	}
	return false;
}

/* The baseline asks only what is about now: logs and files of a start long ago may be gone by rights. */
static bool is_of_phase(const struct probe_options *probe, enum judge_phase phase)
{
	switch (phase) {
	case JUDGE_BASELINE:
		return probe->required && !probe->external && !probe_is_of_unit(probe->kind) &&
		       probe->kind != PROBE_JOURNAL && probe->kind != PROBE_FILE &&
		       probe->kind != PROBE_HEALTH;
	case JUDGE_START:
		return probe->in_start;
	default:
		return probe->in_watch;
	}
}

int rounds_new(struct rounds **ret_rounds, const struct deploy_options *options,
	       const struct judge_options *judge, struct error *err)
{
	_cleanup_(rounds_freep) struct rounds *rounds = calloc(1, sizeof(*rounds));
	struct epoll_event event = { .events = EPOLLIN, .data.fd = judge->wake_fd };

	if (!rounds)
		return error_code(err, -ENOMEM, "asking probes");
	rounds->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (rounds->epoll_fd < 0)
		return error_errno(err, "asking probes");
	if (judge->wake_fd >= 0 &&
	    epoll_ctl(rounds->epoll_fd, EPOLL_CTL_ADD, judge->wake_fd, &event) < 0)
		return error_errno(err, "asking probes");
	rounds->probes = calloc(options->n_probes + 1, sizeof(*rounds->probes));
	if (!rounds->probes)
		return error_code(err, -ENOMEM, "asking probes");
	for (size_t i = 0; i < options->n_probes; i++) {
		const struct probe_options *probe = &options->probes[i];

		if (!is_of_phase(probe, judge->phase))
			continue;
		rounds->probes[rounds->n_probes++] = (struct rounds_probe){
			.options = probe,
			.counts = probe->required && !probe->external &&
				  !is_exempt(judge->exempt, probe->name),
		};
	}
	*ret_rounds = TAKE_PTR(rounds);
	return 0;
}

void rounds_free(struct rounds *rounds)
{
	if (!rounds)
		return;
	for (size_t i = 0; i < rounds->n_probes; i++)
		probe_run_free(rounds->probes[i].run);
	cleanup_close(&rounds->epoll_fd);
	free(rounds->probes);
	free(rounds);
}

void rounds_reset(struct rounds *rounds)
{
	for (size_t i = 0; i < rounds->n_probes; i++) {
		struct rounds_probe *probe = &rounds->probes[i];

		probe_run_free(TAKE_PTR(probe->run));
		*probe =
			(struct rounds_probe){ .options = probe->options, .counts = probe->counts };
	}
}

static uint64_t pause_of(const struct rounds_probe *probe, enum judge_phase phase)
{
	uint64_t period = probe->options->period_usec;
	unsigned int doubled = probe->asked < 10 ? probe->asked : 10;

	if (phase == JUDGE_WATCH || probe->passes > 0)
		return period;
	return period < START_PERIOD_USEC << doubled ? period : START_PERIOD_USEC << doubled;
}

static void tell(const struct rounds_probe *probe, const struct rounds_view *view, bool passed)
{
	const struct event event = {
		.kind = EVENT_PROBE,
		.app = view->options->app,
		.unit = view->options->unit,
		.state = view->state,
		.probe = probe->options->name,
		.passed = passed,
		.fault = passed ? FAULT_NONE : FAULT_UNHEALTHY,
		.text = probe->text,
	};

	view->listener->handle(view->listener->data, &event);
}

static void take_answer(struct rounds_probe *probe, const struct rounds_view *view,
			const struct probe_answer *answer)
{
	/* in the watch phase a first yes is no news: the start phase has said it */
	bool first = probe->asked == 0 && (view->judge->phase != JUDGE_WATCH || !answer->passed);
	bool changed = probe->asked > 0 && (probe->passes > 0) != answer->passed;

	(void)text_copy(answer->text, probe->text, sizeof(probe->text));
	probe->unasked = 0;
	probe->asked++;
	probe->passes = answer->passed ? probe->passes + 1 : 0;
	probe->failures = answer->passed ? 0 : probe->failures + 1;
	if (probe->passes >= probe->options->success_threshold)
		probe->settled = true;
	if (!answer->passed)
		probe->settled = false;
	probe->final = !answer->passed && probe->options->kind == PROBE_HEALTH &&
		       strncmp(answer->text, PROBE_HEALTH_ERROR, strlen(PROBE_HEALTH_ERROR)) == 0;
	probe->next = clock_monotonic_usec() + pause_of(probe, view->judge->phase);
	if (first || changed)
		tell(probe, view, answer->passed);
}

static struct probe_context context_of(const struct rounds_view *view)
{
	return (struct probe_context){
		.helper = view->options->helper,
		.app = view->options->app,
		.unit = view->options->unit,
		.slot_path = view->judge->slot_path,
		.user = view->unit->user,
		.group = view->unit->group,
		.dynamic_user = view->unit->dynamic_user,
		.manager = view->manager,
		.invocation = view->unit->invocation,
		.started = view->unit->started_usec,
	};
}

static void take_unasked(struct rounds *rounds, struct rounds_probe *probe, const char *why)
{
	probe_run_free(TAKE_PTR(probe->run));
	if (probe->unasked == 0)
		probe->unasked = probe->began;
	probe->next = clock_monotonic_usec() + UNASKED_PERIOD_USEC;
	(void)text_print(rounds->unasked, sizeof(rounds->unasked), "probe %.60s: %s",
			 probe->options->name, why);
}

static int begin(struct rounds *rounds, struct rounds_probe *probe, const struct rounds_view *view,
		 struct error *err)
{
	const struct probe_context context = context_of(view);
	struct epoll_event event = { .events = EPOLLIN };
	struct error why = {};
	int r;

	probe->began = clock_monotonic_usec();
	r = probe_begin(probe->options, &context, &probe->run, &why);
	if (r < 0)
		return error_set(err, why.fault, "%s", why.text);
	if (r == PROBE_UNASKED) {
		take_unasked(rounds, probe, why.text);
		return 0;
	}
	event.data.fd = probe_fd(probe->run);
	if (epoll_ctl(rounds->epoll_fd, EPOLL_CTL_ADD, event.data.fd, &event) < 0)
		return error_errno(err, "asking probe %s", probe->options->name);
	return 0;
}

static int step(struct rounds *rounds, struct rounds_probe *probe, const struct rounds_view *view,
		struct error *err)
{
	const struct probe_context context = context_of(view);
	struct probe_answer answer = {};
	struct error why = {};
	int r;

	if (probe->run) {
		r = probe_finish(probe->run, &answer, &why);
		if (r < 0)
			return error_set(err, why.fault, "%s", why.text);
		if (r == PROBE_PENDING)
			return 0;
		if (r == PROBE_UNASKED) {
			take_unasked(rounds, probe, why.text);
			return 0;
		}
		probe_run_free(TAKE_PTR(probe->run));
		take_answer(probe, view, &answer);
		return 0;
	}
	if (clock_monotonic_usec() < probe->next)
		return 0;
	if (!probe_is_of_unit(probe->options->kind))
		return begin(rounds, probe, view, err);
	probe_ask_unit(probe->options, &context, view->unit, &answer);
	take_answer(probe, view, &answer);
	return 0;
}

int rounds_step(struct rounds *rounds, const struct rounds_view *view, struct error *err)
{
	for (size_t i = 0; i < rounds->n_probes; i++) {
		int r = step(rounds, &rounds->probes[i], view, err);

		if (r != 0)
			return r;
	}
	return 0;
}

static bool says_no(const struct rounds_probe *probe)
{
	return probe->failures > 0 && probe->unasked == 0;
}

uint64_t rounds_unasked(struct rounds *rounds, bool at_once)
{
	uint64_t since = 0;

	for (size_t i = 0; i < rounds->n_probes; i++) {
		struct rounds_probe *probe = &rounds->probes[i];

		if (!probe->counts)
			continue;
		if (at_once && probe->run && probe_is_unheard(probe->run))
			take_unasked(rounds, probe, "nobody has taken the order to ask it");
		if (says_no(probe))
			return 0;
		if (probe->unasked > 0 && (since == 0 || probe->unasked < since))
			since = probe->unasked;
	}
	return since;
}

uint64_t rounds_next(const struct rounds *rounds)
{
	uint64_t next = USEC_INFINITY;

	for (size_t i = 0; i < rounds->n_probes; i++) {
		const struct rounds_probe *probe = &rounds->probes[i];
		uint64_t at = probe->run ? probe_deadline(probe->run) : probe->next;

		next = at < next ? at : next;
	}
	return next;
}

bool rounds_all_settled(const struct rounds *rounds)
{
	for (size_t i = 0; i < rounds->n_probes; i++) {
		if (rounds->probes[i].counts && !rounds->probes[i].settled)
			return false;
	}
	return true;
}

bool rounds_all_certain(const struct rounds *rounds)
{
	for (size_t i = 0; i < rounds->n_probes; i++) {
		const struct rounds_probe *probe = &rounds->probes[i];

		if (probe->passes == 0 && probe->failures < probe->options->failure_threshold)
			return false;
	}
	return true;
}

bool rounds_any_in_doubt(const struct rounds *rounds)
{
	for (size_t i = 0; i < rounds->n_probes; i++) {
		const struct rounds_probe *probe = &rounds->probes[i];

		if (probe->counts &&
		    (probe->asked == 0 || probe->failures > 0 || probe->unasked > 0))
			return true;
	}
	return false;
}

bool rounds_all_on_their_way(const struct rounds *rounds)
{
	for (size_t i = 0; i < rounds->n_probes; i++) {
		if (rounds->probes[i].counts && rounds->probes[i].failures > 0)
			return false;
	}
	return true;
}

bool rounds_external_fails(const struct rounds *rounds)
{
	for (size_t i = 0; i < rounds->n_probes; i++) {
		const struct rounds_probe *probe = &rounds->probes[i];

		if (probe->options->required && probe->options->external &&
		    (probe->asked == 0 || probe->failures > 0))
			return true;
	}
	return false;
}

const struct rounds_probe *rounds_find_failed(const struct rounds *rounds)
{
	for (size_t i = 0; i < rounds->n_probes; i++) {
		const struct rounds_probe *probe = &rounds->probes[i];

		if (probe->counts && probe->failures >= probe->options->failure_threshold)
			return probe;
	}
	return NULL;
}

const struct rounds_probe *rounds_find_final(const struct rounds *rounds)
{
	for (size_t i = 0; i < rounds->n_probes; i++) {
		if (rounds->probes[i].counts && rounds->probes[i].final)
			return &rounds->probes[i];
	}
	return NULL;
}

char *rounds_explain(const struct rounds *rounds, char *ret_text, size_t room)
{
	_cleanup_text_ struct text text = {};

	for (size_t i = 0; i < rounds->n_probes; i++) {
		const struct rounds_probe *probe = &rounds->probes[i];

		if (!probe->counts || probe->settled)
			continue;
		text_add(&text, "%sprobe %s: %s", text.size ? "; " : "", probe->options->name,
			 probe->asked ? probe->text : "no answer yet");
	}
	return text_copy(text.data ? text.data : "", ret_text, room);
}

char *rounds_failed_names(const struct rounds *rounds, char *ret_names, size_t room)
{
	_cleanup_text_ struct text text = {};

	for (size_t i = 0; i < rounds->n_probes; i++) {
		if (rounds->probes[i].failures > 0)
			text_add(&text, "%s,", rounds->probes[i].options->name);
	}
	return text_copy(text.data ? text.data : "", ret_names, room);
}
