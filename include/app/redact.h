/*
 * Takes secrets out of text that leaves the machine: values of names that sound like one (secret, token, password, key …), whole
 * Environment= lines of units, user and password of a URL, and what stands behind the host of an http URL in a
 * configuration line Url=.
 */
#pragma once

#include "base/error.h"
#include "base/text.h"

struct redact; /* the compiled patterns */

int redact_new(struct redact **ret_redact, struct error *err);
void redact_free(struct redact *redact);
CLEANUP_DEFINE(struct redact, redact_free);

/* Adds the lines of text, which lose their secrets; the last one gets a newline if it has none. */
void redact_add(const struct redact *redact, const char *lines, struct text *text);
