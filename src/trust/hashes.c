#include "trust/hashes.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#include "trust/hex.h"
#include "trust/jread.h"

static int read_one(const json_t *object, const char *name, uint8_t *ret_bytes, size_t size,
		    bool *ret_has, struct error *err)
{
	const char *hex;
	int r;

	*ret_has = json_object_get(object, name) != NULL;
	if (!*ret_has)
		return 0;
	r = jread_string(object, name, &hex, err);
	if (r < 0)
		return r;
	if (strpbrk(hex, "ABCDEF") || !hex_read(hex, ret_bytes, size)) /* as file names have them */
		return error_set(err, FAULT_CORRUPT,
				 "\"%s\" is not %zu hexadecimal digits in lower case", name,
				 2 * size);
	return 0;
}

int hashes_read(const json_t *object, struct hashes *ret_hashes, struct error *err)
{
	struct hashes hashes = {};
	int r;

	if (json_object_size(object) == 0)
		return error_set(err, FAULT_CORRUPT, "\"hashes\" is empty");
	r = read_one(object, "sha256", hashes.sha256.bytes, sizeof(hashes.sha256.bytes),
		     &hashes.has_sha256, err);
	if (r < 0)
		return r;
	r = read_one(object, "sha512", hashes.sha512.bytes, sizeof(hashes.sha512.bytes),
		     &hashes.has_sha512, err);
	if (r < 0)
		return r;
	*ret_hashes = hashes;
	return 0;
}

bool hashes_known(const struct hashes *hashes)
{
	return hashes->has_sha256 || hashes->has_sha512;
}

char *hashes_to_hex(const struct hashes *hashes, char ret_hex[static HASHES_HEX_MAX])
{
	ret_hex[0] = '\0';
	if (hashes->has_sha256)
		return digest_to_hex(&hashes->sha256, ret_hex);
	for (size_t i = 0; hashes->has_sha512 && i < sizeof(hashes->sha512.bytes); i++)
		(void)snprintf(ret_hex + 2 * i, 3, "%02x", hashes->sha512.bytes[i]);
	return ret_hex;
}

int hashes_check(const struct hashes *hashes, const void *data, size_t size, struct error *err)
{
	_cleanup_(hashes_stream_freep) struct hashes_stream *stream = NULL;
	int r = hashes_stream_new(hashes, &stream, err);

	if (r < 0)
		return r;
	assert(stream);
	r = hashes_stream_update(stream, data, size, err);
	if (r < 0)
		return r;
	return hashes_stream_finish(stream, err);
}

struct hashes_stream {
	struct hashes wanted;
	EVP_MD_CTX *sha256; /* NULL: not wanted */
	EVP_MD_CTX *sha512;
};

static int begin(bool wanted, const EVP_MD *type, EVP_MD_CTX **ret_ctx, struct error *err)
{
	if (!wanted)
		return 0;
	*ret_ctx = EVP_MD_CTX_new();
	if (!*ret_ctx || EVP_DigestInit_ex(*ret_ctx, type, NULL) != 1)
		return error_set(err, FAULT_INTERNAL, "OpenSSL cannot hash");
	return 0;
}

int hashes_stream_new(const struct hashes *hashes, struct hashes_stream **ret_stream,
		      struct error *err)
{
	_cleanup_(hashes_stream_freep) struct hashes_stream *stream = NULL;
	int r;

	if (!hashes_known(hashes))
		return error_set(err, FAULT_UNTRUSTED, "neither SHA-256 nor SHA-512 is listed");
	stream = calloc(1, sizeof(*stream));
	if (!stream)
		return error_code(err, -ENOMEM, "hashing");
	stream->wanted = *hashes;
	r = begin(hashes->has_sha256, EVP_sha256(), &stream->sha256, err);
	if (r < 0)
		return r;
	r = begin(hashes->has_sha512, EVP_sha512(), &stream->sha512, err);
	if (r < 0)
		return r;
	*ret_stream = TAKE_PTR(stream);
	return 0;
}

void hashes_stream_free(struct hashes_stream *stream)
{
	if (!stream)
		return;
	EVP_MD_CTX_free(stream->sha256);
	EVP_MD_CTX_free(stream->sha512);
	free(stream);
}

int hashes_stream_update(struct hashes_stream *stream, const void *data, size_t size,
			 struct error *err)
{
	if ((stream->sha256 && EVP_DigestUpdate(stream->sha256, data, size) != 1) ||
	    (stream->sha512 && EVP_DigestUpdate(stream->sha512, data, size) != 1))
		return error_set(err, FAULT_INTERNAL, "OpenSSL cannot hash");
	return 0;
}

static int compare(EVP_MD_CTX *ctx, const uint8_t *wanted, size_t size, const char *name,
		   struct error *err)
{
	uint8_t bytes[EVP_MAX_MD_SIZE];
	unsigned int n;

	if (!ctx)
		return 0;
	if (EVP_DigestFinal_ex(ctx, bytes, &n) != 1)
		return error_set(err, FAULT_INTERNAL, "OpenSSL cannot hash");
	if (n != size || memcmp(bytes, wanted, size) != 0)
		return error_set(err, FAULT_UNTRUSTED, "its %s is not the one that is listed",
				 name);
	return 0;
}

int hashes_stream_finish(struct hashes_stream *stream, struct error *err)
{
	const struct hashes *wanted = &stream->wanted;
	int r = compare(stream->sha256, wanted->sha256.bytes, sizeof(wanted->sha256.bytes),
			"SHA-256", err);

	if (r < 0)
		return r;
	return compare(stream->sha512, wanted->sha512.bytes, sizeof(wanted->sha512.bytes),
		       "SHA-512", err);
}
