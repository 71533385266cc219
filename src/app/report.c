/* No CODE_FILE= and the like: the records are a contract, the lines of code are not. */
#define SD_JOURNAL_SUPPRESS_LOCATION

#include "app/report.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>

#include "app/config.h"
#include "app/event-line.h"
#include "app/message-id.h"
#include "app/stream.h"
#include "base/cleanup.h"
#include "base/scope.h"

#define FIELDS_MAX     24
#define FIELD_TEXT_MAX (EVENT_LINE_TEXT_MAX + 128)

struct report {
	struct stream *stream;
	bool complained;
};

/* The fields of one record. */
struct fields {
	struct iovec vectors[FIELDS_MAX];
	size_t n;
	char texts[FIELDS_MAX][FIELD_TEXT_MAX];
};

static const char *const message_ids[EVENT_KIND_MAX] = {
	[EVENT_ACCEPTED] = MESSAGE_ID_ACCEPTED,
	[EVENT_REFUSED_REQUEST] = MESSAGE_ID_REFUSED_REQUEST,
	[EVENT_PHASE] = MESSAGE_ID_PHASE,
	[EVENT_FINDING] = MESSAGE_ID_FINDING,
	[EVENT_PROBE] = MESSAGE_ID_PROBE,
	[EVENT_NOTE] = MESSAGE_ID_NOTE,
	[EVENT_WARNING] = MESSAGE_ID_WARNING,
	[EVENT_HOLD] = MESSAGE_ID_HOLD,
	[EVENT_CHECK] = MESSAGE_ID_CHECK,
	[EVENT_DAMAGED] = MESSAGE_ID_DAMAGED,
	[EVENT_MENDED] = MESSAGE_ID_MENDED,
};

static const char *const outcome_ids[OUTCOME_MAX] = {
	[OUTCOME_COMMITTED] = MESSAGE_ID_COMMITTED,
	[OUTCOME_REFUSED] = MESSAGE_ID_REFUSED,
	[OUTCOME_CANCELLED] = MESSAGE_ID_CANCELLED,
	[OUTCOME_FAILED] = MESSAGE_ID_FAILED,
	[OUTCOME_FAILED_FIRST] = MESSAGE_ID_FAILED_FIRST,
	[OUTCOME_ROLLED_BACK] = MESSAGE_ID_ROLLED_BACK,
	[OUTCOME_ROLLED_BACK_UNHEALTHY] = MESSAGE_ID_ROLLED_BACK_UNHEALTHY,
	[OUTCOME_BOTH_BAD] = MESSAGE_ID_BOTH_BAD,
};

static const char *message_id(const struct event_line *line)
{
	if (line->kind != EVENT_OUTCOME)
		return message_ids[line->kind];
	return line->outcome == OUTCOME_NONE ? MESSAGE_ID_NOTE : outcome_ids[line->outcome];
}

int report_priority(const struct event_line *line)
{
	switch (line->kind) {
	case EVENT_PROGRESS:
		return -1;
	case EVENT_REFUSED_REQUEST:
	case EVENT_FINDING:
	case EVENT_WARNING:
		return LOG_WARNING;
	case EVENT_PROBE:
		return line->passed ? LOG_INFO : LOG_WARNING;
	case EVENT_OUTCOME:
		return line->outcome == OUTCOME_COMMITTED ? LOG_NOTICE : LOG_ERR;
	case EVENT_DAMAGED:
		return LOG_ERR;
	case EVENT_HOLD:
	case EVENT_MENDED:
		return LOG_NOTICE;
	default:
		return LOG_INFO;
	}
}

__attribute__((format(printf, 2, 3))) static void add(struct fields *fields, const char *format,
						      ...)
{
	char *text;
	va_list ap;
	int n;

	assert(fields->n < FIELDS_MAX);
	text = fields->texts[fields->n];
	va_start(ap, format);
	n = vsnprintf(text, FIELD_TEXT_MAX, format, ap);
	va_end(ap);
	if (n < 0)
		return;
	fields->vectors[fields->n++] = (struct iovec){
		.iov_base = text,
		.iov_len = n < FIELD_TEXT_MAX ? (size_t)n : FIELD_TEXT_MAX - 1,
	};
}

static void add_if(struct fields *fields, const char *key, const char *value)
{
	if (value[0])
		add(fields, "%s=%s", key, value);
}

/* OBJECT_SYSTEMD_UNIT= makes `journalctl -u UNIT` show it; UNIT= would count only from PID 1. */
static void add_common(struct fields *fields, const char *app, const char *unit, const char *id,
		       int priority)
{
	add(fields, "MESSAGE_ID=%s", id);
	add(fields, "PRIORITY=%d", priority);
	add(fields, "SYSLOG_IDENTIFIER=flipslot");
	add_if(fields, scope_is_user() ? "OBJECT_SYSTEMD_USER_UNIT" : "OBJECT_SYSTEMD_UNIT", unit);
	add(fields, "FLIPSLOT_APP=%s", app);
	add_if(fields, "FLIPSLOT_UNIT", unit);
}

static void add_kind(struct fields *fields, const struct event_line *line)
{
	if (line->kind == EVENT_PHASE)
		add(fields, "FLIPSLOT_PHASE_FROM=%s", phase_name(line->from));
	if (line->kind == EVENT_PHASE || line->kind == EVENT_OUTCOME)
		add(fields, "FLIPSLOT_DURATION_USEC=%" PRIu64, line->duration);
	if (line->kind == EVENT_PROBE)
		add(fields, "FLIPSLOT_PROBE=%s", line->probe);
	if (line->kind == EVENT_OUTCOME)
		add(fields, "FLIPSLOT_OUTCOME=%s", outcome_name(line->outcome));
	if (line->fault != FAULT_NONE)
		add(fields, "FLIPSLOT_FAULT=%s", fault_name(line->fault));
	add_if(fields, "FLIPSLOT_REASON", line->kind == EVENT_OUTCOME ? line->reason : line->text);
}

static void write_journal(const struct event_line *line, int priority)
{
	struct fields fields = {};
	char sentence[EVENT_LINE_TEXT_MAX];

	add(&fields, "MESSAGE=%s: %s", line->app,
	    event_line_describe(line, sentence, sizeof(sentence)));
	add_common(&fields, line->app, line->unit, message_id(line), priority);
	add_if(&fields, "FLIPSLOT_TRANSACTION", line->transaction);
	add(&fields, "FLIPSLOT_VERB=%s", verb_name(line->verb));
	add(&fields, "FLIPSLOT_PHASE=%s", phase_name(line->phase));
	add(&fields, "FLIPSLOT_SLOT=%s", slot_name(line->slot));
	add_if(&fields, "FLIPSLOT_VERSION", line->version);
	add_if(&fields, "FLIPSLOT_FROM_VERSION", line->from_version);
	add_kind(&fields, line);
	(void)sd_journal_sendv(fields.vectors, (int)fields.n);
}

void report_complain(const char *app, const char *unit, const char *what, const struct error *why)
{
	struct fields fields = {};

	add(&fields, "MESSAGE=%s: %s: %s", app, what, why->text);
	add_common(&fields, app, unit, MESSAGE_ID_WARNING, LOG_WARNING);
	(void)sd_journal_sendv(fields.vectors, (int)fields.n);
}

static void complain(struct report *report, const char *app, const char *unit,
		     const struct error *err)
{
	if (!report->complained)
		report_complain(app, unit, "nobody can follow the events", err);
	report->complained = true;
}

static int write_stream(struct stream *stream, const struct event_line *line, struct error *err)
{
	_cleanup_free_ char *json = NULL;
	int r;

	r = event_line_encode(line, &json, err);
	if (r < 0)
		return r;
	return stream_write(stream, json, err);
}

static void handle(void *data, const struct event *event)
{
	struct report *report = data;
	struct event_line line;
	struct error err = {};
	int priority;

	event_line_of(event, clock_realtime_usec(), &line);
	priority = report_priority(&line);
	if (priority >= 0)
		write_journal(&line, priority);
	if (report->stream && write_stream(report->stream, &line, &err) < 0)
		complain(report, line.app, line.unit, &err);
}

int report_new(const char *app, struct report **ret_report, struct error *err)
{
	_cleanup_(report_freep) struct report *report = calloc(1, sizeof(*report));
	struct error why = {};

	if (!report)
		return error_errno(err, "reporting");
	if (stream_new(scope_dir(SCOPE_RUN), app, &report->stream, &why) < 0) {
		complain(report, app, "", &why);
	}
	*ret_report = TAKE_PTR(report);
	return 0;
}

void report_free(struct report *report)
{
	if (!report)
		return;
	stream_free(report->stream);
	free(report);
}

struct event_listener report_listener(struct report *report)
{
	return (struct event_listener){ .handle = handle, .data = report };
}

void report_late_failure(const char *app, const char *unit, const struct state *state)
{
	struct fields fields = {};
	const char *good = state->good.version;

	add(&fields, "MESSAGE=%s: %s failed; nothing is under way; known good: %s", app, unit,
	    good[0] ? good : "none");
	add_common(&fields, app, unit, MESSAGE_ID_LATE_FAILURE, LOG_ERR);
	add_if(&fields, "FLIPSLOT_VERSION", good);
	add(&fields, "FLIPSLOT_FAULT=%s", fault_name(FAULT_UNHEALTHY));
	(void)sd_journal_sendv(fields.vectors, (int)fields.n);
}

void report_alert(const char *app, const char *unit, enum report_alert what,
		  const struct outbox_entry *entry, const char *sentence)
{
	static const struct {
		const char *id;
		int priority;
	} kinds[] = {
		[REPORT_ALERT_DELIVERED] = { MESSAGE_ID_ALERT_DELIVERED, LOG_INFO },
		[REPORT_ALERT_FAILED] = { MESSAGE_ID_ALERT_FAILED, LOG_WARNING },
		[REPORT_ALERT_DROPPED] = { MESSAGE_ID_ALERT_DROPPED, LOG_ERR },
	};
	struct fields fields = {};

	add(&fields, "MESSAGE=%s: %s", app, sentence);
	add_common(&fields, app, unit, kinds[what].id, kinds[what].priority);
	add_if(&fields, "FLIPSLOT_RECEIVER", entry->receiver);
	add_if(&fields, "FLIPSLOT_EVENT_ID", entry->id);
	add_if(&fields, "FLIPSLOT_TRANSACTION", entry->transaction);
	if (entry->outcome != OUTCOME_NONE)
		add(&fields, "FLIPSLOT_OUTCOME=%s", outcome_name(entry->outcome));
	add_if(&fields, "FLIPSLOT_REASON", entry->error);
	(void)sd_journal_sendv(fields.vectors, (int)fields.n);
}
