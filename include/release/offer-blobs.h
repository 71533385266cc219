/*
 * The blobs of an offer (release/offer.h), for its reader and writer alone.
 */
#pragma once

#include <jansson.h>

#include "release/offer.h"

/* Pieces that a full archive of that length has. */
uint64_t offer_blobs_count_pieces(uint64_t length);

/* Which key is wrong; NULL: none. */
const char *offer_blobs_find_wrong(const struct offer *offer);

/* NULL: no memory. */
json_t *offer_blobs_digest(const struct digest *digest);
json_t *offer_blobs_make(const struct offer *offer);

/* Each of the list, of which there are min to max. */
int offer_blobs_each(const json_t *list, size_t min, size_t max, const char *key,
		     int (*get)(const json_t *value, struct offer *offer, struct error *err),
		     struct offer *offer, struct error *err);

/* object: the offer. FAULT_CORRUPT names the key. */
int offer_blobs_get(const json_t *object, struct offer *offer, struct error *err);
