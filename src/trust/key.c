#include "trust/key.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "trust/hex.h"
#include "trust/jread.h"

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 16384
#define PEM_SIZE_MAX 16384 /* bytes; 16384 bits of RSA take less than 3 KiB */
#define ED25519_SIZE 32
#define P256_SIZE    65 /* 0x04 and two coordinates */

struct scheme {
	const char *keytype;
	const char *name;
	EVP_PKEY *(*read)(const char *text);
	bool is_pss;
	bool has_digest;
};

struct key {
	const struct scheme *scheme;
	EVP_PKEY *pkey;
};

static EVP_PKEY *read_ed25519(const char *text)
{
	unsigned char bytes[ED25519_SIZE];

	if (!hex_read(text, bytes, sizeof(bytes)))
		return NULL;
	return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes, sizeof(bytes));
}

/*
 * The DER of the one block of the PEM text, in whichever of the two forms; nothing may be
 * encrypted.
 */
static EVP_PKEY *read_der(const char *name, const unsigned char *der, long size)
{
	const unsigned char *at = der;
	EVP_PKEY *pkey = NULL;

	if (strcmp(name, PEM_STRING_PUBLIC) == 0)
		pkey = d2i_PUBKEY(NULL, &at, size);
	else if (strcmp(name, PEM_STRING_RSA_PUBLIC) == 0)
		pkey = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, size);
	if (pkey && at != der + size) {
		EVP_PKEY_free(pkey);
		return NULL;
	}
	return pkey;
}

static EVP_PKEY *read_pem(const char *text)
{
	BIO *bio = BIO_new_mem_buf(text, (int)strnlen(text, PEM_SIZE_MAX));
	EVP_PKEY *pkey = NULL;
	unsigned char *der = NULL;
	char *header = NULL;
	char *name = NULL;
	long size;

	if (bio && PEM_read_bio(bio, &name, &header, &der, &size) == 1 && header[0] == '\0')
		pkey = read_der(name, der, size);
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(der);
	BIO_free(bio);
	return pkey;
}

static bool is_p256(const EVP_PKEY *pkey)
{
	char group[32];
	size_t size;

	return EVP_PKEY_get_base_id(pkey) == EVP_PKEY_EC &&
	       EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group,
					      sizeof(group), &size) == 1 &&
	       strcmp(group, SN_X9_62_prime256v1) == 0;
}

static EVP_PKEY *only_if(EVP_PKEY *pkey, bool holds)
{
	if (pkey && !holds) {
		EVP_PKEY_free(pkey);
		return NULL;
	}
	return pkey;
}

static EVP_PKEY *make_p256(unsigned char *point)
{
	char group[] = SN_X9_62_prime256v1;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, P256_SIZE),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *pkey = NULL;

	if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static EVP_PKEY *read_p256(const char *text)
{
	unsigned char point[P256_SIZE];
	EVP_PKEY *pkey;

	if (hex_read(text, point, sizeof(point)))
		return point[0] == POINT_CONVERSION_UNCOMPRESSED ? make_p256(point) : NULL;
	pkey = read_pem(text);
	return only_if(pkey, pkey && is_p256(pkey));
}

static EVP_PKEY *read_rsa(const char *text)
{
	EVP_PKEY *pkey = read_pem(text);

	return only_if(pkey, pkey && EVP_PKEY_get_base_id(pkey) == EVP_PKEY_RSA &&
				     EVP_PKEY_get_bits(pkey) >= RSA_BITS_MIN &&
				     EVP_PKEY_get_bits(pkey) <= RSA_BITS_MAX);
}

static const struct scheme schemes[] = {
	{ "ed25519", "ed25519", read_ed25519, false, false },
	{ "ecdsa", "ecdsa-sha2-nistp256", read_p256, false, true },
	{ "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", read_p256, false, true },
	{ "rsa", "rsassa-pss-sha256", read_rsa, true, true },
};

static const struct scheme *find_scheme(const char *keytype, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (strcmp(schemes[i].keytype, keytype) == 0 && strcmp(schemes[i].name, name) == 0)
			return &schemes[i];
	return NULL;
}

/* OpenSSL's error queue is of no interest: what cannot be read is unusable. */
static int make(const struct scheme *scheme, const char *text, struct key **ret_key,
		struct error *err)
{
	EVP_PKEY *pkey = scheme->read(text);
	struct key *key;

	ERR_clear_error();
	if (!pkey)
		return KEY_UNUSABLE;
	key = malloc(sizeof(*key));
	if (!key) {
		EVP_PKEY_free(pkey);
		return error_code(err, -ENOMEM, "reading a key");
	}
	*key = (struct key){ .scheme = scheme, .pkey = pkey };
	*ret_key = key;
	return 0;
}

int key_read(const json_t *object, struct key **ret_key, struct error *err)
{
	const struct scheme *scheme;
	const json_t *public;
	const char *keytype;
	const char *name;
	json_t *value;
	int r;

	r = jread_string(object, "keytype", &keytype, err);
	if (r < 0)
		return r;
	r = jread_string(object, "scheme", &name, err);
	if (r < 0)
		return r;
	r = jread_object(object, "keyval", &value, err);
	if (r < 0)
		return r;
	scheme = find_scheme(keytype, name);
	public = json_object_get(value, "public");
	if (!scheme || !json_is_string(public))
		return KEY_UNUSABLE;
	return make(scheme, json_string_value(public), ret_key, err);
}

void key_free(struct key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}

bool key_equal(const struct key *a, const struct key *b)
{
	bool equal = EVP_PKEY_eq(a->pkey, b->pkey) == 1;

	ERR_clear_error();
	return equal;
}

static bool set_pss(EVP_PKEY_CTX *ctx)
{
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_AUTO) == 1;
}

bool key_verify(const struct key *key, const void *data, size_t size, const void *sig,
		size_t sig_size)
{
	const EVP_MD *md = key->scheme->has_digest ? EVP_sha256() : NULL;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx; /* the other one's */
	bool good;

	good = ctx && EVP_DigestVerifyInit(ctx, &pctx, md, NULL, key->pkey) == 1 &&
	       (!key->scheme->is_pss || set_pss(pctx)) &&
	       EVP_DigestVerify(ctx, sig, sig_size, data, size) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return good;
}
