/*
 * Everything about the last failure of an app in one text, to attach to a ticket: versions, status, history, what doctor says,
 * configuration and units, the log that was kept of the run that failed. Without secrets (app/redact.h).
 */
#pragma once

#include "base/error.h"
#include "base/text.h"

/* What cannot be had is said in its place. */
int ticket_write(const char *app, struct text *text, struct error *err);
