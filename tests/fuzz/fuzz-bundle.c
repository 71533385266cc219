/*
 * The head of a bundle. The parts: the old index (empty: none), the new one, the table. They are compressed
 * here, and the new index vouched for, so that all that stands behind both is reached.
 */
#include "release/bundle.h"

#include <zstd.h>

#include "fuzz.h"

#define LEVEL 1

static size_t compress(const char *text, const char *prefix, char *out, size_t room)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();
	size_t n;

	assert(context);
	(void)ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, LEVEL);
	if (prefix)
		(void)ZSTD_CCtx_refPrefix(context, prefix, strlen(prefix));
	n = ZSTD_compress2(context, out, room, text, strlen(text));
	assert(!ZSTD_isError(n));
	(void)ZSTD_freeCCtx(context);
	return n;
}

static void decode(const char *old_text, struct index *base, const char *text, const char *table)
{
	size_t room = ZSTD_compressBound(strlen(text)) + ZSTD_compressBound(strlen(table));
	_cleanup_(bundle_freep) struct bundle *bundle = NULL;
	_cleanup_free_ char *head = malloc(room);
	struct digest expected;
	struct error err = {};
	size_t n;
	int r;

	assert(head && digest_of(text, strlen(text), &expected, &err) == 0);
	n = compress(text, base ? old_text : NULL, head, room);
	n += compress(table, NULL, head + n, room - n);
	r = bundle_decode(head, n, base, &expected, n + 4096, &bundle, &err);
	fuzz_check(r, &err);
	for (size_t i = 0; r == 0 && i < bundle->n_blocks; i++) {
		assert(bundle->blocks[i].entry < index_count(bundle->index));
		assert(bundle_raw_size(bundle, &bundle->blocks[i]) <= BLOCK_SIZE);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *old_text = fuzz_part(&data, &size);
	_cleanup_free_ char *text = fuzz_part(&data, &size);
	_cleanup_free_ char *table = fuzz_part(&data, &size);
	_cleanup_(index_freep) struct index *base = NULL;
	struct error err = {};

	if (!table)
		return 0;
	if (old_text[0] && index_decode(old_text, strlen(old_text), &base, &err) < 0)
		return 0;
	decode(old_text, base, text, table);
	return 0;
}
