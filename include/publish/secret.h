/*
 * Private keys: files (PKCS #8 in PEM, mode 0600, encrypted or not) and PKCS #11 URIs (pkcs11:…), through
 * OpenSSL: the provider "pkcs11" where it is installed, otherwise the engine "pkcs11".
 *
 * Somebody else's, or one that others than its owner may read, is refused. Key material stays in OpenSSL's
 * objects, which wipe it; passphrases are wiped here.
 */
#pragma once

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define SECRET_PASSPHRASE_MAX 1024 /* bytes with the final NUL */
#define SECRET_FILE_MAX	      (64 * 1024)

/* Asks for a passphrase: 0 and ret_passphrase, or < 0. confirm: a new one, to be typed twice. */
typedef int (*secret_ask)(void *data, const char *name, bool confirm,
			  char ret_passphrase[static SECRET_PASSPHRASE_MAX], struct error *err);

enum secret_type { SECRET_ED25519, SECRET_ECDSA, SECRET_RSA, SECRET_TYPE_MAX };

const char *secret_type_name(enum secret_type type); /* "ed25519", "ecdsa", "rsa" */
int secret_type_parse(const char *name, enum secret_type *ret_type, struct error *err);

/* Is it a PKCS #11 URI, not a file? */
bool secret_is_uri(const char *name);

/* A new key: ed25519, P-256, or RSA of 3072 bits. *ret_pkey: EVP_PKEY_free. */
int secret_new(enum secret_type type, EVP_PKEY **ret_pkey, struct error *err);

/* Writes it to a new file (0600, synced); one of that name is never overwritten. passphrase may be NULL. */
int secret_save(const EVP_PKEY *pkey, int dirfd, const char *name, const char *passphrase,
		struct error *err);

/* ask (may be NULL: it is an error then) is called only if the file is encrypted. */
int secret_load(int dirfd, const char *name, secret_ask ask, void *data, EVP_PKEY **ret_pkey,
		struct error *err);
