#include "app/checkup-probes.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "deploy/judge.h"
#include "deploy/switching.h"
#include "store/layout.h"

/* The last answer of each probe, as long as it is a no. */
struct answers {
	const struct deploy_options *options;
	char (*texts)[PROBE_TEXT_MAX]; /* empty: it has passed, or was not asked */
};

static void take(void *data, const struct event *event)
{
	const struct answers *answers = data;

	for (size_t i = 0; event->kind == EVENT_PROBE && i < answers->options->n_probes; i++)
		if (strcmp(answers->options->probes[i].name, event->probe) == 0)
			(void)text_copy(event->passed ? "" : event->text, answers->texts[i],
					PROBE_TEXT_MAX);
}

static int go_on(void *data)
{
	(void)data;
	return 0;
}

static void complain(const struct checkup *checkup, const char *name, const char *why)
{
	if (checkup->options->baseline)
		doctor_complain(
			checkup->tally, FAULT_UNHEALTHY,
			"probe %s fails on the release that runs: %s: it would be excused (Baseline=), "
			"and the next update could not be told apart from a bad one by it: mend the "
			"service, or what [Probe %s] asks",
			name, why, name);
	else
		doctor_complain(
			checkup->tally, FAULT_UNHEALTHY,
			"probe %s fails on the release that runs: %s: without Baseline= the next update "
			"could not be told apart from a bad one, and would be rolled back: mend the "
			"service, or what [Probe %s] asks",
			name, why, name);
}

static int ask(const struct checkup *checkup, const struct unit *unit, struct answers *answers,
	       struct error *err)
{
	const struct event_listener listener = { .handle = take, .data = answers };
	const struct deploy_options *options = checkup->options;
	enum slot current = checkup->status->current;
	char path[SESSION_PATH_MAX], other[SESSION_PATH_MAX], link[SESSION_PATH_MAX];
	const struct judge_options judge = {
		.phase = JUDGE_BASELINE,
		.slot_path = text_print(path, sizeof(path), "%s/%s", options->root,
					slot_dir_name(current)),
		.other_path = text_print(other, sizeof(other), "%s/%s", options->root,
					 slot_dir_name(slot_other(current))),
		.current_path = text_print(link, sizeof(link), "%s/" LAYOUT_CURRENT, options->root),
		.invocation = unit->invocation,
		.unasked_usec = JUDGE_UNASKED_USEC,
		.restarts = unit->restarts,
		.interrupt = go_on,
		.wake_fd = -1,
	};
	struct judge_report report = {};

	return judge_run(options, &judge, checkup->owner, &listener, &checkup->status->state,
			 &report, err);
}

void checkup_probes(const struct checkup *checkup)
{
	const struct deploy_options *options = checkup->options;
	struct answers answers = { .options = options };
	_cleanup_unit_ struct unit unit = {};
	struct error why = {};

	if (!checkup->owner || checkup->status->current == SLOT_NONE ||
	    checkup->status->state.phase != PHASE_IDLE ||
	    unit_query(checkup->owner, options->unit, &unit, NULL) < 0 ||
	    !unit_has_been_up(&unit, SWITCHING_STEADY_USEC))
		return;
	answers.texts = calloc(options->n_probes + 1, sizeof(*answers.texts));
	if (!answers.texts)
		return;
	if (ask(checkup, &unit, &answers, &why) < 0)
		doctor_complain(checkup->tally, why.fault, "the probes could not be asked: %s",
				why.text);
	for (size_t i = 0; i < options->n_probes; i++)
		if (answers.texts[i][0])
			complain(checkup, options->probes[i].name, answers.texts[i]);
	free(answers.texts);
}
