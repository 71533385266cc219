/*
 * What deploy tells the program while it works: app turns it into journal records, the event stream of
 * the CLI, READY=1 and so on. Strings are borrowed for the time of the call.
 */
#pragma once

#include "install/stage.h"
#include "store/state.h"

enum event_kind {
	EVENT_ACCEPTED, /* a request was accepted and its intent is on disk */
	EVENT_REFUSED_REQUEST, /* a request was answered with no; text says why */
	EVENT_PHASE, /* the phase changed: from, to, duration of the phase that ended */
	EVENT_PROGRESS, /* step, done, total; at most 10 a second */
	EVENT_FINDING, /* one finding of preflight */
	EVENT_PROBE, /* a probe changed its mind: text = "name: …" */
	EVENT_NOTE, /* something worth a line: "waiting for the old process to stop (12 s)" */
	EVENT_WARNING,
	EVENT_OUTCOME, /* the transaction ended: state->transaction.outcome, reason */
	EVENT_HOLD, /* held or unheld */
	EVENT_CHECK, /* the source was looked at: text says what it offers, or why that is not known */
	EVENT_DAMAGED, /* a slot is not what was installed: text says which, and how */
	EVENT_MENDED, /* it was repaired */
	EVENT_KIND_MAX,
};

struct event {
	enum event_kind kind;
	const char *app;
	const char *unit;
	const struct state *state; /* as it is on disk now */
	enum phase from; /* EVENT_PHASE */
	uint64_t duration_usec; /* of the phase that ended; of the transaction for EVENT_OUTCOME */
	enum stage_step step; /* EVENT_PROGRESS */
	uint64_t done, total;
	const char *probe; /* EVENT_PROBE: its name */
	bool passed; /* EVENT_PROBE */
	enum fault fault;
	const char *text; /* one line for a person; NULL: none */
};

struct event_listener {
	void (*handle)(void *data, const struct event *event);
	void *data;
};
