/*
 * The status of an app, and past transactions, as JSON. The keys are a contract: docs/JSON.md.
 */
#pragma once

#include <jansson.h>

#include "app/status.h"

/* New references; NULL without memory. */
json_t *status_json(const struct status *status);
json_t *status_json_slot(const struct status *status, enum slot slot);
json_t *status_json_entry(const struct history_entry *entry);

/* Prints and takes the reference over; indented, a newline at the end. */
int status_json_print(json_t *consumed, struct error *err);
