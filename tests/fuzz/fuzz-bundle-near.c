/*
 * The head of a bundle that starts from any of several releases: parts are the old index, the new one, the table, recipes, and what is new;
 * they are compressed here. Once the new index is vouched for, so that all that stands behind it is reached. All old files have the same bytes.
 */
#include "release/bundle-near.h"

#include <zstd.h>

#include "base/text.h"

#include "fuzz.h"

#define LEVEL  1
#define BEHIND 4096 /* bytes behind the head */

static void add_frame(struct text *head, const char *bytes, size_t size)
{
	size_t room = ZSTD_compressBound(size);
	_cleanup_free_ char *packed = malloc(room);
	size_t n;

	assert(packed);
	n = ZSTD_compress(packed, room, bytes, size, LEVEL);
	assert(!ZSTD_isError(n));
	text_add_bytes(head, packed, n);
}

/* Bytes are one more here, so that none is NUL. */
static void add_recipes(struct text *head, const char *recipes)
{
	_cleanup_text_ struct text bytes = {};

	for (const char *at = recipes; *at; at++)
		text_add(&bytes, "%c", *at - 1);
	add_frame(head, bytes.size > 0 ? bytes.data : "", bytes.size);
}

static int read_old(void *data, uint32_t number, void *ret_bytes, struct error *err)
{
	const struct index *base = data;

	(void)err;
	memset(ret_bytes, 'x', index_at(base, number)->size);
	return index_at(base, number)->mtime == 1; /* a file that is not what it was */
}

static int decode_none(void *data, const struct bundle_block *block, size_t raw_size,
		       const void **ret_bytes, struct error *err)
{
	(void)data;
	(void)raw_size;
	(void)ret_bytes;
	(void)err;
	assert(!block);
	return 0;
}

static void check(const struct bundle *bundle)
{
	for (size_t i = 0; i < bundle->n_blocks; i++) {
		const struct bundle_block *block = &bundle->blocks[i];
		struct digest digest;

		assert(block->entry < index_count(bundle->index));
		assert(bundle_raw_size(bundle, block) <= BLOCK_SIZE);
		if (!block->is_inlined)
			continue;
		assert(digest_of(block->bytes, block->length, &digest, NULL) == 0);
		assert(digest_equal(&digest, &index_at(bundle->index, block->entry)->digest));
	}
}

static void decode(struct index *base, const struct text *head, const struct digest *expected,
		   uint64_t behind)
{
	const struct bundle_source source = { base, read_old, NULL, decode_none, base, -1 };
	_cleanup_(bundle_freep) struct bundle *bundle = NULL;
	struct error err = {};
	int r = bundle_decode(head->data, head->size, &source, expected, head->size + behind,
			      &bundle, &err);

	fuzz_check(r, &err);
	assert(!!bundle == (r == 0));
	if (bundle)
		check(bundle);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *old_text = fuzz_part(&data, &size);
	_cleanup_free_ char *text = fuzz_part(&data, &size);
	_cleanup_free_ char *table = fuzz_part(&data, &size);
	_cleanup_free_ char *recipes = fuzz_part(&data, &size);
	_cleanup_free_ char *fresh = fuzz_part(&data, &size);
	_cleanup_(index_freep) struct index *base = NULL;
	_cleanup_text_ struct text head = {};
	struct digest expected = {};
	struct error err = {};

	if (!recipes || index_decode(old_text, strlen(old_text), &base, &err) < 0 ||
	    index_sort(base, &err) < 0)
		return 0;
	text_add(&head, "%c", BUNDLE_NEAR_FORM);
	add_frame(&head, text, strlen(text));
	add_frame(&head, table, strlen(table));
	add_recipes(&head, recipes);
	if (fresh)
		add_frame(&head, fresh, strlen(fresh));
	decode(base, &head, &expected, 0);
	assert(digest_of(text, strlen(text), &expected, &err) == 0);
	decode(base, &head, &expected, 0);
	decode(base, &head, &expected, BEHIND);
	return 0;
}
