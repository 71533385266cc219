/*
 * What carries the signatures (TUF specification 4.2.1), the only thing that is parsed unverified:
 *
 *     { "signed": { … }, "signatures": [ { "keyid": "<any text>", "sig": "<hexadecimal>" }, … ] }
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "trust/signers.h"

#define ENVELOPE_SIGNATURES_MAX 1024

struct envelope;

/*
 * Opens it; nothing in it is believed yet. FAULT_CORRUPT for what is not of that form;
 * FAULT_UNTRUSTED for a key id that stands there twice.
 */
int envelope_open(const void *data, size_t size, struct envelope **ret_envelope, struct error *err);
void envelope_free(struct envelope *envelope);
CLEANUP_DEFINE(struct envelope, envelope_free);

/*
 * Signed by at least the threshold of distinct keys of these signers? Otherwise FAULT_UNTRUSTED. A
 * signature that does not verify, or is by somebody else, only does not count.
 */
int envelope_verify(const struct envelope *envelope, const struct signers *signers,
		    struct error *err);

/* The "signed" object, lent. Look into it only after envelope_verify. */
const json_t *envelope_body(const struct envelope *envelope);

/* Opens and verifies, and gives the body alone; *ret_body is the caller's (json_decref). */
int envelope_read(const void *data, size_t size, const struct signers *signers, json_t **ret_body,
		  struct error *err);
