/*
 * The hashes by which metadata names a file (TUF specification 4.4, HASHES):
 *
 *     { "sha256": "<64 hexadecimal digits, lower case>", "sha512": "<128>", … }
 *
 * Every one that this program knows must fit; unknown ones are ignored, but a file of which no
 * known one is listed cannot be verified at all.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/error.h"

#define HASHES_SHA512_SIZE 64
#define HASHES_HEX_MAX	   (2 * HASHES_SHA512_SIZE + 1)

struct hashes_sha512 {
	uint8_t bytes[HASHES_SHA512_SIZE];
};

struct hashes {
	bool has_sha256;
	bool has_sha512;
	struct digest sha256;
	struct hashes_sha512 sha512;
};

/*
 * The object; no member, or one of a wrong form, is FAULT_CORRUPT. That none is known is no error
 * here: hashes_known says so.
 */
int hashes_read(const json_t *object, struct hashes *ret_hashes, struct error *err);
bool hashes_known(const struct hashes *hashes);

/* The hash that stands in file names (6.2), SHA-256 if there is one; "" if none is known. */
char *hashes_to_hex(const struct hashes *hashes, char ret_hex[static HASHES_HEX_MAX]);

/* Differs, or none known: FAULT_UNTRUSTED. */
int hashes_check(const struct hashes *hashes, const void *data, size_t size, struct error *err);

/* The same for a file that comes in parts: new, update any number of times, finish once. */
struct hashes_stream;
int hashes_stream_new(const struct hashes *hashes, struct hashes_stream **ret_stream,
		      struct error *err);
void hashes_stream_free(struct hashes_stream *stream);
CLEANUP_DEFINE(struct hashes_stream, hashes_stream_free);
int hashes_stream_update(struct hashes_stream *stream, const void *data, size_t size,
			 struct error *err);
int hashes_stream_finish(struct hashes_stream *stream, struct error *err);
