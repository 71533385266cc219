#include "base/digest.h"

#include <openssl/evp.h>
#include <string.h>

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

/* One more than the value; 0: no digit. */
static const uint8_t hex_values[UINT8_MAX + 1] = {
	['0'] = 1,  ['1'] = 2,	['2'] = 3,  ['3'] = 4,	['4'] = 5,  ['5'] = 6,
	['6'] = 7,  ['7'] = 8,	['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
	['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
	['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

static int hex_value(char c)
{
	return hex_values[(unsigned char)c] - 1;
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

int digest_of(const void *data, size_t size, struct digest *ret_digest, struct error *err)
{
	struct digest digest;

	if (EVP_Digest(data, size, digest.bytes, NULL, EVP_sha256(), NULL) != 1)
		return error_set(err, FAULT_INTERNAL, "libcrypto failed at SHA-256");
	*ret_digest = digest;
	return 0;
}
