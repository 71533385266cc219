/*
 * A metadata file that is being made: its body ("signed") and its signatures. Nobody vouches for it here; that
 * is asked of the layer trust before it is published.
 */
#pragma once

#include <jansson.h>
#include <openssl/evp.h>

#include "base/digest.h"
#include "base/error.h"
#include "trust/jread.h"

#define DOCUMENT_MAX	     (16 * 1024 * 1024) /* bytes: what clients take at most */
#define DOCUMENT_EXPIRES_MAX 32

/* A new one around the body, which it takes over (NULL: no memory). No signatures. */
int document_new_consume(json_t *body, json_t **ret_document, struct error *err);

/* From bytes: strict JSON with "signed" and "signatures". */
int document_parse(const void *data, size_t size, json_t **ret_document, struct error *err);

/* Its parts, lent. "" and 0 if there is none of the kind. */
json_t *document_body(const json_t *document);
const char *document_type(const json_t *document); /* "_type" */
uint64_t document_version(const json_t *document);
uint64_t document_expires(const json_t *document); /* realtime usec */

/* How many signatures it has, and whether there is one of that key id. */
size_t document_count_signatures(const json_t *document);
bool document_has_signature(const json_t *document, const char *keyid);

/* Signs it with the key; a signature of that key id is replaced. *ret_id may be NULL. */
int document_sign(json_t *document, EVP_PKEY *pkey, char ret_id[static DIGEST_HEX_MAX],
		  struct error *err);

/* Takes over the signatures of `other`; the bodies must be equal (FAULT_UNTRUSTED). */
int document_merge(json_t *document, const json_t *other, struct error *err);

/* The bytes of the file: compact, keys sorted, signatures by key id, a final newline. malloc'ed. */
int document_encode(json_t *document, char **ret_data, size_t *ret_size, struct error *err);

/* "2027-01-15T08:00:00Z", whole seconds. Returns ret_text. */
char *document_time(uint64_t realtime_usec, char ret_text[static DOCUMENT_EXPIRES_MAX]);
