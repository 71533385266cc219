/*
 * The head of a bundle that starts from any of several releases:
 *
 *     <form>      a byte: 0x40
 *     <index>     a frame: the canonical text of the new index; a <sha256> that each of the releases has in its index, too, is cut to
 *                 its first 8 bytes
 *     <table>     a frame: the lines of the blocks behind the head, as release/bundle.h has them, without the first line
 *     <recipes>   a frame, see below
 *     <new> …     frames, to the end of the head: bytes that are new, one behind the other, at most BLOCK_SIZE in a frame
 *
 * All frames are of zstd (RFC 8878), with the size of their content in their header. Recipes are
 *
 *     <bits>      a byte: how pieces are cut (release/chunks.h)
 *     <size>      of what follows up to the keys; this and all numbers are LEB128
 *     <gap> <n>   for each content: how many entries of the index lie between it and the one before (or the beginning), and of
 *                 how many stretches it is made: each is
 *         <new>       bytes of <new>, and behind them
 *         <known>     so many pieces, of the next keys
 *     <key> …     6 bytes each: the first ones of the SHA-256 of a piece
 *
 * A content has 1 to BLOCK_SIZE bytes, all of them at most BUNDLE_LONG_MAX, each rounded up to BUNDLE_LONG_ALIGN.
 *
 * A content that the device has is passed over. Where it lacks a piece of that key, or what is made is not what the index says, the bundle is of
 * no use, and the release comes another way. The index is complete with the digests of the device's own, and must have the digest that the offer names.
 */
#include "release/bundle-near.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bulk.h"
#include "base/text.h"
#include "release/bundle-long.h"
#include "release/bundle-table.h"
#include "release/chunks.h"
#include "release/frame.h"
#include "release/line.h"

#define HEX(bytes) (2 * (bytes))

struct near {
	struct bundle *bundle;
	const struct bundle_source *source;
	struct patch_bytes left; /* of the head */
	const struct digest **known; /* of the source, in their order */
	size_t n_known;
	struct frame recipes;
	struct patch_bytes numbers, keys; /* of them, that are not read yet */
	struct chunks_cutter cutter;
	struct chunks chunks;
	struct frame fresh; /* of new bytes */
	size_t used; /* of it */
	size_t end; /* in the scratch, of the contents that there are */
};

static void near_done(struct near *near)
{
	bulk_free(near->known);
	frame_done(&near->recipes);
	frame_done(&near->fresh);
	chunks_done(&near->chunks);
}

static int corrupt(struct error *err, const char *what)
{
	return error_set(err, FAULT_CORRUPT, "the bundle's head: %s", what);
}

static int take_frame(struct near *near, size_t max, struct frame *ret_frame, struct error *err)
{
	int r = frame_unpack(near->left.data, near->left.size, NULL, 0, max, ret_frame, err);

	if (r < 0)
		return r;
	near->left.data += ret_frame->packed;
	near->left.size -= ret_frame->packed;
	return 0;
}

/* ---- the index ---- */

static int by_front(const void *a, const void *b)
{
	const struct digest *const *x = a;
	const struct digest *const *y = b;

	return memcmp((*x)->bytes, (*y)->bytes, BUNDLE_NEAR_DIGEST);
}

static int list_known(struct near *near, struct error *err)
{
	const struct index *index = near->source->index;

	near->known = bulk_alloc(index_count(index) + 1, sizeof(struct digest *));
	if (!near->known)
		return error_errno(err, "reading a bundle");
	for (size_t i = 0; i < index_count(index); i++)
		if (index_at(index, i)->type == INDEX_FILE)
			near->known[near->n_known++] = &index_at(index, i)->digest;
	qsort(near->known, near->n_known, sizeof(struct digest *), by_front);
	return 0;
}

/* The whole digest, of its front in hexadecimal; NULL: it is of none. */
static const struct digest *find_known(const struct near *near, const char *front)
{
	char hex[DIGEST_HEX_MAX];
	struct digest digest;
	const struct digest *key = &digest;
	const struct digest **found;

	memset(hex, '0', sizeof(hex) - 1);
	hex[sizeof(hex) - 1] = '\0';
	memcpy(hex, front, HEX(BUNDLE_NEAR_DIGEST));
	if (digest_from_hex(hex, &digest, NULL) < 0)
		return NULL;
	found = bsearch(&key, near->known, near->n_known, sizeof(struct digest *), by_front);
	return found ? *found : NULL;
}

static bool is_known(const struct near *near, const struct digest *digest)
{
	const struct digest **found =
		bsearch(&digest, near->known, near->n_known, sizeof(struct digest *), by_front);

	return found && digest_equal(*found, digest);
}

static int complete_line(const struct near *near, const char *line, const char *end,
			 struct text *text, struct error *err)
{
	char hex[DIGEST_HEX_MAX];
	const char *field = line_find_digest(line, (size_t)(end - line));
	const char *blank = field ? memchr(field, ' ', (size_t)(end - field)) : NULL;
	const struct digest *digest;

	if (!blank || blank - field != HEX(BUNDLE_NEAR_DIGEST)) {
		text_add_bytes(text, line, (size_t)(end - line));
		return 0;
	}
	digest = find_known(near, field);
	if (!digest)
		return corrupt(err, "the release that runs lacks a file that it should have");
	text_add_bytes(text, line, (size_t)(field - line));
	text_add(text, "%s", digest_to_hex(digest, hex));
	text_add_bytes(text, blank, (size_t)(end - blank));
	return 0;
}

static int complete(const struct near *near, const struct frame *frame, struct text *text,
		    struct error *err)
{
	const char *at = frame->data;
	const char *end = frame->data + frame->size;
	int r = 0;

	while (r == 0 && at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		if (!newline)
			return corrupt(err, "no end of its index");
		r = complete_line(near, at, newline + 1, text, err);
		at = newline + 1;
	}
	return r < 0 ? r : text_check(text, err);
}

static int read_index(struct near *near, const struct digest *expected, struct error *err)
{
	_cleanup_frame_ struct frame frame = {};
	_cleanup_text_ struct text text = { .bulk = true };
	struct digest digest;
	int r = take_frame(near, near->bundle->text_max, &frame, err);

	if (r == 0)
		r = list_known(near, err);
	if (r == 0)
		r = complete(near, &frame, &text, err);
	if (r == 0)
		r = digest_of(text.data, text.size, &digest, err);
	if (r < 0)
		return r;
	if (!digest_equal(&digest, expected))
		return corrupt(err, "its index is not the one of the release");
	r = index_decode(text.data, text.size, &near->bundle->index, err);
	return r < 0 ? r : index_sort(near->bundle->index, err);
}

static int read_table(struct near *near, struct error *err)
{
	_cleanup_frame_ struct frame frame = {};
	int r = take_frame(near, near->bundle->text_max, &frame, err);

	return r < 0 ? r : bundle_table_read(near->bundle, NULL, frame.data, frame.size, err);
}

/* ---- recipes ---- */

static int read_recipes(struct near *near, struct error *err)
{
	struct patch_bytes bytes;
	uint64_t size = 0;
	int r = take_frame(near, BUNDLE_NEAR_RECIPES_MAX, &near->recipes, err);

	if (r < 0)
		return r;
	bytes = (struct patch_bytes){ (const uint8_t *)near->recipes.data, near->recipes.size };
	if (bytes.size == 0 || *bytes.data < CHUNKS_BITS_MIN || *bytes.data > CHUNKS_BITS_MAX)
		return corrupt(err, "pieces of a size that this flipslot does not know");
	r = chunks_cutter_init(&near->cutter, *bytes.data, err);
	bytes.data++;
	bytes.size--;
	if (r == 0 && (!patch_read_number(&bytes, &size) || size > bytes.size))
		r = corrupt(err, "recipes that are cut short");
	if (r < 0)
		return r;
	near->numbers = (struct patch_bytes){ bytes.data, (size_t)size };
	near->keys = (struct patch_bytes){ bytes.data + size, bytes.size - (size_t)size };
	return 0;
}

/* So many new bytes; out NULL: passed over. */
static int take_new(struct near *near, uint8_t *out, uint64_t size, struct error *err)
{
	while (size > 0) {
		size_t n = near->fresh.size - near->used;

		if (n == 0) {
			int r;

			frame_done(&near->fresh);
			near->used = 0;
			r = take_frame(near, BLOCK_SIZE, &near->fresh, err);
			if (r < 0)
				return r;
			n = near->fresh.size;
			if (n == 0)
				return corrupt(err, "a frame of nothing");
		}
		n = n < size ? n : (size_t)size;
		if (out) {
			memcpy(out, near->fresh.data + near->used, n);
			out += n;
		}
		near->used += n;
		size -= n;
	}
	return 0;
}

/* A content that is being made. */
struct making {
	uint8_t *out;
	size_t size, done;
	size_t fresh; /* bytes of <new> so far, also if it failed */
	bool failed; /* some piece of it is not there */
};

static int add_new(struct near *near, struct making *making, uint64_t size, struct error *err)
{
	bool fits = !making->failed && size <= making->size - making->done;
	int r;

	if (size > making->size - making->fresh)
		return corrupt(err, "a recipe of more new bytes than its file has");
	r = take_new(near, fits ? making->out + making->done : NULL, size, err);
	making->fresh += (size_t)size;
	making->failed |= !fits;
	making->done += fits ? (size_t)size : 0;
	return r;
}

static void add_piece(const struct near *near, struct making *making, uint64_t key)
{
	const struct chunks_piece *piece = making->failed ? NULL : chunks_find(&near->chunks, key);

	if (!piece || piece->size > making->size - making->done) {
		making->failed = true;
		return;
	}
	memcpy(making->out + making->done, scratch_bytes(near->chunks.scratch) + piece->offset,
	       piece->size);
	making->done += piece->size;
}

static int add_pieces(struct near *near, struct making *making, uint64_t n, struct error *err)
{
	if (n > near->keys.size / CHUNKS_KEY_SIZE)
		return corrupt(err, "a piece without a key");
	for (uint64_t i = 0; i < n; i++) {
		add_piece(near, making, chunks_read_key(near->keys.data));
		near->keys.data += CHUNKS_KEY_SIZE;
		near->keys.size -= CHUNKS_KEY_SIZE;
	}
	return 0;
}

static int add_stretch(struct near *near, struct making *making, struct error *err)
{
	uint64_t fresh, known;
	int r;

	if (!patch_read_number(&near->numbers, &fresh) ||
	    !patch_read_number(&near->numbers, &known) || (fresh == 0 && known == 0))
		return corrupt(err, "a recipe that is cut short");
	r = add_new(near, making, fresh, err);
	return r < 0 ? r : add_pieces(near, making, known, err);
}

/* > 0: BUNDLE_BASE_DIFFERS. */
static int keep(struct near *near, const struct making *making, uint32_t number, struct error *err)
{
	struct digest digest;
	int r;

	if (making->failed || making->done != making->size)
		return BUNDLE_BASE_DIFFERS;
	r = digest_of(making->out, making->size, &digest, err);
	if (r < 0)
		return r;
	if (!digest_equal(&digest, &index_at(near->bundle->index, number)->digest))
		return BUNDLE_BASE_DIFFERS;
	near->end += (size_t)bundle_long_align(making->size);
	return bundle_table_add_bytes(near->bundle, number, making->out, err);
}

/* > 0: BUNDLE_BASE_DIFFERS. What the source has is not made. */
static int make_content(struct near *near, uint32_t number, struct error *err)
{
	const struct index_entry *entry = index_at(near->bundle->index, number);
	bool known = is_known(near, &entry->digest);
	struct making making = {
		.out = scratch_bytes(near->chunks.scratch) + near->end,
		.size = (size_t)entry->size,
		.failed = known,
	};
	uint64_t n;
	int r = 0;

	if (!patch_read_number(&near->numbers, &n))
		return corrupt(err, "a recipe that is cut short");
	for (uint64_t i = 0; r == 0 && i < n; i++)
		r = add_stretch(near, &making, err);
	return r < 0 || known ? r : keep(near, &making, number, err);
}

/* The next content, of at most *room bytes. */
static int take_number(const struct near *near, struct patch_bytes *numbers, uint64_t *next,
		       size_t *room, struct error *err)
{
	const struct index *index = near->bundle->index;
	const struct index_entry *entry;
	uint64_t gap;

	if (!patch_read_number(numbers, &gap) || gap >= index_count(index) - *next)
		return corrupt(err, "a recipe of no file");
	*next += gap + 1;
	entry = index_at(index, *next - 1);
	if (entry->type != INDEX_FILE || entry->size == 0 || entry->size > BLOCK_SIZE ||
	    bundle_long_align(entry->size) > *room)
		return corrupt(err, "a recipe of too large a file, or of none");
	*room -= (size_t)bundle_long_align(entry->size);
	return 0;
}

static int pass_over(struct patch_bytes *numbers, struct error *err)
{
	uint64_t n, number;

	if (!patch_read_number(numbers, &n) || n > numbers->size / 2)
		return corrupt(err, "a recipe that is cut short");
	for (uint64_t i = 0; i < 2 * n; i++)
		if (!patch_read_number(numbers, &number))
			return corrupt(err, "a recipe that is cut short");
	return 0;
}

/* How much all contents need: then the scratch stays where it is, and what lies in it. */
static int measure(const struct near *near, size_t *ret_size, struct error *err)
{
	struct patch_bytes numbers = near->numbers;
	size_t room = BUNDLE_LONG_MAX;
	uint64_t next = 0;
	int r = 0;

	while (r == 0 && numbers.size > 0) {
		r = take_number(near, &numbers, &next, &room, err);
		if (r == 0)
			r = pass_over(&numbers, err);
	}
	*ret_size = BUNDLE_LONG_MAX - room;
	return r;
}

static int make_contents(struct near *near, struct error *err)
{
	size_t room = BUNDLE_LONG_MAX;
	uint64_t next = 0;
	int r = 0;

	while (r == 0 && near->numbers.size > 0) {
		r = take_number(near, &near->numbers, &next, &room, err);
		if (r == 0)
			r = make_content(near, (uint32_t)next - 1, err);
	}
	if (r == 0 && (near->keys.size > 0 || near->left.size > 0 || near->used < near->fresh.size))
		r = corrupt(err, "more than its recipes need");
	return r;
}

static int read_contents(struct near *near, struct error *err)
{
	size_t size = 0;
	int r = measure(near, &size, err);

	if (r == 0)
		r = chunks_collect(near->source, near->bundle->index, &near->cutter, size,
				   &near->chunks, err);
	if (r != 0)
		return r;
	near->end = (size_t)bundle_long_align(near->chunks.bytes);
	r = make_contents(near, err);
	if (r != 0)
		return r;
	near->bundle->scratch = TAKE_PTR(near->chunks.scratch);
	scratch_spend(near->bundle->scratch,
		      scratch_bytes(near->bundle->scratch) + bundle_long_align(near->chunks.bytes));
	return 0;
}

int bundle_near_read(struct bundle *bundle, const void *head, const struct bundle_source *source,
		     const struct digest *expected, struct error *err)
{
	_cleanup_(near_done) struct near near = {
		.bundle = bundle,
		.source = source,
		.left = { (const uint8_t *)head + 1, (size_t)bundle->head_length - 1 },
	};
	int r = read_index(&near, expected, err);

	if (r == 0)
		r = read_table(&near, err);
	if (r == 0)
		r = read_recipes(&near, err);
	if (r == 0)
		r = read_contents(&near, err);
	return r != 0 ? r : bundle_table_check(bundle, err);
}
