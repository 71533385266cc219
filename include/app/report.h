/*
 * Where events go: the journal (structured, with MESSAGE_ID), the event stream that a caller follows. Neither may
 * stop a transaction: what cannot be written is said once in the journal, and passed over.
 */
#pragma once

#include "app/event-line.h"
#include "store/outbox.h"

struct report; /* opens APP/events in SCOPE_RUN (base/scope.h) */

int report_new(const char *app, struct report **ret_report, struct error *err);
void report_free(struct report *report);
CLEANUP_DEFINE(struct report, report_free);

/* The listener to hand to deploy. */
struct event_listener report_listener(struct report *report);

/* The unit has failed while nothing was under way (`flipslot failed`): says what is known good. */
void report_late_failure(const char *app, const char *unit, const struct state *state);

/* A warning of the app itself, of no transaction: what, and why. */
void report_complain(const char *app, const char *unit, const char *what, const struct error *why);

/* What became of an alert; its record says what the entry does, of a dropped one only the sentence counts. */
enum report_alert { REPORT_ALERT_DELIVERED, REPORT_ALERT_FAILED, REPORT_ALERT_DROPPED };
void report_alert(const char *app, const char *unit, enum report_alert what,
		  const struct outbox_entry *entry, const char *sentence);

/* Priority of an event's journal record (syslog(3)), < 0: it does not go to the journal. */
int report_priority(const struct event_line *line);
