/*
 * Where events go: the journal (structured, with MESSAGE_ID), the event stream that a caller follows.
 */
#pragma once

#include "deploy/event.h"

struct report; /* opens /run/flipslot/APP/events */

int report_new(const char *app, struct report **ret_report, struct error *err);
void report_free(struct report *report);
CLEANUP_DEFINE(struct report, report_free);

/* The listener to hand to deploy. */
struct event_listener report_listener(struct report *report);
