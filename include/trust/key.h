/*
 * A public key of metadata and its signatures (TUF specification 4.2.2), verified by OpenSSL:
 *
 *     keytype                        scheme                 public
 *     ed25519                        ed25519                64 hexadecimal digits
 *     ecdsa, ecdsa-sha2-nistp256     ecdsa-sha2-nistp256    PEM, or the uncompressed point in
 *                                                           hexadecimal (go-tuf before 0.4)
 *     rsa                            rsassa-pss-sha256      PEM, 2048 to 16384 bits
 *
 * PEM is "PUBLIC KEY" (SubjectPublicKeyInfo) or, for RSA, "RSA PUBLIC KEY" (PKCS #1). RSA
 * signatures may have a salt of any length (python-tuf: that of the digest; go: the longest).
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"

struct key;

/*
 * Reads a KEY object. An object that is no KEY is FAULT_CORRUPT. > 0: KEY_UNUSABLE, it is of a
 * type or scheme that is not in the table, or its value is no such key: it never verifies
 * anything, which is not an error of who listed it.
 */
enum { KEY_UNUSABLE = 1 };
int key_read(const json_t *object, struct key **ret_key, struct error *err);
void key_free(struct key *key);
CLEANUP_DEFINE(struct key, key_free);

/* The same public key, however it was written and called? */
bool key_equal(const struct key *a, const struct key *b);

/* Is sig the key's signature over data? Anything else is just no. */
bool key_verify(const struct key *key, const void *data, size_t size, const void *sig,
		size_t sig_size);
