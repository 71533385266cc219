/*
 * A public key, two lines, of which the second is enough; a signature, four lines:
 *
 *     untrusted comment: whatever, nobody signed it
 *     base64("Ed", key id (8), public key (32))
 *
 *     untrusted comment: whatever
 *     base64("ED" or "Ed", key id (8), signature (64))
 *     trusted comment: TEXT
 *     base64(global signature (64))
 *
 * "ED": the signature is over the BLAKE2b-512 of the file; "Ed", the old kind: over the file. The global
 * one is over the 64 bytes of the first and TEXT. A line ends with LF, with CR LF, or with the file.
 */
#include "trust/minisign.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNTRUSTED   "untrusted comment: "
#define TRUSTED	    "trusted comment: "
#define KEY_SIZE    (2 + 8 + 32)
#define SIGNED_SIZE (2 + 8 + 64)
#define BASE64_MAX  104 /* characters of the longest line of base64, rounded up, and room */

struct line {
	const char *text; /* without its end, not NUL-terminated */
	size_t size;
};

/* ---- the text ---- */

/* The next line is taken off the text. None is left: an empty one. */
static struct line take_line(const char **text, size_t *size)
{
	const char *end = *size > 0 ? memchr(*text, '\n', *size) : NULL;
	struct line line = { *text, end ? (size_t)(end - *text) : *size };
	size_t whole = line.size + (end ? 1 : 0);

	*text += whole;
	*size -= whole;
	if (line.size > 0 && line.text[line.size - 1] == '\r')
		line.size--;
	return line;
}

static bool take_prefix(struct line *line, const char *prefix)
{
	size_t size = strlen(prefix);

	if (line->size < size || memcmp(line->text, prefix, size) != 0)
		return false;
	line->text += size;
	line->size -= size;
	return true;
}

/*
 * Exactly so many bytes in base64, padded, in the one way to write them: OpenSSL's decoder takes
 * more than that, so that what it gives is encoded again and compared.
 */
static bool decode(const struct line *line, uint8_t *ret_bytes, size_t size)
{
	size_t digits = (size + 2) / 3 * 4;
	unsigned char bytes[BASE64_MAX];
	unsigned char again[BASE64_MAX + 1];
	bool good;

	assert(digits <= sizeof(bytes));
	good = line->size == digits &&
	       EVP_DecodeBlock(bytes, (const unsigned char *)line->text, (int)digits) > 0 &&
	       EVP_EncodeBlock(again, bytes, (int)size) == (int)digits &&
	       memcmp(again, line->text, digits) == 0;
	ERR_clear_error();
	if (good)
		memcpy(ret_bytes, bytes, size);
	return good;
}

static int check_text(const char *text, size_t size, struct error *err)
{
	if (size > MINISIGN_FILE_MAX)
		return error_set(err, FAULT_CORRUPT, "more than %d bytes", MINISIGN_FILE_MAX);
	if (size == 0)
		return error_set(err, FAULT_CORRUPT, "nothing is in it");
	if (memchr(text, '\0', size))
		return error_set(err, FAULT_CORRUPT, "a NUL byte is in it");
	return 0;
}

int minisign_read_key(const char *text, size_t size, struct minisign_key *ret_key,
		      struct error *err)
{
	uint8_t bytes[KEY_SIZE];
	struct line line;
	int r = check_text(text, size, err);

	if (r < 0)
		return r;
	line = take_line(&text, &size);
	if (take_prefix(&line, UNTRUSTED))
		line = take_line(&text, &size);
	if (!decode(&line, bytes, sizeof(bytes)) || memcmp(bytes, "Ed", 2) != 0)
		return error_set(
			err, FAULT_CORRUPT,
			"not a minisign public key: 56 characters of base64 that begin with RW");
	if (size > 0)
		return error_set(err, FAULT_CORRUPT, "something follows the public key");
	memcpy(ret_key->id.bytes, bytes + 2, sizeof(ret_key->id.bytes));
	memcpy(ret_key->bytes, bytes + 10, sizeof(ret_key->bytes));
	return 0;
}

static int read_signed(struct line line, struct minisign_signature *signature, struct error *err)
{
	uint8_t bytes[SIGNED_SIZE];

	if (!decode(&line, bytes, sizeof(bytes)))
		return error_set(err, FAULT_CORRUPT,
				 "line 2 is not a signature: 100 characters of base64");
	if (memcmp(bytes, "ED", 2) != 0 && memcmp(bytes, "Ed", 2) != 0)
		return error_set(err, FAULT_CORRUPT, "line 2 is a signature of an unknown kind");
	signature->prehashed = bytes[1] == 'D';
	memcpy(signature->id.bytes, bytes + 2, sizeof(signature->id.bytes));
	memcpy(signature->bytes, bytes + 10, sizeof(signature->bytes));
	return 0;
}

static int read_comment(struct line line, struct minisign_signature *signature, struct error *err)
{
	if (!take_prefix(&line, TRUSTED))
		return error_set(err, FAULT_CORRUPT, "line 3 does not begin with \"" TRUSTED "\"");
	if (line.size >= sizeof(signature->comment))
		return error_set(err, FAULT_CORRUPT, "the trusted comment is longer than %d bytes",
				 MINISIGN_COMMENT_MAX - 1);
	memcpy(signature->comment, line.text, line.size);
	signature->comment[line.size] = '\0';
	return 0;
}

int minisign_read_signature(const char *text, size_t size, struct minisign_signature *ret_signature,
			    struct error *err)
{
	struct line line;
	int r = check_text(text, size, err);

	if (r < 0)
		return r;
	line = take_line(&text, &size);
	if (!take_prefix(&line, UNTRUSTED))
		return error_set(err, FAULT_CORRUPT,
				 "not a minisign signature: line 1 does not begin with \"" UNTRUSTED
				 "\"");
	r = read_signed(take_line(&text, &size), ret_signature, err);
	if (r >= 0)
		r = read_comment(take_line(&text, &size), ret_signature, err);
	if (r < 0)
		return r;
	line = take_line(&text, &size);
	if (!decode(&line, ret_signature->global, sizeof(ret_signature->global)))
		return error_set(err, FAULT_CORRUPT,
				 "line 4 is not a signature: 88 characters of base64");
	if (size > 0)
		return error_set(err, FAULT_CORRUPT, "something follows line 4");
	return 0;
}

/* As a number that is stored with its lowest byte first. */
char *minisign_id_to_text(const struct minisign_id *id, char ret_text[static MINISIGN_ID_MAX])
{
	for (size_t i = 0; i < sizeof(id->bytes); i++)
		(void)snprintf(ret_text + 2 * i, 3, "%02X", id->bytes[sizeof(id->bytes) - 1 - i]);
	return ret_text;
}

/* ---- the signatures ---- */

static bool verify(const struct minisign_key *key, const uint8_t signature[static 64],
		   const void *data, size_t size)
{
	EVP_PKEY *pkey =
		EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->bytes, sizeof(key->bytes));
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = pkey && ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
		    EVP_DigestVerify(ctx, signature, 64, data, size) == 1;

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return good;
}

int minisign_check(const struct minisign_key *key, const struct minisign_signature *signature,
		   struct error *err)
{
	size_t size = strlen(signature->comment);
	uint8_t bytes[sizeof(signature->bytes) + MINISIGN_COMMENT_MAX];
	char wanted[MINISIGN_ID_MAX];
	char is[MINISIGN_ID_MAX];

	if (memcmp(&key->id, &signature->id, sizeof(key->id)) != 0)
		return error_set(err, FAULT_UNTRUSTED,
				 "the signature is by key %s, the key that was given is %s",
				 minisign_id_to_text(&signature->id, is),
				 minisign_id_to_text(&key->id, wanted));
	memcpy(bytes, signature->bytes, sizeof(signature->bytes));
	memcpy(bytes + sizeof(signature->bytes), signature->comment, size);
	if (!verify(key, signature->global, bytes, sizeof(signature->bytes) + size))
		return error_set(err, FAULT_UNTRUSTED,
				 "the trusted comment is not signed by key %s: it was changed",
				 minisign_id_to_text(&key->id, wanted));
	return 0;
}

/* ---- the file ---- */

struct minisign_stream {
	const struct minisign_key *key;
	const struct minisign_signature *signature;
	struct digester *sha256;
	EVP_MD_CTX *blake2b; /* prehashed */
	uint8_t *whole; /* legacy: room for all of it */
	size_t room;
	size_t size;
};

static int begin(struct minisign_stream *stream, uint64_t size, struct error *err)
{
	if (stream->signature->prehashed) {
		stream->blake2b = EVP_MD_CTX_new();
		if (!stream->blake2b ||
		    EVP_DigestInit_ex(stream->blake2b, EVP_blake2b512(), NULL) != 1)
			return error_set(err, FAULT_INTERNAL, "OpenSSL has no BLAKE2b-512");
		return 0;
	}
	if (size > MINISIGN_LEGACY_MAX)
		return error_set(
			err, FAULT_NO_SPACE,
			"a signature of the old kind takes the whole file into memory, at most %llu MiB: "
			"sign it again with `minisign -S -H`",
			MINISIGN_LEGACY_MAX >> 20);
	stream->room = (size_t)size;
	stream->whole = malloc(stream->room + 1);
	return stream->whole ? 0 : error_code(err, -ENOMEM, "reading the whole file");
}

int minisign_stream_new(const struct minisign_key *key, const struct minisign_signature *signature,
			uint64_t size, struct minisign_stream **ret_stream, struct error *err)
{
	_cleanup_(minisign_stream_freep) struct minisign_stream *stream =
		calloc(1, sizeof(*stream));
	int r;

	if (!stream)
		return error_code(err, -ENOMEM, "verifying a signature");
	stream->key = key;
	stream->signature = signature;
	r = digester_new(&stream->sha256, err);
	if (r >= 0)
		r = begin(stream, size, err);
	if (r < 0)
		return r;
	*ret_stream = TAKE_PTR(stream);
	return 0;
}

void minisign_stream_free(struct minisign_stream *stream)
{
	if (!stream)
		return;
	digester_free(stream->sha256);
	EVP_MD_CTX_free(stream->blake2b);
	free(stream->whole);
	free(stream);
}

int minisign_stream_update(struct minisign_stream *stream, const void *data, size_t size,
			   struct error *err)
{
	if (stream->blake2b) {
		if (EVP_DigestUpdate(stream->blake2b, data, size) != 1)
			return error_set(err, FAULT_INTERNAL, "OpenSSL cannot hash");
	} else if (size > stream->room - stream->size) {
		return error_set(err, FAULT_CORRUPT, "it grew while it was being read");
	} else {
		memcpy(stream->whole + stream->size, data, size);
		stream->size += size;
	}
	return digester_update(stream->sha256, data, size, err);
}

int minisign_stream_finish(struct minisign_stream *stream, struct digest *ret_digest,
			   struct error *err)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned int hash_size = 0;
	const void *message = stream->whole;
	size_t size = stream->size;
	char id[MINISIGN_ID_MAX];

	if (stream->blake2b) {
		if (EVP_DigestFinal_ex(stream->blake2b, hash, &hash_size) != 1)
			return error_set(err, FAULT_INTERNAL, "OpenSSL cannot hash");
		message = hash;
		size = hash_size;
	}
	if (!verify(stream->key, stream->signature->bytes, message, size))
		return error_set(err, FAULT_UNTRUSTED, "it is not the file that key %s has signed",
				 minisign_id_to_text(&stream->key->id, id));
	return digester_finish(stream->sha256, ret_digest, err);
}
