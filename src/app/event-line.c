/*
 * {"event":"phase","time_usec":…,"app":"gateway","unit":"gateway.service","request":ID,
 *  "transaction":ID,"verb":"install","phase":"trial","slot":"b","from_version":"1.3",
 *  "to_version":"1.4","began_usec":…, then what the kind adds:
 *
 *  phase     "from":"switching","duration_usec":…
 *  progress  "step":"write","done":…,"total":…
 *  probe     "probe":"web","passed":false
 *  hold      "held":true,"until_usec":…
 *  outcome   "outcome":"rolled-back","reason":…,"invocation":…,"duration_usec":…
 *  any       "fault":"unhealthy","text":…}
 */
#include "app/event-line.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/text.h"

static const char *const kind_names[EVENT_KIND_MAX] = {
	[EVENT_ACCEPTED] = "accepted", [EVENT_REFUSED_REQUEST] = "refused-request",
	[EVENT_PHASE] = "phase",       [EVENT_PROGRESS] = "progress",
	[EVENT_FINDING] = "finding",   [EVENT_PROBE] = "probe",
	[EVENT_NOTE] = "note",	       [EVENT_WARNING] = "warning",
	[EVENT_OUTCOME] = "outcome",   [EVENT_HOLD] = "hold",
	[EVENT_CHECK] = "check",       [EVENT_DAMAGED] = "damaged",
	[EVENT_MENDED] = "mended",
};

const char *event_line_kind_name(enum event_kind kind)
{
	return kind_names[kind];
}

enum event_kind event_line_kind_from_name(const char *name)
{
	for (enum event_kind kind = 0; kind < EVENT_KIND_MAX; kind++)
		if (strcmp(kind_names[kind], name) == 0)
			return kind;
	return EVENT_KIND_MAX;
}

#define COPY(target, text) ((void)text_copy((text) ? (text) : "", (target), sizeof(target)))

static void take_transaction(const struct state *state, struct event_line *line)
{
	const struct state_transaction *transaction = &state->transaction;

	line->verb = transaction->verb;
	line->slot = transaction->id[0] ? transaction->target : SLOT_NONE;
	line->began = transaction->began;
	COPY(line->transaction, transaction->id);
	COPY(line->version, transaction->release.version);
	COPY(line->from_version, transaction->from_version);
}

void event_line_of(const struct event *event, uint64_t realtime_usec, struct event_line *ret_line)
{
	const struct state *state = event->state;

	*ret_line = (struct event_line){
		.kind = event->kind,
		.time = realtime_usec,
		.phase = state->phase,
		.from = event->from,
		.duration = event->duration_usec,
		.step = event->step,
		.done = event->done,
		.total = event->total,
		.passed = event->passed,
		.fault = event->fault,
	};
	COPY(ret_line->app, event->app);
	COPY(ret_line->unit, event->unit);
	COPY(ret_line->request, state->answered);
	COPY(ret_line->probe, event->probe);
	COPY(ret_line->text, event->text);
	take_transaction(state, ret_line);
	if (event->kind == EVENT_HOLD) {
		ret_line->held = state->hold.held;
		ret_line->until = state->hold.until;
	}
	if (event->kind != EVENT_OUTCOME)
		return;
	ret_line->outcome = state->transaction.outcome;
	ret_line->fault = state->transaction.fault;
	COPY(ret_line->reason, state->transaction.reason);
	COPY(ret_line->invocation, state->transaction.invocation);
}

/* ---- JSON ---- */

static void put_text(json_t *object, const char *key, const char *text)
{
	char safe[EVENT_LINE_TEXT_MAX];

	if (!text[0] || json_object_set_new(object, key, json_string(text)) == 0)
		return;
	(void)json_object_set_new(object, key,
				  json_string(text_escape(text, strlen(text), safe, sizeof(safe))));
}

static void put_number(json_t *object, const char *key, uint64_t value)
{
	(void)json_object_set_new(object, key, json_integer((json_int_t)value));
}

static void put_kind(json_t *object, const struct event_line *line)
{
	if (line->kind == EVENT_PHASE)
		put_text(object, "from", phase_name(line->from));
	if (line->kind == EVENT_PHASE || line->kind == EVENT_OUTCOME)
		put_number(object, "duration_usec", line->duration);
	if (line->kind == EVENT_PROGRESS) {
		put_text(object, "step", stage_step_name(line->step));
		put_number(object, "done", line->done);
		put_number(object, "total", line->total);
	}
	if (line->kind == EVENT_PROBE) {
		put_text(object, "probe", line->probe);
		(void)json_object_set_new(object, "passed", json_boolean(line->passed));
	}
	if (line->kind == EVENT_HOLD) {
		(void)json_object_set_new(object, "held", json_boolean(line->held));
		put_number(object, "until_usec", line->until);
	}
	if (line->kind == EVENT_OUTCOME) {
		put_text(object, "outcome", outcome_name(line->outcome));
		put_text(object, "reason", line->reason);
		put_text(object, "invocation", line->invocation);
	}
}

static void put_transaction(json_t *object, const struct event_line *line)
{
	put_text(object, "transaction", line->transaction);
	put_text(object, "verb", line->verb == VERB_NONE ? "" : verb_name(line->verb));
	put_text(object, "phase", phase_name(line->phase));
	put_text(object, "slot", line->slot == SLOT_NONE ? "" : slot_name(line->slot));
	put_text(object, "from_version", line->from_version);
	put_text(object, "to_version", line->version);
	put_number(object, "began_usec", line->began);
}

static json_t *make_object(const struct event_line *line)
{
	json_t *object = json_object();

	put_text(object, "event", kind_names[line->kind]);
	put_number(object, "time_usec", line->time);
	put_text(object, "app", line->app);
	put_text(object, "unit", line->unit);
	put_text(object, "request", line->request);
	put_transaction(object, line);
	put_kind(object, line);
	put_text(object, "fault", line->fault == FAULT_NONE ? "" : fault_name(line->fault));
	put_text(object, "text", line->text);
	return object;
}

int event_line_encode(const struct event_line *line, char **ret_json, struct error *err)
{
	_cleanup_free_ char *dump = NULL;
	_cleanup_text_ struct text text = {};
	json_t *object = make_object(line);
	int r;

	dump = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	if (!dump)
		return error_code(err, -ENOMEM, "writing an event");
	text_add(&text, "%s\n", dump);
	r = text_check(&text, err);
	if (r < 0)
		return r;
	*ret_json = text_take(&text);
	return 0;
}

static void get_text(const json_t *object, const char *key, char *ret_text, size_t room)
{
	const char *value = json_string_value(json_object_get(object, key));

	(void)text_copy(value ? value : "", ret_text, room);
}

#define GET(object, key, target) get_text(object, key, target, sizeof(target))

static uint64_t get_number(const json_t *object, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(object, key));

	return value > 0 ? (uint64_t)value : 0;
}

static bool get_bool(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static enum stage_step get_step(const json_t *object)
{
	char name[32];

	GET(object, "step", name);
	for (enum stage_step step = 0; step < STAGE_MAX; step++)
		if (strcmp(stage_step_name(step), name) == 0)
			return step;
	return STAGE_MAX;
}

/* The names of enums. */
static void get_names(const json_t *object, struct event_line *line)
{
	char name[32];

	GET(object, "event", name);
	line->kind = event_line_kind_from_name(name);
	GET(object, "verb", name);
	line->verb = verb_from_name(name);
	GET(object, "phase", name);
	line->phase = phase_from_name(name);
	GET(object, "from", name);
	line->from = name[0] ? phase_from_name(name) : PHASE_IDLE;
	GET(object, "slot", name);
	line->slot = slot_from_name(name);
	GET(object, "outcome", name);
	line->outcome = name[0] ? outcome_from_name(name) : OUTCOME_NONE;
	GET(object, "fault", name);
	line->fault = fault_from_name(name);
	if (line->kind == EVENT_PROGRESS)
		line->step = get_step(object);
}

static bool is_known(const struct event_line *line)
{
	return line->kind < EVENT_KIND_MAX && line->phase < PHASE_MAX && line->from < PHASE_MAX &&
	       line->step < STAGE_MAX && line->outcome < OUTCOME_MAX;
}

static void get_values(const json_t *object, struct event_line *line)
{
	line->time = get_number(object, "time_usec");
	line->began = get_number(object, "began_usec");
	line->duration = get_number(object, "duration_usec");
	line->done = get_number(object, "done");
	line->total = get_number(object, "total");
	line->until = get_number(object, "until_usec");
	line->passed = get_bool(object, "passed");
	line->held = get_bool(object, "held");
	GET(object, "app", line->app);
	GET(object, "unit", line->unit);
	GET(object, "transaction", line->transaction);
	GET(object, "request", line->request);
	GET(object, "to_version", line->version);
	GET(object, "from_version", line->from_version);
	GET(object, "probe", line->probe);
	GET(object, "invocation", line->invocation);
	GET(object, "reason", line->reason);
	GET(object, "text", line->text);
}

int event_line_decode(const char *json, struct event_line *ret_line, struct error *err)
{
	struct event_line line = {};
	json_error_t where;
	json_t *object = json_loads(json, JSON_REJECT_DUPLICATES, &where);

	if (!json_is_object(object)) {
		json_decref(object);
		return error_set(err, FAULT_CORRUPT, "not a line of an event stream");
	}
	get_names(object, &line);
	get_values(object, &line);
	json_decref(object);
	if (!is_known(&line))
		return error_set(err, FAULT_CORRUPT, "an event of a kind that is not known");
	*ret_line = line;
	return 0;
}

/* ---- sentences ---- */

static void describe_phase(const struct event_line *line, char *ret_text, size_t room)
{
	const char *version = line->version[0] ? line->version : "the release";
	const char *slot = slot_name(line->slot);

	switch (line->phase) {
	case PHASE_STAGING:
		(void)snprintf(ret_text, room, "staging: putting %s into slot %s", version, slot);
		break;
	case PHASE_STAGED:
		(void)snprintf(ret_text, room,
			       "staged: %s is complete in slot %s; last checks before "
			       "%s is touched",
			       version, slot, line->unit);
		break;
	case PHASE_SWITCHING:
		(void)snprintf(ret_text, room,
			       "switching: pointing current at slot %s, restarting %s", slot,
			       line->unit);
		break;
	case PHASE_TRIAL:
		(void)snprintf(ret_text, room, "trial: %s runs, its start probes are asked",
			       version);
		break;
	case PHASE_WATCHING:
		(void)snprintf(ret_text, room, "watching: %s passed its start probes", version);
		break;
	case PHASE_REVERTING:
		if (line->from_version[0])
			(void)snprintf(ret_text, room, "reverting: going back to %s",
				       line->from_version);
		else
			(void)snprintf(ret_text, room,
				       "reverting: taking %s back; %s was the first release, so "
				       "nothing will run",
				       version, version);
		break;
	default:
		(void)snprintf(ret_text, room, "%s ended", verb_name(line->verb));
		break;
	}
}

static void describe_progress(const struct event_line *line, char *ret_text, size_t room)
{
	if (line->total > 0)
		(void)snprintf(ret_text, room, "%s: %u %%", stage_step_name(line->step),
			       (unsigned int)((double)line->done * 100 / (double)line->total));
	else
		(void)snprintf(ret_text, room, "%s", stage_step_name(line->step));
}

/* The worker's text begins with the verb. */
static void describe_hold(const struct event_line *line, char *ret_text, size_t room)
{
	const char *why = strncmp(line->text, "hold: ", 6) == 0 ? line->text + 6 : line->text;

	if (line->held)
		(void)snprintf(ret_text, room, "held%s%s", why[0] ? ": " : "", why);
	else
		(void)snprintf(ret_text, room, "no longer held");
}

static void describe_outcome(const struct event_line *line, char *ret_text, size_t room)
{
	const char *about = line->reason[0] ? line->reason : line->text;

	(void)snprintf(ret_text, room, "%s%s%s: %s%s%s", verb_name(line->verb),
		       line->version[0] ? " " : "", line->version, outcome_name(line->outcome),
		       about[0] ? ": " : "", about);
}

static void add_text(const struct event_line *line, char *ret_text, size_t room)
{
	size_t n = strlen(ret_text);

	if (line->text[0])
		(void)snprintf(ret_text + n, room - n, ": %s", line->text);
}

/* The text of a probe's event begins with the probe's name. */
static void describe_probe(const struct event_line *line, char *ret_text, size_t room)
{
	size_t n = strlen(line->probe);
	const char *about = line->text;

	if (n > 0 && strncmp(about, line->probe, n) == 0 && strncmp(about + n, ": ", 2) == 0)
		about += n + 2;
	(void)snprintf(ret_text, room, "probe %s %s%s%s", line->probe,
		       line->passed ? "passed" : "failed", about[0] ? ": " : "", about);
}

char *event_line_describe(const struct event_line *line, char *ret_text, size_t room)
{
	switch (line->kind) {
	case EVENT_PHASE:
		describe_phase(line, ret_text, room);
		add_text(line, ret_text, room);
		break;
	case EVENT_PROGRESS:
		describe_progress(line, ret_text, room);
		break;
	case EVENT_OUTCOME:
		describe_outcome(line, ret_text, room);
		break;
	case EVENT_PROBE:
		describe_probe(line, ret_text, room);
		break;
	case EVENT_HOLD:
		describe_hold(line, ret_text, room);
		break;
	case EVENT_FINDING:
		(void)snprintf(ret_text, room, "in the way");
		add_text(line, ret_text, room);
		break;
	case EVENT_REFUSED_REQUEST:
		(void)snprintf(ret_text, room, "a request was refused");
		add_text(line, ret_text, room);
		break;
	case EVENT_CHECK:
	case EVENT_NOTE:
		(void)snprintf(ret_text, room, "%s", line->text[0] ? line->text : "note");
		break;
	default:
		(void)snprintf(ret_text, room, "%s", kind_names[line->kind]);
		add_text(line, ret_text, room);
		break;
	}
	return ret_text;
}
