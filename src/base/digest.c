#include "base/digest.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

struct digester {
	EVP_MD *md; /* fetched once: a look-up by name for each of many small files is what costs */
	EVP_MD_CTX *context;
};

bool digest_is_null(const struct digest *digest)
{
	static const struct digest null;

	return digest_equal(digest, &null);
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return memcmp(a->bytes, b->bytes, DIGEST_SIZE) == 0;
}

char *digest_to_hex(const struct digest *digest, char ret_hex[static DIGEST_HEX_MAX])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		ret_hex[2 * i] = digits[digest->bytes[i] >> 4];
		ret_hex[2 * i + 1] = digits[digest->bytes[i] & 15];
	}
	ret_hex[DIGEST_HEX_MAX - 1] = '\0';
	return ret_hex;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int digest_from_hex(const char *hex, struct digest *ret_digest, struct error *err)
{
	struct digest digest = {};
	size_t i;

	for (i = 0; i < 2 * DIGEST_SIZE && hex_value(hex[i]) >= 0; i++)
		digest.bytes[i / 2] = (uint8_t)(digest.bytes[i / 2] << 4 | hex_value(hex[i]));
	if (i < 2 * DIGEST_SIZE || hex[i])
		return error_set(err, FAULT_CONFIG,
				 "a SHA-256 digest has exactly 64 hexadecimal digits");
	*ret_digest = digest;
	return 0;
}

static int fail(struct error *err)
{
	char text[128];
	unsigned long code = ERR_peek_last_error();

	ERR_error_string_n(code, text, sizeof(text));
	ERR_clear_error();
	return error_set(err, FAULT_INTERNAL, "SHA-256: %s", code ? text : "libcrypto failed");
}

int digest_of(const void *data, size_t size, struct digest *ret_digest, struct error *err)
{
	struct digest digest;

	if (EVP_Digest(data, size, digest.bytes, NULL, EVP_sha256(), NULL) != 1)
		return fail(err);
	*ret_digest = digest;
	return 0;
}

int digester_new(struct digester **ret_digester, struct error *err)
{
	_cleanup_(digester_freep) struct digester *digester = calloc(1, sizeof(*digester));
	int r;

	if (!digester)
		return error_errno(err, "SHA-256");
	digester->md = EVP_MD_fetch(NULL, "SHA2-256", NULL);
	digester->context = EVP_MD_CTX_new();
	if (!digester->md || !digester->context)
		return fail(err);
	r = digester_reset(digester, err);
	if (r < 0)
		return r;
	*ret_digester = TAKE_PTR(digester);
	return 0;
}

void digester_free(struct digester *digester)
{
	if (!digester)
		return;
	EVP_MD_CTX_free(digester->context);
	EVP_MD_free(digester->md);
	free(digester);
}

int digester_reset(struct digester *digester, struct error *err)
{
	return EVP_DigestInit_ex2(digester->context, digester->md, NULL) == 1 ? 0 : fail(err);
}

int digester_update(struct digester *digester, const void *data, size_t size, struct error *err)
{
	return EVP_DigestUpdate(digester->context, data, size) == 1 ? 0 : fail(err);
}

int digester_finish(struct digester *digester, struct digest *ret_digest, struct error *err)
{
	struct digest digest;

	if (EVP_DigestFinal_ex(digester->context, digest.bytes, NULL) != 1)
		return fail(err);
	*ret_digest = digest;
	return 0;
}
