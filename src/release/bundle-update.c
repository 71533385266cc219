/*
 * The head of a bundle with a base:
 *
 *     <form>      a byte: 0x20, and 0, 1 UPDATE_PATCH, 2 UPDATE_APART or 3 UPDATE_LONG; and 4 UPDATE_TAIL if that holds
 *     <tail>      with UPDATE_TAIL: bytes of the blocks at the end of the head
 *     <n> <gap>…  how many files of the base are listed, and for each how many entries of the base's index lie between it and
 *                 the one before (or the beginning); LEB128 numbers, as <tail> is
 *                 With UPDATE_LONG it stands not here, but in front of the decoded text
 *     <text>      a zstd frame (RFC 8878) without its first four bytes, which says the size of its content; with UPDATE_PATCH:
 *                 LEB128, the size of its content, and a patch (release/block.h)
 *     <contents>  with UPDATE_APART: the letter of a kind (release/bundle.h), LEB128 the size of its content, and a block;
 *
 * With UPDATE_LONG text and contents are runs: LEB128 the size of all, and for each BLOCK_SIZE bytes of it, the last ones fewer, the
 * letter of a kind, LEB128 the length of a block, and that block.
 *
 * What text, and contents, are decoded against is one file: the base's index as release/outline.h has it, a newline, and the contents
 * of the listed files one after the other. With UPDATE_LONG it is the first two of these for the text, the last for the contents, and for
 * each block what its run has before it, too; and each file, listed or new, begins at a multiple of BUNDLE_LONG_ALIGN, with zeroes up to
 * the next one, or the end. Decoded, and one behind the other, text and contents are
 *
 *     the table of the blocks, as release/bundle.h has it, but without its first line
 *     the index, as release/outline.h has it
 *     a newline
 *     the contents, one after the other, of the files of that index, whose mark is "-", or leads to a listed file
 *
 * In the table a block that stands at the end of the head has a kind in upper case, neither <packed> nor <raw>, and a <base> only
 * where that is not <entry>. For its file the mark says nothing.
 *
 * The SHA-256 of what comes with the head is not sent: it is computed, and the index must then have the digest that the offer
 * names. So each byte is verified before it is believed.
 */
#include "release/bundle-update.h"

#include <errno.h>
#include <string.h>

#include "base/bulk.h"
#include "base/text.h"
#include "release/bundle-long.h"
#include "release/bundle-table.h"
#include "release/frame.h"
#include "release/listing.h"
#include "release/outline.h"
#include "release/patch.h"

#define MAGIC "\x28\xb5\x2f\xfd"

struct update {
	struct bundle *bundle;
	const struct bundle_source *source;
	unsigned int form;
	struct patch_bytes left; /* of the head, but for the tail */
	struct patch_bytes tail;
	bool *listed; /* by number of the base */
	struct text old; /* what is decoded against */
	struct frame text; /* decoded */
	struct frame contents; /* with UPDATE_APART */
	struct bundle_long longs; /* with UPDATE_LONG */
	struct outline_mark *marks;
	struct patch_bytes rest; /* contents that are not given out yet */
	uint64_t inlined_bytes; /* decoded */
};

static void update_done(struct update *update)
{
	bulk_free(update->listed);
	text_done(&update->old);
	frame_done(&update->text);
	frame_done(&update->contents);
	bundle_long_done(&update->longs);
	bulk_free(update->marks);
}

static int corrupt(struct error *err, const char *what)
{
	return error_set(err, FAULT_CORRUPT, "the bundle's head: %s", what);
}

static bool take_number(struct update *update, uint64_t max, uint64_t *ret_number)
{
	return patch_read_number(&update->left, ret_number) && *ret_number <= max;
}

/* ---- what stands in front ---- */

static int read_form(struct update *update, struct error *err)
{
	unsigned int first = update->left.size > 0 ? *update->left.data : 0;
	uint64_t tail = 0;

	if ((first & ~(UPDATE_FORM | UPDATE_TAIL)) != UPDATE_VERSION)
		return corrupt(err, "of a version that this flipslot does not read");
	update->form = first & UPDATE_FORM;
	update->left.data++;
	update->left.size--;
	if ((first & UPDATE_TAIL) && !take_number(update, UINT32_MAX, &tail))
		return corrupt(err, "a tail of no length");
	if (tail > update->left.size)
		return corrupt(err, "the tail is longer than the head");
	update->left.size -= (size_t)tail;
	update->tail = (struct patch_bytes){ update->left.data + update->left.size, (size_t)tail };
	return 0;
}

static int list_short(struct update *update, size_t bytes, struct error *err)
{
	_cleanup_free_ uint8_t *contents = malloc(bytes + 1);
	int r;

	if (!contents)
		return error_errno(err, "reading a bundle");
	r = listing_read(update->listed, update->source, 1, contents, err);
	if (r == 0)
		text_add_bytes(&update->old, contents, bytes);
	return r;
}

static int make_old(struct update *update, struct error *err)
{
	const struct index *base = update->source->index;
	size_t bytes = 0;
	int r = outline_write(base, NULL, &update->old, err);

	text_add_bytes(&update->old, "\n", 1);
	if (r == 0 && update->form != UPDATE_LONG) {
		r = listing_take(&update->left, base, BUNDLE_SOLID_MAX, 1, &update->listed, &bytes,
				 err);
		r = r == 0 ? list_short(update, bytes, err) : r;
	}
	return r == 0 ? text_check(&update->old, err) : r;
}

/* ---- text and contents ---- */

static int unpack_frame(struct update *update, struct error *err)
{
	_cleanup_text_ struct text whole = {};
	int r;

	text_add_bytes(&whole, MAGIC, UPDATE_MAGIC_SIZE);
	text_add_bytes(&whole, update->left.data, update->left.size);
	r = text_check(&whole, err);
	if (r == 0)
		r = frame_unpack(whole.data, whole.size, update->old.data, update->old.size,
				 update->bundle->text_max, &update->text, err);
	if (r < 0)
		return r;
	update->left.data += update->text.packed - UPDATE_MAGIC_SIZE;
	update->left.size -= update->text.packed - UPDATE_MAGIC_SIZE;
	return 0;
}

/* All that is left is a block. */
static int unpack_block(struct update *update, enum block_kind kind, size_t size,
			struct frame *ret_frame, struct error *err)
{
	_cleanup_(block_decoder_freep) struct block_decoder *decoder = NULL;
	bool based = block_needs_base(kind);
	int r = block_decoder_new(&decoder, err);

	if (r < 0)
		return r;
	ret_frame->size = size;
	ret_frame->data = bulk_alloc(size + 1, 1);
	if (!ret_frame->data)
		return error_errno(err, "reading a bundle");
	r = block_decode(decoder, kind, update->left.data, update->left.size,
			 based ? update->old.data : NULL, based ? update->old.size : 0,
			 ret_frame->data, size, err);
	if (r < 0)
		return error_prefix(err, r, "the bundle's head");
	update->left.size = 0;
	return 0;
}

static int unpack_patch(struct update *update, struct error *err)
{
	uint64_t size;

	if (!take_number(update, BLOCK_SIZE, &size))
		return corrupt(err, "a text of no size");
	return unpack_block(update, BLOCK_PATCH, (size_t)size, &update->text, err);
}

static int unpack_contents(struct update *update, struct error *err)
{
	enum block_kind kind;
	uint64_t size;

	if (update->form == UPDATE_LONG)
		return bundle_long_contents(&update->longs, update->source, &update->text,
					    &update->listed, &update->left, err);
	if (update->form != UPDATE_APART)
		return 0;
	if (update->left.size == 0 || !bundle_kind_of((char)*update->left.data, &kind))
		return corrupt(err, "contents of no kind");
	update->left.data++;
	update->left.size--;
	if (!take_number(update, BUNDLE_SOLID_MAX, &size))
		return corrupt(err, "contents of no size, or too large");
	return unpack_block(update, kind, (size_t)size, &update->contents, err);
}

static int unpack_text(struct update *update, struct error *err)
{
	switch (update->form) {
	case UPDATE_PATCH:
		return unpack_patch(update, err);
	case UPDATE_LONG:
		return bundle_long_text(update->old.data, update->old.size, &update->left,
					&update->text.data, &update->text.size, err);
	default:
		return unpack_frame(update, err);
	}
}

static int unpack(struct update *update, struct error *err)
{
	int r = unpack_text(update, err);

	if (r == 0)
		r = unpack_contents(update, err);
	if (r == 0 && update->left.size > 0)
		r = corrupt(err, "more than it should have");
	text_done(&update->old);
	update->old = (struct text){};
	return r;
}

/* ---- the lines of the text ---- */

struct lines {
	const char *table, *index, *contents;
};

/* The lines of an index begin with a letter that no block has; the first line without any is the end. */
static bool split(const struct frame *text, struct lines *ret_lines)
{
	const char *at = text->data;
	const char *end = text->data + text->size;
	struct lines lines = { .table = at };

	while (at < end && *at != '\n') {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		if (!newline)
			return false;
		if (!lines.index && strchr("dfhl", *at))
			lines.index = at;
		at = newline + 1;
	}
	if (at == end)
		return false;
	lines.contents = at;
	if (!lines.index)
		lines.index = at;
	*ret_lines = lines;
	return true;
}

/* What comes behind the text belongs to it. */
static int set_contents(struct update *update, const struct lines *lines, struct error *err)
{
	const char *end = update->text.data + update->text.size;
	size_t size = (size_t)(end - lines->contents) - 1;

	if ((update->form == UPDATE_APART || update->form == UPDATE_LONG) && size > 0)
		return corrupt(err, "contents where none should be");
	if (size > BUNDLE_SOLID_MAX)
		return corrupt(err, "contents that are too large");
	update->rest = (struct patch_bytes){ (const uint8_t *)lines->contents + 1, size };
	if (update->form == UPDATE_APART)
		update->rest = (struct patch_bytes){ (const uint8_t *)update->contents.data,
						     update->contents.size };
	return 0;
}

/* The bundle keeps a copy of what came with the head. */
static int keep_inlined(struct update *update, struct error *err)
{
	struct bundle *bundle = update->bundle;
	size_t size = update->rest.size;

	bundle->inlined = malloc(size + update->tail.size + 1);
	if (!bundle->inlined)
		return error_errno(err, "reading a bundle");
	memcpy(bundle->inlined, update->rest.data, size);
	memcpy(bundle->inlined + size, update->tail.data, update->tail.size);
	update->rest.data = bundle->inlined;
	update->tail.data = bundle->inlined + size;
	if (update->form == UPDATE_LONG) {
		update->rest = (struct patch_bytes){ bundle_long_bytes(&update->longs),
						     update->longs.size };
		bundle->scratch = TAKE_PTR(update->longs.scratch);
	}
	return 0;
}

static int read_lines(struct update *update, struct error *err)
{
	struct bundle *bundle = update->bundle;
	struct lines lines;
	int r;

	if (!split(&update->text, &lines))
		return corrupt(err, "no end of its index");
	r = outline_read(lines.index, (size_t)(lines.contents - lines.index), &bundle->index,
			 &update->marks, err);
	if (r == 0)
		r = bundle_table_read(bundle, update->source->index, lines.table,
				      (size_t)(lines.index - lines.table), err);
	if (r == 0)
		r = set_contents(update, &lines, err);
	return r < 0 ? r : keep_inlined(update, err);
}

/* ---- blocks at the end of the head ---- */

static int decode_inlined(struct update *update, struct bundle_block *block,
			  struct digester *digester, struct error *err)
{
	const struct bundle_source *source = update->source;
	size_t size = bundle_raw_size(update->bundle, block);
	const void *bytes = NULL;
	struct digest digest = {};
	int r;

	if (block->length > update->tail.size)
		return corrupt(err, "the tail is cut short");
	update->inlined_bytes += size;
	if (update->inlined_bytes > BUNDLE_INLINED_MAX)
		return corrupt(err, "too much stands in its tail");
	block->bytes = update->tail.data;
	update->tail.data += block->length;
	update->tail.size -= block->length;
	r = source->decode(source->data, block, size, &bytes, err);
	if (r == 0)
		r = digest_of(bytes, size, &digest, err);
	if (r == 0)
		r = digester_update(digester, bytes, size, err);
	bundle_short_of(&digest, &block->raw);
	return r;
}

/* From the i-th block on those of its file, of which *ret_n is the number. */
static int read_inlined(struct update *update, size_t i, size_t *ret_n, struct error *err)
{
	struct bundle *bundle = update->bundle;
	struct index_entry *entry = index_at(bundle->index, bundle->blocks[i].entry);
	_cleanup_(digester_freep) struct digester *digester = NULL;
	size_t n = (size_t)bundle_count_blocks(entry->size);
	int r = digester_new(&digester, err);

	if (r == 0)
		r = digester_reset(digester, err);
	for (size_t j = 0; r == 0 && j < n; j++)
		r = decode_inlined(update, &bundle->blocks[i + j], digester, err);
	if (r != 0)
		return r;
	*ret_n = n;
	update->marks[bundle->blocks[i].entry] = (struct outline_mark){ .kind = OUTLINE_GIVEN };
	return digester_finish(digester, &entry->digest, err);
}

static int read_tail(struct update *update, struct error *err)
{
	const struct bundle *bundle = update->bundle;
	size_t n;

	for (size_t i = 0; i < bundle->n_blocks; i += n) {
		int r = 0;

		n = 1;
		if (bundle->blocks[i].is_inlined)
			r = read_inlined(update, i, &n, err);
		if (r != 0)
			return r;
	}
	return update->tail.size > 0 ? corrupt(err, "the tail is too long") : 0;
}

/* ---- contents ---- */

static int add_content(struct update *update, uint32_t number, struct error *err)
{
	struct index_entry *entry = index_at(update->bundle->index, number);
	uint64_t size = entry->size;
	uint64_t taken = update->form == UPDATE_LONG ? bundle_long_align(size) : size;
	int r;

	if (size > update->rest.size || taken > update->rest.size)
		return corrupt(err, "the contents are cut short");
	r = size > 0 ? bundle_table_add_bytes(update->bundle, number, update->rest.data, err) :
		       digest_of(NULL, 0, &entry->digest, err);
	update->rest.data += taken;
	update->rest.size -= (size_t)taken;
	return r;
}

static int refer(struct update *update, uint32_t number, uint32_t base, struct error *err)
{
	const struct index *old = update->source->index;

	if (base >= index_count(old) || index_at(old, base)->type != INDEX_FILE)
		return corrupt(err, "a file that is the same as none");
	if (update->listed[base])
		return add_content(update, number, err);
	index_at(update->bundle->index, number)->digest = index_at(old, base)->digest;
	return 0;
}

static int fill_in(struct update *update, uint32_t number, uint32_t *cursor, struct error *err)
{
	const struct outline_mark *mark = &update->marks[number];
	const char *path = index_at(update->bundle->index, number)->path;

	switch (mark->kind) {
	case OUTLINE_SAME:
		return refer(update, number, outline_base(update->source->index, path, cursor),
			     err);
	case OUTLINE_BASE:
		*cursor = mark->number + 1;
		return refer(update, number, mark->number, err);
	case OUTLINE_OWN:
		return add_content(update, number, err);
	case OUTLINE_TWIN: /* whose digest may not be made yet */
	case OUTLINE_GIVEN:
		break;
	}
	return 0;
}

static int fill_in_twins(const struct update *update, struct error *err)
{
	const struct index *index = update->bundle->index;

	for (uint32_t i = 0; i < index_count(index); i++) {
		uint32_t twin = update->marks[i].number;

		if (update->marks[i].kind != OUTLINE_TWIN)
			continue;
		if (twin >= i || index_at(index, twin)->type != INDEX_FILE)
			return corrupt(err, "a file that is the same as none before");
		index_at(index, i)->digest = index_at(index, twin)->digest;
	}
	return 0;
}

static int fill_in_all(struct update *update, struct error *err)
{
	size_t n = index_count(update->bundle->index);
	size_t first = update->bundle->n_blocks;
	uint32_t cursor = 0;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < n; i++)
		r = fill_in(update, i, &cursor, err);
	if (r == 0 && update->rest.size > 0)
		r = corrupt(err, "more contents than files");
	if (r == 0)
		r = bundle_table_digest(update->bundle, first, err);
	return r == 0 ? fill_in_twins(update, err) : r;
}

/* ---- all of it ---- */

static int check(const struct update *update, const struct digest *expected, struct error *err)
{
	struct digest digest;
	int r = bundle_table_check(update->bundle, err);

	if (r == 0)
		r = index_encode(update->bundle->index, NULL, NULL, &digest, err);
	if (r == 0 && !digest_equal(&digest, expected))
		r = corrupt(err, "its index is not the one of the release");
	return r;
}

int bundle_update_read(struct bundle *bundle, const void *head, const struct bundle_source *source,
		       const struct digest *expected, struct error *err)
{
	_cleanup_(update_done) struct update update = {
		.bundle = bundle,
		.source = source,
		.left = { head, (size_t)bundle->head_length },
	};
	int r = read_form(&update, err);

	if (r == 0)
		r = make_old(&update, err);
	if (r == 0)
		r = unpack(&update, err);
	if (r == 0)
		r = read_lines(&update, err);
	if (r == 0)
		r = read_tail(&update, err);
	if (r == 0)
		r = fill_in_all(&update, err);
	return r != 0 ? r : check(&update, expected, err);
}
