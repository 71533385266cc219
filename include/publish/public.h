/*
 * Public keys as metadata lists them (TUF specification 4.2.2, trust/key.h), and signing for one.
 *
 *     ed25519    "ed25519", "ed25519"                64 hexadecimal digits
 *     P-256      "ecdsa", "ecdsa-sha2-nistp256"      PEM
 *     RSA        "rsa", "rsassa-pss-sha256"          PEM; at least 2048 bits
 *
 * A key id is the SHA-256 of the canonical form of the KEY object, as python-tuf and others make it.
 * A .pub file is PEM ("PUBLIC KEY").
 */
#pragma once

#include <jansson.h>
#include <openssl/evp.h>

#include "base/digest.h"
#include "base/error.h"

#define PUBLIC_FILE_MAX 16384

/* *ret_key: the KEY object, the caller's. Another kind of key: FAULT_CONFIG. */
int public_of(const EVP_PKEY *pkey, json_t **ret_key, struct error *err);

/* The key id of a KEY object; returns 0 and writes 64 digits. */
int public_id(const json_t *key, char ret_id[static DIGEST_HEX_MAX], struct error *err);

/* *ret_pem is malloc'ed. */
int public_to_pem(const EVP_PKEY *pkey, char **ret_pem, size_t *ret_size, struct error *err);

/* The KEY object of a .pub file. `name` is for messages. */
int public_from_pem(const char *name, const char *pem, size_t size, json_t **ret_key,
		    struct error *err);

/* The signature of the private key over the bytes, in hexadecimal, malloc'ed. ed25519: always the same. */
int public_sign(EVP_PKEY *pkey, const void *data, size_t size, char **ret_hex, struct error *err);
