/*
 * An event as one line of JSON: what the event stream holds and `--json` prints (docs/JSON.md has
 * the keys, which are a contract), and as one sentence for a person.
 */
#pragma once

#include "deploy/event.h"
#include "unit/unit.h"

#define EVENT_LINE_APP_MAX   65
#define EVENT_LINE_PROBE_MAX 64
#define EVENT_LINE_TEXT_MAX  1024 /* of the sentence */

/* An event that owns its texts. What its kind does not say is empty, 0 or SLOT_NONE. */
struct event_line {
	enum event_kind kind;
	uint64_t time; /* realtime usec, of the event */
	char app[EVENT_LINE_APP_MAX];
	char unit[UNIT_NAME_MAX];
	char transaction[STATE_ID_MAX];
	char request[STATE_ID_MAX]; /* the request that was answered last */
	enum verb verb;
	enum phase phase;
	enum phase from;
	enum slot slot; /* the target */
	char version[STATE_VERSION_MAX];
	char from_version[STATE_VERSION_MAX];
	uint64_t began; /* realtime usec, of the transaction */
	uint64_t duration;
	enum stage_step step;
	uint64_t done, total;
	char probe[EVENT_LINE_PROBE_MAX];
	bool passed;
	bool held;
	uint64_t until; /* of the hold */
	enum outcome outcome;
	enum fault fault;
	char invocation[33]; /* of the trial */
	char reason[STATE_REASON_MAX];
	char text[ERROR_TEXT_MAX];
};

const char *event_line_kind_name(enum event_kind kind); /* "accepted", "phase", … */
enum event_kind event_line_kind_from_name(const char *name); /* EVENT_KIND_MAX if unknown */

void event_line_of(const struct event *event, uint64_t realtime_usec, struct event_line *ret_line);

/* *ret_json is malloc'ed, ends with a newline. */
int event_line_encode(const struct event_line *line, char **ret_json, struct error *err);

/* FAULT_CORRUPT: not such a line. Keys that are not known are passed over, those that miss are empty. */
int event_line_decode(const char *json, struct event_line *ret_line, struct error *err);

/* "watching: 1.4 passed its start probes"; never empty. Returns ret_text. */
char *event_line_describe(const struct event_line *line, char *ret_text, size_t room);
