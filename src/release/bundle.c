/*
 * The head of a bundle without a base (src/release/bundle-update.c has that of one with a base) is two zstd frames (RFC 8878), each
 * with the size of its content in its header:
 *
 *   1. the canonical text of the new release's index (src/release/index.c)
 *   2. the table of the blocks: a first line that names the format, then one line for each block, in the order in
 *      which they follow the head, without gaps:
 *
 *        flipslot-bundle 1\n
 *        <kind> <entry> <length> <packed> <raw>[ <base>]\n
 *
 *      <kind>    z, p, b or s: plain, prefix, patch, stored (release/block.h)
 *      <entry>   of the new index: its line, counted from 0 without the first line, which must be a file
 *      <length>  bytes of the block in the bundle
 *      <packed>  the first 16 bytes of the SHA-256 of those bytes, in hexadecimal
 *      <raw>     the same of what they decode to; "-" for a file of a single block, whose index has all of it
 *      <base>    of the old index, counted likewise, a file; for p and b only, and so in a bundle with a base only
 *
 * Fields are parted by single blanks, numbers are decimal without leading zeroes, hexadecimal digits are lower case. The
 * blocks of a file follow each other, all of them, in the order of the file. No content comes twice.
 */
#include "release/bundle.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/bulk.h"
#include "release/bundle-near.h"
#include "release/bundle-table.h"
#include "release/bundle-update.h"
#include "release/frame.h"

#define TEXT_LINE \
	4096 /* bytes: more than the longest path that is not escaped, and far above what lines have */
#define MAGIC "flipslot-bundle 1\n"

void bundle_free(struct bundle *bundle)
{
	if (!bundle)
		return;
	index_free(bundle->index);
	bulk_free(bundle->blocks);
	free(bundle->inlined);
	scratch_free(bundle->scratch);
	free(bundle);
}

char bundle_kind_letter(enum block_kind kind)
{
	static const char letters[BLOCK_KIND_MAX] = {
		[BLOCK_PLAIN] = 'z',
		[BLOCK_PREFIX] = 'p',
		[BLOCK_PATCH] = 'b',
		[BLOCK_STORED] = 's',
	};

	return letters[kind];
}

bool bundle_kind_of(char letter, enum block_kind *ret_kind)
{
	for (int kind = 0; kind < BLOCK_KIND_MAX; kind++)
		if (letter == bundle_kind_letter((enum block_kind)kind)) {
			*ret_kind = (enum block_kind)kind;
			return true;
		}
	return false;
}

void bundle_short_of(const struct digest *digest, struct bundle_short *ret_short)
{
	memcpy(ret_short->bytes, digest->bytes, sizeof(ret_short->bytes));
}

uint64_t bundle_count_blocks(uint64_t size)
{
	return size / BLOCK_SIZE + (size % BLOCK_SIZE != 0);
}

size_t bundle_raw_size(const struct bundle *bundle, const struct bundle_block *block)
{
	uint64_t left =
		index_at(bundle->index, block->entry)->size - (uint64_t)block->number * BLOCK_SIZE;

	return left < BLOCK_SIZE ? (size_t)left : BLOCK_SIZE;
}

int bundle_check_packed(const struct bundle_block *block, const void *bytes, size_t size,
			struct error *err)
{
	struct digest digest;
	int r;

	if (block->is_inlined && bytes == block->bytes)
		return 0;
	r = digest_of(bytes, size, &digest, err);
	if (r < 0)
		return r;
	if (size == block->length &&
	    memcmp(digest.bytes, block->packed.bytes, BUNDLE_SHORT_SIZE) == 0)
		return 0;
	return error_set(err, FAULT_UNTRUSTED,
			 "the bytes from %" PRIu64 " on are not what the metadata promises",
			 block->offset);
}

void bundle_spend(const struct bundle *bundle, const struct bundle_block *block)
{
	if (bundle->scratch && block->is_inlined)
		scratch_spend(bundle->scratch, (const uint8_t *)block->bytes + block->length);
}

/* ---- reading a head ---- */

static int corrupt(struct error *err, const char *what)
{
	return error_set(err, FAULT_CORRUPT, "the bundle's head: %s", what);
}

static int read_index(const struct frame *frame, const struct digest *expected,
		      struct index **ret_index, struct error *err)
{
	_cleanup_(index_freep) struct index *index = NULL;
	struct digest digest;
	int r = digest_of(frame->data, frame->size, &digest, err);

	if (r < 0)
		return r;
	if (!digest_equal(&digest, expected))
		return corrupt(err, "its index is not the one of the release");
	r = index_decode(frame->data, frame->size, &index, err);
	if (r == 0)
		r = index_sort(index, err);
	if (r == 0)
		*ret_index = TAKE_PTR(index);
	return r;
}

static int unpack_index(struct bundle *bundle, const void *head, const struct digest *expected,
			size_t *ret_packed, struct error *err)
{
	_cleanup_frame_ struct frame frame = {};
	int r = frame_unpack(head, (size_t)bundle->head_length, NULL, 0, bundle->text_max, &frame,
			     err);

	if (r == 0)
		r = read_index(&frame, expected, &bundle->index, err);
	if (r == 0)
		*ret_packed = frame.packed;
	return r;
}

static int read_table(struct bundle *bundle, const struct frame *table, struct error *err)
{
	int r;

	if (table->size < strlen(MAGIC) || memcmp(table->data, MAGIC, strlen(MAGIC)) != 0)
		return corrupt(err, "not a table of version 1");
	r = bundle_table_read(bundle, NULL, table->data + strlen(MAGIC),
			      table->size - strlen(MAGIC), err);
	return r < 0 ? r : bundle_table_check(bundle, err);
}

static int read_head(struct bundle *bundle, const void *head, size_t size,
		     const struct digest *expected, struct error *err)
{
	_cleanup_frame_ struct frame table = {};
	size_t packed = 0;
	int r = unpack_index(bundle, head, expected, &packed, err);

	if (r == 0)
		r = frame_unpack((const char *)head + packed, size - packed, NULL, 0,
				 bundle->text_max, &table, err);
	if (r == 0 && packed + table.packed != size)
		r = corrupt(err, "more than two frames");
	return r < 0 ? r : read_table(bundle, &table, err);
}

uint64_t bundle_text_max(uint64_t files, uint64_t bytes)
{
	uint64_t most = BUNDLE_TEXT_MAX;
	uint64_t blocks = bytes / BLOCK_SIZE;

	if (files >= most / TEXT_LINE || blocks >= most / TEXT_LINE)
		return most;
	files = (files + blocks + 1) * TEXT_LINE + BUNDLE_SOLID_MAX;
	return files < most ? files : most;
}

static int read_any(struct bundle *bundle, const void *head, const struct bundle_source *source,
		    const struct digest *expected, struct error *err)
{
	size_t size = (size_t)bundle->head_length;

	if (!source)
		return read_head(bundle, head, size, expected, err);
	if (size > 0 && *(const uint8_t *)head == BUNDLE_NEAR_FORM)
		return bundle_near_read(bundle, head, source, expected, err);
	return bundle_update_read(bundle, head, source, expected, err);
}

int bundle_decode_promised(const void *head, size_t size, const struct bundle_source *source,
			   const struct bundle_promise *promise, struct bundle **ret_bundle,
			   struct error *err)
{
	_cleanup_(bundle_freep) struct bundle *bundle = calloc(1, sizeof(*bundle));
	int r;

	if (!bundle)
		return error_errno(err, "reading a bundle");
	bundle->head_length = size;
	bundle->length = promise->length;
	bundle->text_max = promise->text_max;
	r = read_any(bundle, head, source, promise->index, err);
	if (r == 0)
		*ret_bundle = TAKE_PTR(bundle);
	return r;
}

int bundle_decode(const void *head, size_t size, const struct bundle_source *source,
		  const struct digest *expected, uint64_t length, struct bundle **ret_bundle,
		  struct error *err)
{
	const struct bundle_promise promise = { expected, length, BUNDLE_TEXT_MAX };

	return bundle_decode_promised(head, size, source, &promise, ret_bundle, err);
}
