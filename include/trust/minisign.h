/*
 * Signatures of single files as minisign makes them (https://jedisct1.github.io/minisign/, "Minisign
 * signature format"), verified by OpenSSL: bytes in, verdict out. src/trust/minisign.c draws both
 * files.
 *
 *     minisign_read_key, minisign_read_signature    the two small files, strictly
 *     minisign_check                                same key, and its word for the trusted comment
 *     minisign_stream_*                             the file itself, in one read
 *
 * FAULT_CORRUPT: not of its form. FAULT_UNTRUSTED: of its form, and not signed by this key.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/error.h"

#define MINISIGN_FILE_MAX    (16 * 1024) /* bytes of a key or of a signature */
#define MINISIGN_COMMENT_MAX 8192 /* bytes of a comment, with the final NUL */
#define MINISIGN_ID_MAX	     17 /* a key's id as text, with the final NUL */
#define MINISIGN_LEGACY_MAX  (256ULL << 20) /* bytes of a file with a signature of the old kind */

struct minisign_id {
	uint8_t bytes[8];
};

struct minisign_key {
	struct minisign_id id;
	uint8_t bytes[32]; /* Ed25519 */
};

struct minisign_signature {
	struct minisign_id id; /* of the key that it says to be by */
	bool prehashed; /* over the BLAKE2b-512 of the file; else over the file itself (legacy) */
	uint8_t bytes[64];
	uint8_t global[64]; /* over `bytes` and the trusted comment */
	char comment[MINISIGN_COMMENT_MAX]; /* the trusted one, as it came: escape it for people */
};

/* A public key: the file that minisign writes, or its second line alone. */
int minisign_read_key(const char *text, size_t size, struct minisign_key *ret_key,
		      struct error *err);
int minisign_read_signature(const char *text, size_t size, struct minisign_signature *ret_signature,
			    struct error *err);

/* 16 hexadecimal digits, as minisign shows them. Returns ret_text. */
char *minisign_id_to_text(const struct minisign_id *id, char ret_text[static MINISIGN_ID_MAX]);

/* Is the signature by this key, and its trusted comment too? The file has not been looked at yet. */
int minisign_check(const struct minisign_key *key, const struct minisign_signature *signature,
		   struct error *err);

/*
 * The file, as it is read: new, update any number of times, finish once. What finish gives is the
 * SHA-256 of the very bytes that the signature is for. A legacy signature needs the whole file in
 * memory; more than MINISIGN_LEGACY_MAX is FAULT_NO_SPACE at once. key and signature are borrowed.
 */
struct minisign_stream;
int minisign_stream_new(const struct minisign_key *key, const struct minisign_signature *signature,
			uint64_t size, struct minisign_stream **ret_stream, struct error *err);
void minisign_stream_free(struct minisign_stream *stream);
CLEANUP_DEFINE(struct minisign_stream, minisign_stream_free);
int minisign_stream_update(struct minisign_stream *stream, const void *data, size_t size,
			   struct error *err);
int minisign_stream_finish(struct minisign_stream *stream, struct digest *ret_digest,
			   struct error *err);
