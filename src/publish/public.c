#include "publish/public.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "trust/canonical.h"
#include "trust/jread.h"
#include "trust/key.h"

#define ED25519_SIZE 32

static int complain(struct error *err, const char *what)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());
	int r = error_set(err, FAULT_INTERNAL, "%s: %s", what, why ? why : "refused");

	ERR_clear_error();
	return r;
}

static char *to_hex(const unsigned char *bytes, size_t size)
{
	struct text hex = {};

	for (size_t i = 0; i < size; i++)
		text_add(&hex, "%02x", bytes[i]);
	return text_take(&hex);
}

/* ---- public keys ---- */

int public_to_pem(const EVP_PKEY *pkey, char **ret_pem, size_t *ret_size, struct error *err)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL;
	char *copy = NULL;
	long size = 0;

	if (bio && PEM_write_bio_PUBKEY(bio, pkey) == 1)
		size = BIO_get_mem_data(bio, &data);
	if (size > 0)
		copy = calloc(1, (size_t)size + 1);
	if (copy)
		memcpy(copy, data, (size_t)size); /* what a BIO holds does not end with a NUL */
	BIO_free(bio);
	if (!copy)
		return complain(err, "writing a public key");
	*ret_pem = copy;
	*ret_size = (size_t)size;
	return 0;
}

static json_t *make(const char *type, const char *scheme, const char *public)
{
	return json_pack("{ss ss s{ss}}", "keytype", type, "scheme", scheme, "keyval", "public",
			 public);
}

static int of_ed25519(const EVP_PKEY *pkey, json_t **ret_key, struct error *err)
{
	unsigned char bytes[ED25519_SIZE];
	size_t size = sizeof(bytes);
	_cleanup_free_ char *hex = NULL;

	if (EVP_PKEY_get_raw_public_key(pkey, bytes, &size) != 1)
		return complain(err, "reading a public key");
	hex = to_hex(bytes, size);
	*ret_key = hex ? make("ed25519", "ed25519", hex) : NULL;
	return *ret_key ? 0 : error_code(err, -ENOMEM, "a public key");
}

static int of_pem(const EVP_PKEY *pkey, const char *type, const char *scheme, json_t **ret_key,
		  struct error *err)
{
	_cleanup_free_ char *pem = NULL;
	size_t size;
	int r = public_to_pem(pkey, &pem, &size, err);

	if (r < 0)
		return r;
	*ret_key = make(type, scheme, pem);
	return *ret_key ? 0 : error_code(err, -ENOMEM, "a public key");
}

/* Would a device take it? */
static int check(const json_t *key, struct error *err)
{
	_cleanup_(key_freep) struct key *read = NULL;
	int r = key_read(key, &read, err);

	if (r > 0)
		return error_set(err, FAULT_CONFIG,
				 "no key that devices understand: ed25519, P-256, or RSA of 2048 "
				 "to 16384 bits");
	return r;
}

int public_of(const EVP_PKEY *pkey, json_t **ret_key, struct error *err)
{
	_cleanup_(jread_freep) json_t *key = NULL;
	int r;

	switch (EVP_PKEY_get_base_id(pkey)) {
	case EVP_PKEY_ED25519:
		r = of_ed25519(pkey, &key, err);
		break;
	case EVP_PKEY_EC:
		r = of_pem(pkey, "ecdsa", "ecdsa-sha2-nistp256", &key, err);
		break;
	case EVP_PKEY_RSA:
		r = of_pem(pkey, "rsa", "rsassa-pss-sha256", &key, err);
		break;
	default:
		return error_set(err, FAULT_CONFIG, "a key must be ed25519, P-256 or RSA");
	}
	if (r == 0)
		r = check(key, err);
	if (r == 0)
		*ret_key = TAKE_PTR(key);
	return r;
}

int public_id(const json_t *key, char ret_id[static DIGEST_HEX_MAX], struct error *err)
{
	_cleanup_free_ char *bytes = NULL;
	struct digest digest;
	size_t size;
	int r = canonical_encode(key, &bytes, &size, err);

	if (r == 0)
		r = digest_of(bytes, size, &digest, err);
	if (r == 0)
		(void)digest_to_hex(&digest, ret_id);
	return r;
}

int public_from_pem(const char *name, const char *pem, size_t size, json_t **ret_key,
		    struct error *err)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)size);
	EVP_PKEY *pkey = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
	int r;

	BIO_free(bio);
	ERR_clear_error();
	if (!pkey)
		return error_set(err, FAULT_CONFIG, "%s holds no public key (PEM)", name);
	r = public_of(pkey, ret_key, err);
	EVP_PKEY_free(pkey);
	return r < 0 ? error_prefix(err, r, "%s", name) : 0;
}

/* ---- signatures ---- */

/* The salt is as long as the digest: what python-tuf of any age verifies. */
static bool set_pss(EVP_PKEY_CTX *ctx)
{
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static bool sign(EVP_MD_CTX *ctx, EVP_PKEY *pkey, const void *data, size_t size,
		 unsigned char **ret_sig, size_t *ret_size)
{
	int id = EVP_PKEY_get_base_id(pkey);
	const EVP_MD *md = id == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
	EVP_PKEY_CTX *pctx; /* the other one's */

	if (EVP_DigestSignInit(ctx, &pctx, md, NULL, pkey) != 1 ||
	    (id == EVP_PKEY_RSA && !set_pss(pctx)) ||
	    EVP_DigestSign(ctx, NULL, ret_size, data, size) != 1)
		return false;
	*ret_sig = malloc(*ret_size);
	return *ret_sig && EVP_DigestSign(ctx, *ret_sig, ret_size, data, size) == 1;
}

int public_sign(EVP_PKEY *pkey, const void *data, size_t size, char **ret_hex, struct error *err)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	_cleanup_free_ unsigned char *sig = NULL;
	size_t sig_size = 0;
	bool good = ctx && sign(ctx, pkey, data, size, &sig, &sig_size);

	EVP_MD_CTX_free(ctx);
	if (!good)
		return complain(err, "signing");
	*ret_hex = to_hex(sig, sig_size);
	return *ret_hex ? 0 : error_code(err, -ENOMEM, "signing");
}
