#include "release/bundle-write.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <zstd.h>

#include "base/text.h"

#define MAGIC	       "flipslot-bundle 1\n"
#define WINDOW_LOG_MIN 20
#define WINDOW_LOG_MAX 30

/* ---- the table ---- */

static void add_short(struct text *text, const struct bundle_short *value)
{
	for (size_t i = 0; i < sizeof(value->bytes); i++)
		text_add(text, "%02x", value->bytes[i]);
}

static void add_block(struct text *text, const struct index *index,
		      const struct bundle_block *block)
{
	text_add(text, "%c %" PRIu32 " %" PRIu32 " ", bundle_kind_letter(block->kind), block->entry,
		 block->length);
	add_short(text, &block->packed);
	text_add(text, " ");
	if (bundle_count_blocks(index_at(index, block->entry)->size) == 1)
		text_add(text, "-");
	else
		add_short(text, &block->raw);
	if (block->kind != BLOCK_PLAIN)
		text_add(text, " %" PRIu32, block->base);
	text_add(text, "\n");
}

/* ---- frames ---- */

/* The window must reach back over all of the prefix. */
static int window_log(size_t size)
{
	int log = WINDOW_LOG_MIN;

	while (log < WINDOW_LOG_MAX && ((size_t)1 << log) < size)
		log++;
	return log;
}

static size_t compress_into(ZSTD_CCtx *zstd, const struct text *plain, const struct text *prefix,
			    int level, void *packed, size_t room)
{
	const struct {
		ZSTD_cParameter parameter;
		int value;
	} settings[] = {
		{ ZSTD_c_compressionLevel, level },
		{ ZSTD_c_windowLog, window_log(plain->size + prefix->size) },
		{ ZSTD_c_checksumFlag, 0 }, /* the head has a better one */
	};
	size_t code = 0;

	for (size_t i = 0; i < ARRAY_SIZE(settings) && !ZSTD_isError(code); i++)
		code = ZSTD_CCtx_setParameter(zstd, settings[i].parameter, settings[i].value);
	if (!ZSTD_isError(code))
		code = ZSTD_CCtx_refPrefix(zstd, prefix->data, prefix->size);
	return ZSTD_isError(code) ? code :
				    ZSTD_compress2(zstd, packed, room, plain->data, plain->size);
}

/* Appends plain, as a frame. */
static int add_frame(struct text *head, const struct text *plain, const struct text *prefix,
		     int level, struct error *err)
{
	size_t room = ZSTD_compressBound(plain->size);
	_cleanup_free_ void *packed = malloc(room);
	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	size_t n = 0;

	if (packed && zstd)
		n = compress_into(zstd, plain, prefix, level, packed, room);
	ZSTD_freeCCtx(zstd);
	if (!packed || n == 0)
		return error_code(err, -ENOMEM, "writing a bundle");
	if (ZSTD_isError(n))
		return error_set(err, FAULT_INTERNAL, "compressing: %s", ZSTD_getErrorName(n));
	text_add_bytes(head, packed, n);
	return 0;
}

static int encode_index(struct index *index, struct text *ret_text, struct error *err)
{
	int r = index_encode(index, &ret_text->data, &ret_text->size, NULL, err);

	ret_text->room = ret_text->size;
	return r;
}

/* ---- the head ---- */

/* What was written is what a device will read. */
static int check(const struct text *head, struct index *index, struct index *base,
		 const struct bundle_block *blocks, size_t n_blocks, struct error *err)
{
	_cleanup_(bundle_freep) struct bundle *bundle = NULL;
	struct digest digest;
	uint64_t length = head->size;
	int r = index_encode(index, NULL, NULL, &digest, err);

	for (size_t i = 0; i < n_blocks; i++)
		length += blocks[i].length;
	if (r == 0 && head->size > BUNDLE_HEAD_MAX)
		r = error_set(err, FAULT_INTERNAL, "the head of the bundle is too long");
	if (r < 0)
		return r;
	r = bundle_decode(head->data, head->size, base, &digest, length, &bundle, err);
	if (r < 0 && err)
		err->fault = FAULT_INTERNAL;
	return r;
}

int bundle_write_head(struct index *index, struct index *base, const struct bundle_block *blocks,
		      size_t n_blocks, int level, void **ret_head, size_t *ret_size,
		      struct error *err)
{
	_cleanup_text_ struct text head = {}, plain = {}, prefix = {}, table = {};
	int r = encode_index(index, &plain, err);

	if (r == 0 && base)
		r = encode_index(base, &prefix, err);
	if (r == 0)
		r = add_frame(&head, &plain, &prefix, level, err);
	text_add(&table, MAGIC);
	for (size_t i = 0; i < n_blocks; i++)
		add_block(&table, index, &blocks[i]);
	if (r == 0)
		r = text_check(&table, err);
	if (r == 0)
		r = add_frame(&head, &table, &(struct text){}, level, err);
	if (r == 0)
		r = text_check(&head, err);
	if (r == 0)
		r = check(&head, index, base, blocks, n_blocks, err);
	if (r < 0)
		return r;
	*ret_size = head.size;
	*ret_head = text_take(&head);
	return 0;
}
