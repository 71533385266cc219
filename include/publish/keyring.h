/*
 * The private keys that are at hand, each loaded once, when it is needed first.
 */
#pragma once

#include <openssl/evp.h>
#include <stddef.h>

#include "base/digest.h"
#include "base/error.h"
#include "publish/secret.h"
#include "publish/settings.h"

struct keyring_key {
	char id[DIGEST_HEX_MAX];
	EVP_PKEY *pkey;
};

struct keyring {
	struct keyring_key *keys;
	size_t n_keys;
};

void keyring_done(struct keyring *keyring);

/* Takes a key in (the keyring's then, also on failure); ret_id gets its id. */
int keyring_add_consume(struct keyring *keyring, EVP_PKEY *pkey, char ret_id[static DIGEST_HEX_MAX],
			struct error *err);

/* One from a file or URI; relative names start at dirfd. */
int keyring_load(struct keyring *keyring, int dirfd, const char *name, secret_ask ask, void *data,
		 char ret_id[static DIGEST_HEX_MAX], struct error *err);

/*
 * The key of that id, lent: one that was taken in, or where the settings say that it is.
 * > 0: KEYRING_ABSENT, it is not at hand (not listed, or the file is not there now).
 */
enum { KEYRING_ABSENT = 1 };
int keyring_get(struct keyring *keyring, const struct settings *settings, int dirfd,
		const char *keyid, secret_ask ask, void *data, EVP_PKEY **ret_pkey,
		struct error *err);
