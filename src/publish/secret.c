#define OPENSSL_SUPPRESS_DEPRECATED /* engines: pkcs11 has no provider in Debian 12 */
#include "publish/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/store.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "store/durable.h"

#define RSA_BITS 3072
#define SCRYPT_N 16384 /* with r = 8 the most that OpenSSL takes when reading: 16 MiB */
#define SCRYPT_R 8
#define SCRYPT_P 1
#define SALT	 16

static const char *const types[SECRET_TYPE_MAX] = {
	[SECRET_ED25519] = "ed25519",
	[SECRET_ECDSA] = "ecdsa",
	[SECRET_RSA] = "rsa",
};

const char *secret_type_name(enum secret_type type)
{
	return types[type];
}

int secret_type_parse(const char *name, enum secret_type *ret_type, struct error *err)
{
	for (enum secret_type type = 0; type < SECRET_TYPE_MAX; type++)
		if (strcmp(types[type], name) == 0) {
			*ret_type = type;
			return 0;
		}
	return error_set(err, FAULT_CONFIG, "\"%s\" is no type of key: ed25519, ecdsa, rsa", name);
}

bool secret_is_uri(const char *name)
{
	return strncmp(name, "pkcs11:", 7) == 0;
}

/* OpenSSL's reason, and an empty queue. */
static int complain(struct error *err, enum fault fault, const char *what)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());
	int r = error_set(err, fault, "%s: %s", what, why ? why : "refused");

	ERR_clear_error();
	return r;
}

/* ---- new ones ---- */

int secret_new(enum secret_type type, EVP_PKEY **ret_pkey, struct error *err)
{
	EVP_PKEY *pkey = NULL;

	if (type == SECRET_ED25519)
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else if (type == SECRET_ECDSA)
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	else
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RSA_BITS);
	if (!pkey)
		return complain(err, FAULT_INTERNAL, "making a key");
	*ret_pkey = pkey;
	return 0;
}

/* PKCS #8 encrypted with AES-256 by a key that scrypt derives from the passphrase. */
static bool write_encrypted(BIO *bio, PKCS8_PRIV_KEY_INFO *info, const char *passphrase)
{
	unsigned char salt[SALT];
	X509_ALGOR *how = NULL;
	X509_SIG *encrypted = NULL;
	bool good = false;

	if (RAND_bytes(salt, sizeof(salt)) == 1)
		how = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), salt, sizeof(salt), NULL, SCRYPT_N,
					    SCRYPT_R, SCRYPT_P);
	if (how)
		encrypted = PKCS8_set0_pbe(passphrase, (int)strlen(passphrase), info, how);
	if (encrypted)
		good = PEM_write_bio_PKCS8(bio, encrypted) == 1;
	else
		X509_ALGOR_free(how);
	X509_SIG_free(encrypted);
	return good;
}

static bool write_pem(BIO *bio, const EVP_PKEY *pkey, const char *passphrase)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
	bool good;

	if (!info)
		return false;
	good = passphrase ? write_encrypted(bio, info, passphrase) :
			    PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, info) == 1;
	PKCS8_PRIV_KEY_INFO_free(info);
	return good;
}

static int refuse_existing(int dirfd, const char *name, struct error *err)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return error_set(err, FAULT_CONFIG, "%s is there already; a key is not overwritten",
				 name);
	return errno == ENOENT ? 0 : error_errno(err, "looking for %s", name);
}

/* The name is taken by O_EXCL first; what then replaces it is whole and synced. */
static int write_new(int dirfd, const char *name, const char *data, size_t size, struct error *err)
{
	_cleanup_close_ int fd =
		openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return errno == EEXIST ? refuse_existing(dirfd, name, err) :
					 error_errno(err, "writing %s", name);
	r = durable_replace(dirfd, name, data, size, 0600, err);
	if (r < 0)
		(void)unlinkat(dirfd, name, 0);
	return r;
}

int secret_save(const EVP_PKEY *pkey, int dirfd, const char *name, const char *passphrase,
		struct error *err)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *data = NULL;
	long size = 0;
	int r = 0;

	if (!bio || !write_pem(bio, pkey, passphrase))
		r = complain(err, FAULT_INTERNAL, "writing a key");
	if (r == 0)
		size = BIO_get_mem_data(bio, &data);
	if (r == 0)
		r = write_new(dirfd, name, data, (size_t)size, err);
	BIO_free(bio);
	return r;
}

/* ---- files ---- */

struct asking {
	secret_ask ask;
	void *data;
	const char *name;
	int code;
	struct error *err;
};

/* OpenSSL's pem_password_cb */
static int on_passphrase(char *buffer, int room, int for_writing, void *opaque)
{
	char passphrase[SECRET_PASSPHRASE_MAX];
	struct asking *asking = opaque;
	size_t size = 0;

	if (!asking->ask)
		asking->code = error_set(asking->err, FAULT_CONFIG,
					 "%s is encrypted, and there is no passphrase",
					 asking->name);
	else
		asking->code =
			asking->ask(asking->data, asking->name, false, passphrase, asking->err);
	if (asking->code < 0)
		return -1;
	size = strnlen(passphrase, sizeof(passphrase));
	if (size <= (size_t)room)
		memcpy(buffer, passphrase, size);
	OPENSSL_cleanse(passphrase, sizeof(passphrase));
	return size <= (size_t)room ? (int)size : -1;
}

static int check_mode(int fd, const char *name, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_errno(err, "opening %s", name);
	if (!S_ISREG(st.st_mode))
		return error_set(err, FAULT_CONFIG, "%s is no file", name);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return error_set(err, FAULT_CONFIG, "%s: somebody else owns this private key",
				 name);
	if (st.st_mode & 077)
		return error_set(err, FAULT_CONFIG,
				 "%s: others may read this private key; chmod 600 it, or make "
				 "another one if they did",
				 name);
	return 0;
}

static int parse_pem(const char *name, const char *pem, size_t size, secret_ask ask, void *data,
		     EVP_PKEY **ret_pkey, struct error *err)
{
	struct asking asking = { .ask = ask, .data = data, .name = name, .err = err };
	BIO *bio = BIO_new_mem_buf(pem, (int)size);
	char what[160];

	*ret_pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, on_passphrase, &asking) : NULL;
	BIO_free(bio);
	if (*ret_pkey)
		return 0;
	if (asking.code < 0) {
		ERR_clear_error();
		return asking.code;
	}
	(void)snprintf(what, sizeof(what), "%.120s: no private key, or a wrong passphrase", name);
	return complain(err, FAULT_CONFIG, what);
}

static int load_file(int dirfd, const char *name, secret_ask ask, void *data, EVP_PKEY **ret_pkey,
		     struct error *err)
{
	_cleanup_close_ int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char *pem;
	ssize_t n;
	int r;

	if (fd < 0)
		return errno == ENOENT ?
			       error_set(err, FAULT_CONFIG, "there is no key file %s", name) :
			       error_errno(err, "opening %s", name);
	r = check_mode(fd, name, err);
	if (r < 0)
		return r;
	pem = OPENSSL_malloc(SECRET_FILE_MAX);
	n = pem ? fd_read_full(fd, pem, SECRET_FILE_MAX) : -1;
	if (n < 0)
		r = error_errno(err, "reading %s", name);
	else
		r = parse_pem(name, pem, (size_t)n, ask, data, ret_pkey, err);
	OPENSSL_clear_free(pem, SECRET_FILE_MAX);
	return r;
}

/* ---- PKCS #11 ---- */

static EVP_PKEY *load_by_provider(const char *uri)
{
	OSSL_STORE_CTX *store = OSSL_STORE_open(uri, NULL, NULL, NULL, NULL);
	EVP_PKEY *pkey = NULL;

	if (!store)
		return NULL;
	(void)OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY);
	while (!pkey && !OSSL_STORE_eof(store)) {
		OSSL_STORE_INFO *info = OSSL_STORE_load(store);

		if (info && OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY)
			pkey = OSSL_STORE_INFO_get1_PKEY(info);
		OSSL_STORE_INFO_free(info);
	}
	(void)OSSL_STORE_close(store);
	return pkey;
}

#ifndef OPENSSL_NO_ENGINE
static EVP_PKEY *load_by_engine(const char *uri)
{
	ENGINE *engine;
	EVP_PKEY *pkey = NULL;

	ENGINE_load_builtin_engines();
	engine = ENGINE_by_id("pkcs11");
	if (engine && ENGINE_init(engine)) {
		pkey = ENGINE_load_private_key(engine, uri, NULL, NULL);
		(void)ENGINE_finish(engine); /* the key holds a reference of its own */
	}
	(void)ENGINE_free(engine);
	return pkey;
}
#else
static EVP_PKEY *load_by_engine(const char *uri)
{
	return NULL;
}
#endif

static int load_uri(const char *uri, EVP_PKEY **ret_pkey, struct error *err)
{
	EVP_PKEY *pkey = NULL;

	if (OSSL_PROVIDER_try_load(NULL, "pkcs11", 1))
		pkey = load_by_provider(uri);
	if (!pkey)
		pkey = load_by_engine(uri);
	if (!pkey)
		return complain(err, FAULT_CONFIG,
				"a key of PKCS #11 (is OpenSSL's pkcs11 provider or engine "
				"installed, and its token there?)");
	ERR_clear_error();
	*ret_pkey = pkey;
	return 0;
}

int secret_load(int dirfd, const char *name, secret_ask ask, void *data, EVP_PKEY **ret_pkey,
		struct error *err)
{
	return secret_is_uri(name) ? load_uri(name, ret_pkey, err) :
				     load_file(dirfd, name, ask, data, ret_pkey, err);
}
