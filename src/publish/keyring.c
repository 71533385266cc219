#include "publish/keyring.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "publish/public.h"
#include "trust/jread.h"

void keyring_done(struct keyring *keyring)
{
	for (size_t i = 0; i < keyring->n_keys; i++)
		EVP_PKEY_free(keyring->keys[i].pkey);
	free(keyring->keys);
	*keyring = (struct keyring){};
}

static int id_of(const EVP_PKEY *pkey, char ret_id[static DIGEST_HEX_MAX], struct error *err)
{
	_cleanup_(jread_freep) json_t *key = NULL;
	int r = public_of(pkey, &key, err);

	return r < 0 ? r : public_id(key, ret_id, err);
}

int keyring_add_consume(struct keyring *keyring, EVP_PKEY *pkey, char ret_id[static DIGEST_HEX_MAX],
			struct error *err)
{
	struct keyring_key *keys = reallocarray(keyring->keys, keyring->n_keys + 1, sizeof(*keys));
	int r;

	if (!keys) {
		EVP_PKEY_free(pkey);
		return error_code(err, -ENOMEM, "remembering a key");
	}
	keyring->keys = keys;
	r = id_of(pkey, ret_id, err);
	if (r < 0) {
		EVP_PKEY_free(pkey);
		return r;
	}
	keys += keyring->n_keys++;
	keys->pkey = pkey;
	memcpy(keys->id, ret_id, DIGEST_HEX_MAX);
	return 0;
}

int keyring_load(struct keyring *keyring, int dirfd, const char *name, secret_ask ask, void *data,
		 char ret_id[static DIGEST_HEX_MAX], struct error *err)
{
	EVP_PKEY *pkey;
	int r = secret_load(dirfd, name, ask, data, &pkey, err);

	return r < 0 ? r : keyring_add_consume(keyring, pkey, ret_id, err);
}

static EVP_PKEY *find(const struct keyring *keyring, const char *keyid)
{
	for (size_t i = 0; i < keyring->n_keys; i++)
		if (strcmp(keyring->keys[i].id, keyid) == 0)
			return keyring->keys[i].pkey;
	return NULL;
}

int keyring_get(struct keyring *keyring, const struct settings *settings, int dirfd,
		const char *keyid, secret_ask ask, void *data, EVP_PKEY **ret_pkey,
		struct error *err)
{
	const char *name = settings_find_key(settings, keyid);
	EVP_PKEY *pkey = find(keyring, keyid);
	char id[DIGEST_HEX_MAX];
	int r;

	if (!pkey && (!name || (!secret_is_uri(name) && faccessat(dirfd, name, F_OK, 0) < 0)))
		return KEYRING_ABSENT;
	if (!pkey) {
		r = keyring_load(keyring, dirfd, name, ask, data, id, err);
		if (r < 0)
			return r;
		if (strcmp(id, keyid) != 0)
			return error_set(err, FAULT_CONFIG, "%s is another key than %.16s", name,
					 keyid);
		pkey = find(keyring, keyid);
	}
	*ret_pkey = pkey;
	return 0;
}
