/*
 * The head of a bundle is two zstd frames (RFC 8878), each with the size of its content in its header:
 *
 *   1. the canonical text of the new release's index (src/release/index.c). With a base, the canonical text of the old
 *      index is the prefix (raw content dictionary) that it is compressed against.
 *   2. the table of the blocks: a first line that names the format, then one line for each block, in the order in
 *      which they follow the head, without gaps:
 *
 *        flipslot-bundle 1\n
 *        <kind> <entry> <length> <packed> <raw>[ <base>]\n
 *
 *      <kind>    z, p or b (release/block.h)
 *      <entry>   of the new index: its line, counted from 0 without the first line, which must be a file
 *      <length>  bytes of the block in the bundle
 *      <packed>  the first 16 bytes of the SHA-256 of those bytes, in hexadecimal
 *      <raw>     the same of what they decode to; "-" for a file of a single block, whose index has all of it
 *      <base>    of the old index, counted likewise, a file; for p and b only
 *
 * Fields are parted by single blanks, numbers are decimal without leading zeroes, hexadecimal digits are lower case. The
 * blocks of a file follow each other, all of them, in the order of the file. No content comes twice.
 */
#include "release/bundle.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <zstd.h>

#include "base/parse.h"
#include "base/text.h"

#define MAGIC	    "flipslot-bundle 1\n"
#define SHORT_HEX   (2 * BUNDLE_SHORT_SIZE)
#define FIELDS_MIN  5
#define FIELDS_MAX  6
#define FIELD_MAX   64
#define BLOCKS_STEP 256

void bundle_free(struct bundle *bundle)
{
	if (!bundle)
		return;
	index_free(bundle->index);
	free(bundle->blocks);
	free(bundle);
}

char bundle_kind_letter(enum block_kind kind)
{
	static const char letters[BLOCK_KIND_MAX] = {
		[BLOCK_PLAIN] = 'z',
		[BLOCK_PREFIX] = 'p',
		[BLOCK_PATCH] = 'b',
	};

	return letters[kind];
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
	int r = digest_of(bytes, size, &digest, err);

	if (r < 0)
		return r;
	if (size == block->length &&
	    memcmp(digest.bytes, block->packed.bytes, BUNDLE_SHORT_SIZE) == 0)
		return 0;
	return error_set(err, FAULT_UNTRUSTED,
			 "the bytes from %" PRIu64 " on are not what the metadata promises",
			 block->offset);
}

/* ---- frames ---- */

struct frame {
	char *data; /* owned */
	size_t size;
	size_t packed; /* bytes of the head that it took */
};

static void frame_done(struct frame *frame)
{
	free(frame->data);
}

static int corrupt(struct error *err, const char *what)
{
	return error_set(err, FAULT_CORRUPT, "the bundle's head: %s", what);
}

static int unpack_into(const void *head, const struct frame *frame, const char *prefix,
		       size_t prefix_size, struct error *err)
{
	ZSTD_DCtx *zstd = ZSTD_createDCtx();
	size_t n;

	if (!zstd)
		return error_code(err, -ENOMEM, "reading a bundle");
	n = ZSTD_DCtx_refPrefix(zstd, prefix, prefix_size);
	if (!ZSTD_isError(n))
		n = ZSTD_decompressDCtx(zstd, frame->data, frame->size, head, frame->packed);
	ZSTD_freeDCtx(zstd);
	return n == frame->size ? 0 : corrupt(err, "damaged");
}

/* The frame that the bytes begin with. */
static int unpack(const void *head, size_t size, const char *prefix, size_t prefix_size,
		  struct frame *frame, struct error *err)
{
	unsigned long long content = ZSTD_getFrameContentSize(head, size);
	size_t packed = ZSTD_findFrameCompressedSize(head, size);

	if (ZSTD_isError(packed) || content == ZSTD_CONTENTSIZE_ERROR ||
	    content == ZSTD_CONTENTSIZE_UNKNOWN)
		return corrupt(err, "not two zstd frames of known size");
	if (content > BUNDLE_TEXT_MAX)
		return corrupt(err, "unpacks to too much");
	frame->data = malloc((size_t)content + 1);
	if (!frame->data)
		return error_code(err, -ENOMEM, "reading a bundle");
	frame->size = (size_t)content;
	frame->packed = packed;
	frame->data[frame->size] = '\0';
	return unpack_into(head, frame, prefix, prefix_size, err);
}

/* ---- reading the table ---- */

struct reading {
	struct bundle *bundle;
	const struct index *base; /* NULL: none */
	size_t room;
	uint64_t offset;
};

/* Digits without a leading zero, at most max. */
static bool read_number(const char *field, uint64_t max, uint64_t *ret_value)
{
	return (field[0] != '0' || field[1] == '\0') &&
	       parse_u64(field, 0, max, ret_value, NULL) == 0;
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_short(const char *field, struct bundle_short *ret_short)
{
	if (strlen(field) != SHORT_HEX)
		return false;
	for (size_t i = 0; i < BUNDLE_SHORT_SIZE; i++) {
		int high = nibble(field[2 * i]);
		int low = nibble(field[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret_short->bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool read_kind(const char *field, enum block_kind *ret_kind)
{
	for (int kind = 0; kind < BLOCK_KIND_MAX; kind++)
		if (field[0] == bundle_kind_letter((enum block_kind)kind) && field[1] == '\0') {
			*ret_kind = (enum block_kind)kind;
			return true;
		}
	return false;
}

static const struct index_entry *file_at(const struct index *index, uint64_t i)
{
	const struct index_entry *entry = i < index_count(index) ? index_at(index, i) : NULL;

	return entry && entry->type == INDEX_FILE ? entry : NULL;
}

/* *ret_n fields of the line, each NUL-terminated; false: too many, too long, or an empty one. */
static bool split(const char *line, size_t size, char fields[FIELDS_MAX][FIELD_MAX], size_t *ret_n)
{
	for (*ret_n = 0; *ret_n < FIELDS_MAX; (*ret_n)++) {
		const char *blank = memchr(line, ' ', size);
		size_t n = blank ? (size_t)(blank - line) : size;

		if (n == 0 || n >= FIELD_MAX)
			return false;
		memcpy(fields[*ret_n], line, n);
		fields[*ret_n][n] = '\0';
		if (!blank) {
			(*ret_n)++;
			return true;
		}
		line += n + 1;
		size -= n + 1;
	}
	return false;
}

static bool read_base(const struct reading *reading, const char *field, struct bundle_block *block)
{
	const struct index_entry *file;
	uint64_t number;

	if (!field) {
		block->base = BUNDLE_NO_BASE;
		return block->kind == BLOCK_PLAIN;
	}
	if (block->kind == BLOCK_PLAIN || !reading->base ||
	    !read_number(field, BUNDLE_NO_BASE - 1, &number))
		return false;
	file = file_at(reading->base, number);
	block->base = (uint32_t)number;
	return file && file->size > 0 && file->size <= BLOCK_BASE_MAX;
}

static bool read_fields(const struct reading *reading, char fields[FIELDS_MAX][FIELD_MAX], size_t n,
			struct bundle_block *block)
{
	const struct index_entry *file;
	uint64_t entry, length;
	bool single;

	if (n < FIELDS_MIN || !read_kind(fields[0], &block->kind) ||
	    !read_number(fields[1], UINT32_MAX, &entry) ||
	    !read_number(fields[2], BLOCK_PACKED_MAX, &length) ||
	    !read_short(fields[3], &block->packed))
		return false;
	file = file_at(reading->bundle->index, entry);
	if (!file || file->size == 0 || length == 0)
		return false;
	single = bundle_count_blocks(file->size) == 1;
	if (single ? strcmp(fields[4], "-") != 0 : !read_short(fields[4], &block->raw))
		return false;
	block->entry = (uint32_t)entry;
	block->length = (uint32_t)length;
	return read_base(reading, n == FIELDS_MAX ? fields[5] : NULL, block);
}

static uint64_t blocks_of(const struct bundle *bundle, const struct bundle_block *block)
{
	return bundle_count_blocks(index_at(bundle->index, block->entry)->size);
}

/* Is it the next of the file under way, or the first of the next one when that is complete? */
static bool place(const struct bundle *bundle, struct bundle_block *block)
{
	const struct bundle_block *last =
		bundle->n_blocks > 0 ? &bundle->blocks[bundle->n_blocks - 1] : NULL;

	if (!last || last->number + 1 == blocks_of(bundle, last))
		block->number = 0;
	else
		block->number = last->number + 1;
	return block->number == 0 || block->entry == last->entry;
}

static int add_block(struct reading *reading, const struct bundle_block *block, struct error *err)
{
	struct bundle *bundle = reading->bundle;

	if (bundle->n_blocks == reading->room) {
		size_t room = reading->room + reading->room / 2 + BLOCKS_STEP;
		struct bundle_block *blocks = reallocarray(bundle->blocks, room, sizeof(*blocks));

		if (!blocks)
			return error_errno(err, "reading a bundle");
		bundle->blocks = blocks;
		reading->room = room;
	}
	bundle->blocks[bundle->n_blocks++] = *block;
	return 0;
}

static int read_line(struct reading *reading, const char *line, size_t size, struct error *err)
{
	char fields[FIELDS_MAX][FIELD_MAX];
	struct bundle_block block = { .offset = reading->offset };
	size_t n;

	if (!split(line, size, fields, &n) || !read_fields(reading, fields, n, &block) ||
	    !place(reading->bundle, &block))
		return error_set(err, FAULT_CORRUPT, "block %zu of the bundle's table",
				 reading->bundle->n_blocks);
	reading->offset += block.length;
	return add_block(reading, &block, err);
}

static int by_content(const void *a, const void *b)
{
	const struct index_entry *const *x = a;
	const struct index_entry *const *y = b;

	return memcmp((*x)->digest.bytes, (*y)->digest.bytes, DIGEST_SIZE);
}

/* No content may come twice: then every file knows where its bytes are. */
static int check_unique(const struct bundle *bundle, struct error *err)
{
	_cleanup_free_ const struct index_entry **files =
		calloc(bundle->n_blocks + 1, sizeof(struct index_entry *));
	size_t n = 0;

	if (!files)
		return error_errno(err, "reading a bundle");
	for (size_t i = 0; i < bundle->n_blocks; i++)
		if (bundle->blocks[i].number == 0)
			files[n++] = index_at(bundle->index, bundle->blocks[i].entry);
	qsort(files, n, sizeof(void *), by_content);
	for (size_t i = 1; i < n; i++)
		if (digest_equal(&files[i - 1]->digest, &files[i]->digest))
			return corrupt(err, "the same content twice");
	return 0;
}

static int read_table(struct reading *reading, const struct frame *frame, struct error *err)
{
	const struct bundle *bundle = reading->bundle;
	const char *at = frame->data + strlen(MAGIC);
	const char *end = frame->data + frame->size;
	const struct bundle_block *last;

	if (frame->size < strlen(MAGIC) || memcmp(frame->data, MAGIC, strlen(MAGIC)) != 0)
		return corrupt(err, "not a table of version 1");
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		int r;

		if (!newline)
			return corrupt(err, "no newline at the end of the table");
		r = read_line(reading, at, (size_t)(newline - at), err);
		if (r < 0)
			return r;
		at = newline + 1;
	}
	last = bundle->n_blocks > 0 ? &bundle->blocks[bundle->n_blocks - 1] : NULL;
	if (last && last->number + 1 != blocks_of(bundle, last))
		return corrupt(err, "a file lacks blocks");
	if (reading->offset != bundle->length)
		return corrupt(err, "the blocks do not add up to the length of the bundle");
	return check_unique(bundle, err);
}

/* ---- reading a head ---- */

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

static int unpack_index(const void *head, size_t size, struct index *base,
			const struct digest *expected, struct index **ret_index, size_t *ret_packed,
			struct error *err)
{
	_cleanup_(frame_done) struct frame frame = {};
	_cleanup_free_ char *prefix = NULL;
	size_t prefix_size = 0;
	int r = base ? index_encode(base, &prefix, &prefix_size, NULL, err) : 0;

	if (r == 0)
		r = unpack(head, size, prefix, prefix_size, &frame, err);
	if (r == 0)
		r = read_index(&frame, expected, ret_index, err);
	if (r == 0)
		*ret_packed = frame.packed;
	return r;
}

int bundle_decode(const void *head, size_t size, struct index *base, const struct digest *expected,
		  uint64_t length, struct bundle **ret_bundle, struct error *err)
{
	_cleanup_(bundle_freep) struct bundle *bundle = calloc(1, sizeof(*bundle));
	_cleanup_(frame_done) struct frame table = {};
	struct reading reading = { .bundle = bundle, .base = base, .offset = size };
	size_t packed = 0;
	int r;

	if (!bundle)
		return error_errno(err, "reading a bundle");
	bundle->head_length = size;
	bundle->length = length;
	r = unpack_index(head, size, base, expected, &bundle->index, &packed, err);
	if (r == 0)
		r = unpack((const char *)head + packed, size - packed, NULL, 0, &table, err);
	if (r == 0 && packed + table.packed != size)
		r = corrupt(err, "more than two frames");
	if (r == 0)
		r = read_table(&reading, &table, err);
	if (r == 0)
		*ret_bundle = TAKE_PTR(bundle);
	return r;
}
