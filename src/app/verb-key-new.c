#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "app/publishing.h"
#include "app/verbs.h"
#include "base/text.h"
#include "publish/public.h"
#include "store/durable.h"
#include "trust/jread.h"

struct making {
	const char *name;
	enum secret_type type;
	bool encrypt;
	const char *passphrase_file;
};

static int print_id(const EVP_PKEY *pkey, struct error *err)
{
	_cleanup_(jread_freep) json_t *key = NULL;
	char keyid[DIGEST_HEX_MAX];
	int r = public_of(pkey, &key, err);

	if (r == 0)
		r = public_id(key, keyid, err);
	if (r == 0)
		printf("keyid %s\n", keyid);
	return r;
}

static int save_public(const EVP_PKEY *pkey, int dirfd, const char *name, struct error *err)
{
	_cleanup_text_ struct text file = {};
	_cleanup_free_ char *pem = NULL;
	size_t size;
	int r = public_to_pem(pkey, &pem, &size, err);

	text_add(&file, "%s.pub", name);
	if (r == 0)
		r = text_check(&file, err);
	return r < 0 ? r : durable_replace(dirfd, file.data, pem, size, 0644, err);
}

static int save_private(const EVP_PKEY *pkey, int dirfd, const char *name,
			const struct making *making, struct error *err)
{
	char passphrase[SECRET_PASSPHRASE_MAX];
	_cleanup_text_ struct text file = {};
	int r;

	text_add(&file, "%s.key", name);
	r = text_check(&file, err);
	if (r == 0 && making->encrypt)
		r = publishing_ask((void *)making->passphrase_file, file.data, true, passphrase,
				   err);
	if (r == 0)
		r = secret_save(pkey, dirfd, file.data, making->encrypt ? passphrase : NULL, err);
	OPENSSL_cleanse(passphrase, sizeof(passphrase));
	return r;
}

static int save(const EVP_PKEY *pkey, const struct making *making, struct error *err)
{
	_cleanup_close_ int dirfd = -1;
	const char *name;
	int r = publishing_open_parent(making->name, &dirfd, &name, err);

	if (r == 0)
		r = save_private(pkey, dirfd, name, making, err);
	return r < 0 ? r : save_public(pkey, dirfd, name, err);
}

static int make(const struct making *making, struct error *err)
{
	EVP_PKEY *pkey;
	int r = secret_new(making->type, &pkey, err);

	if (r < 0)
		return r;
	r = save(pkey, making, err);
	if (r == 0)
		r = print_id(pkey, err);
	EVP_PKEY_free(pkey);
	return r;
}

int verb_key_new(const struct cli_verb *verb, int argc, char **argv)
{
	struct making making = { .type = SECRET_ED25519 };
	const char *type = NULL;
	const struct cli_option options[] = {
		{ "type", '\0', "TYPE", "ed25519 (otherwise), ecdsa or rsa", .text = &type },
		{ "encrypt", '\0', NULL, "protect it with a passphrase", .flag = &making.encrypt },
		{ "passphrase-file", '\0', "FILE", "the passphrase is its first line",
		  .text = &making.passphrase_file },
		{},
	};
	struct error err = {};
	char **operands;
	int r = cli_begin(verb, options, 1, 1, argc, argv, &operands);

	if (r != CLI_GO)
		return r;
	if (type && secret_type_parse(type, &making.type, &err) < 0)
		return cli_refuse(verb, "%s", err.text);
	making.name = operands[0];
	return make(&making, &err) < 0 ? cli_fail(&err) : 0;
}
