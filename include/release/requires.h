/*
 * The key "requires" of an offer, as JSON and back.
 */
#pragma once

#include <jansson.h>

#include "release/offer.h"

/* NULL without memory. */
json_t *requires_make(const struct offer_requires *requires);

/*
 * value: NULL if it is not there. Each requirement counts: one that is not known is put into `unknown`, for the device to refuse.
 * FAULT_CORRUPT names the key.
 */
int requires_read(json_t *value, struct offer_requires *requires, struct error *err);
