/*
 * The head of a bundle. Without a base (the first part is empty) the parts are the new index and the table; they are compressed
 * here, and the new index vouched for, so that all that stands behind both is reached. With one they are the old index, the text
 * that is decoded against it, what is listed, what stands at the end, and, if there is such a part, contents that stand apart, or,
 * behind a 'P', a patch that the text comes as, or, behind an 'L', contents block by block; all old files have the same bytes.
 */
#include "release/bundle-update.h"

#include <zstd.h>

#include "base/text.h"

#include "fuzz.h"

#define LEVEL 1

static size_t compress(const char *text, char *out, size_t room)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();
	size_t n;

	assert(context);
	(void)ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, LEVEL);
	n = ZSTD_compress2(context, out, room, text, strlen(text));
	assert(!ZSTD_isError(n));
	(void)ZSTD_freeCCtx(context);
	return n;
}

static void check(int r, const struct error *err, const struct bundle *bundle)
{
	fuzz_check(r, err);
	for (size_t i = 0; r == 0 && i < bundle->n_blocks; i++) {
		assert(bundle->blocks[i].entry < index_count(bundle->index));
		assert(bundle_raw_size(bundle, &bundle->blocks[i]) <= BLOCK_SIZE);
	}
}

static void decode_alone(const char *text, const char *table)
{
	size_t room = ZSTD_compressBound(strlen(text)) + ZSTD_compressBound(strlen(table));
	_cleanup_(bundle_freep) struct bundle *bundle = NULL;
	_cleanup_free_ char *head = malloc(room);
	struct digest expected;
	struct error err = {};
	size_t n;

	assert(head && digest_of(text, strlen(text), &expected, &err) == 0);
	n = compress(text, head, room);
	n += compress(table, head + n, room - n);
	check(bundle_decode(head, n, NULL, &expected, n + 4096, &bundle, &err), &err, bundle);
}

static int read_old(void *data, uint32_t number, void *ret_bytes, struct error *err)
{
	const struct index *base = data;

	(void)err;
	memset(ret_bytes, 'x', index_at(base, number)->size);
	return 0;
}

static int decode_tail(void *data, const struct bundle_block *block, size_t raw_size,
		       const void **ret_bytes, struct error *err)
{
	static const char raw[BLOCK_SIZE];
	char first = *(const char *)block->bytes;
	char last = ((const char *)block->bytes)[block->length - 1];

	(void)data;
	(void)err;
	assert(raw_size <= sizeof(raw) && block->is_inlined);
	*ret_bytes = raw;
	return first == '!' && last == '!'; /* a file that is not what it was */
}

struct parts {
	const char *text, *list, *tail, *more;
};

/* Bytes are one more here, so that none is NUL. */
static void add_bytes(struct text *head, const char *bytes)
{
	for (; *bytes; bytes++) {
		char byte = (char)(*bytes - 1);

		text_add_bytes(head, &byte, 1);
	}
}

static void add_frame(struct text *head, const char *text)
{
	size_t room = ZSTD_compressBound(strlen(text));
	_cleanup_free_ char *packed = malloc(room);
	size_t size;

	assert(packed);
	size = compress(text, packed, room);
	text_add_bytes(head, packed + UPDATE_MAGIC_SIZE, size - UPDATE_MAGIC_SIZE);
}

static void add_number(struct text *head, size_t number)
{
	for (; number >= 0x80; number >>= 7)
		text_add(head, "%c", (int)(number | 0x80));
	text_add(head, "%c", (int)number);
}

/* What is listed, and the text, as one block. */
static void add_run(struct text *head, const struct parts *parts)
{
	_cleanup_text_ struct text run = {};

	add_bytes(&run, parts->list);
	text_add(&run, "%s", parts->text);
	add_number(head, run.size);
	text_add(head, "s");
	add_number(head, run.size);
	text_add_bytes(head, run.data, run.size);
}

static void make_head(struct text *head, const struct parts *parts)
{
	size_t n = strnlen(parts->tail, 0x7f);
	bool patch = parts->more[0] == 'P';
	bool many = parts->more[0] == 'L';
	unsigned int form = patch	   ? UPDATE_PATCH :
			    many	   ? UPDATE_LONG :
			    parts->more[0] ? UPDATE_APART :
					     0;

	text_add(head, "%c", (char)(UPDATE_VERSION | form | (n > 0 ? UPDATE_TAIL : 0)));
	if (n > 0)
		text_add(head, "%c", (int)n);
	if (many)
		add_run(head, parts);
	else
		add_bytes(head, parts->list);
	if (!patch && !many)
		add_frame(head, parts->text);
	add_bytes(head, parts->more + (patch || many));
	text_add_bytes(head, parts->tail, n);
}

/* behind: bytes of the blocks behind the head. */
static void decode(struct index *base, const struct parts *parts, uint64_t behind)
{
	const struct bundle_source source = { base, read_old, NULL, decode_tail, base, -1 };
	_cleanup_(bundle_freep) struct bundle *bundle = NULL;
	_cleanup_text_ struct text head = {};
	const struct digest expected = {};
	struct error err = {};
	int r;

	make_head(&head, parts);
	r = bundle_decode(head.data, head.size, &source, &expected, head.size + behind, &bundle,
			  &err);
	check(r, &err, bundle);
	assert(!bundle); /* no text is what an offer names here */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *old_text = fuzz_part(&data, &size);
	_cleanup_free_ char *text = fuzz_part(&data, &size);
	_cleanup_free_ char *table = fuzz_part(&data, &size);
	_cleanup_free_ char *tail = fuzz_part(&data, &size);
	_cleanup_free_ char *more = fuzz_part(&data, &size);
	const struct parts parts = { text, table, tail ? tail : "", more ? more : "" };
	_cleanup_(index_freep) struct index *base = NULL;
	struct error err = {};

	if (!table)
		return 0;
	if (!old_text[0]) {
		decode_alone(text, table);
		return 0;
	}
	if (index_decode(old_text, strlen(old_text), &base, &err) < 0 || index_sort(base, &err) < 0)
		return 0;
	decode(base, &parts, 0);
	decode(base, &parts, 4096);
	return 0;
}
