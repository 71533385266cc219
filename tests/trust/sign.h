/*
 * What the tests of trust share: ed25519 keys by number, and metadata signed by them.
 */
#pragma once

#include <jansson.h>
#include <openssl/evp.h>

#include "base/text.h"
#include "trust/canonical.h"

#include "../base/check.h"

#define SIGN_NOW     1800000000ULL /* seconds: 2027-01-15T08:00:00Z */
#define SIGN_EXPIRES "2027-02-01T00:00:00Z"

static EVP_PKEY *sign_key(int number)
{
	unsigned char seed[32] = { (unsigned char)number, 1 };
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));

	assert_non_null(key);
	return key;
}

static char *sign_hex(const unsigned char *bytes, size_t size)
{
	struct text hex = {};

	for (size_t i = 0; i < size; i++)
		text_add(&hex, "%02x", bytes[i]);
	return text_take(&hex);
}

/* The KEY object of a number. */
UNUSED static json_t *sign_public(int number)
{
	EVP_PKEY *key = sign_key(number);
	unsigned char bytes[32];
	size_t size = sizeof(bytes);
	char *hex;
	json_t *object;

	assert_int_equal(EVP_PKEY_get_raw_public_key(key, bytes, &size), 1);
	hex = sign_hex(bytes, size);
	object = json_pack("{ss ss s{ss}}", "keytype", "ed25519", "scheme", "ed25519", "keyval",
			   "public", hex);
	free(hex);
	EVP_PKEY_free(key);
	assert_non_null(object);
	return object;
}

/* The signature of a key over the canonical form, in hexadecimal. */
UNUSED static char *sign_over(int number, const json_t *body)
{
	EVP_PKEY *key = sign_key(number);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char sig[64];
	size_t sig_size = sizeof(sig);
	char *bytes;
	size_t size;

	assert_int_equal(canonical_encode(body, &bytes, &size, NULL), 0);
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL, key), 1);
	assert_int_equal(EVP_DigestSign(ctx, sig, &sig_size, (unsigned char *)bytes, size), 1);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	free(bytes);
	return sign_hex(sig, sig_size);
}

/* "keys": "k1", "k2", … are the key ids of the numbers. */
UNUSED static json_t *sign_keys(int n)
{
	json_t *keys = json_object();

	for (int number = 1; number <= n; number++) {
		char keyid[16];

		(void)snprintf(keyid, sizeof(keyid), "k%d", number);
		assert_int_equal(json_object_set_new(keys, keyid, sign_public(number)), 0);
	}
	return keys;
}

/* { "keyids": [those of the digits], "threshold": n } */
UNUSED static json_t *sign_role(const char *digits, int threshold)
{
	json_t *keyids = json_array();

	for (; *digits; digits++)
		assert_int_equal(json_array_append_new(keyids, json_sprintf("k%c", *digits)), 0);
	return json_pack("{so si}", "keyids", keyids, "threshold", threshold);
}

/* The envelope as text: takes the body over; the digits say whose keys sign. */
UNUSED static char *sign_consume(json_t *body, const char *digits)
{
	json_t *signatures = json_array();
	json_t *whole;
	char *text;

	assert_non_null(body);
	for (; *digits; digits++) {
		char *sig = sign_over(*digits - '0', body);

		json_array_append_new(signatures,
				      json_pack("{so ss}", "keyid", json_sprintf("k%c", *digits),
						"sig", sig));
		free(sig);
	}
	whole = json_pack("{so so}", "signed", body, "signatures", signatures);
	text = json_dumps(whole, JSON_COMPACT);
	json_decref(whole);
	assert_non_null(text);
	return text;
}

/* The beginning of a body of that type. */
UNUSED static json_t *sign_body(const char *type, int version)
{
	return json_pack("{ss ss si ss}", "_type", type, "spec_version", "1.0.31", "version",
			 version, "expires", SIGN_EXPIRES);
}

/* A root: its own key is 1, timestamp's 2, snapshot's 3, targets' 4. */
UNUSED static json_t *sign_root_body(int version)
{
	json_t *body = sign_body("root", version);

	json_object_set_new(body, "consistent_snapshot", json_true());
	json_object_set_new(body, "keys", sign_keys(9));
	json_object_set_new(body, "roles",
			    json_pack("{so so so so}", "root", sign_role("1", 1), "timestamp",
				      sign_role("2", 1), "snapshot", sign_role("3", 1), "targets",
				      sign_role("4", 1)));
	return body;
}

UNUSED static json_t *sign_timestamp_body(int version, int snapshot)
{
	json_t *body = sign_body("timestamp", version);

	json_object_set_new(body, "meta",
			    json_pack("{s{si}}", "snapshot.json", "version", snapshot));
	return body;
}

/* Takes the object of files over: { "targets.json": { "version": … }, … } */
UNUSED static json_t *sign_snapshot_body(int version, json_t *meta)
{
	json_t *body = sign_body("snapshot", version);

	json_object_set_new(body, "meta", meta);
	return body;
}

/* Takes both over; delegations may be NULL. */
UNUSED static json_t *sign_targets_body(int version, json_t *files, json_t *delegations)
{
	json_t *body = sign_body("targets", version);

	json_object_set_new(body, "targets", files);
	if (delegations)
		json_object_set_new(body, "delegations", delegations);
	return body;
}
