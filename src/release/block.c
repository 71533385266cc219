/*
 * A block as it travels, by its kind:
 *
 *     plain     a zstd frame (RFC 8878)
 *     prefix    a zstd frame that goes on behind the bytes of the whole old file ("raw content" dictionary)
 *     patch     +--------+-------------------+------------------------+-----------
 *               | layout | 5 unpacked sizes  | layout 1: 5 packed     | sections
 *               | 0 or 1 | of the sections   | sizes of the sections  |
 *               +--------+-------------------+------------------------+-----------
 *
 *     stored    the bytes as they are
 *
 * <layout> is a byte, sizes are LEB128 numbers, the sections are those of src/release/patch.c, in that order. Layout 0: all
 * of them one after the other, compressed together into what remains (small files). Layout 1: each compressed for itself, since
 * bytes of a kind compress best among themselves. Compressed is: a zstd frame, or, where the packed size is the unpacked one,
 * the bytes as they are. Unpacked, the sections have at most BLOCK_SECTIONS_MAX bytes together.
 *
 * Frames need not say how large their content is, and have no checksum: the digests of the bundle's table cover it.
 */
#include "release/block.h"

#include <errno.h>
#include <string.h>
#include <zstd.h>

#include "release/patch.h"

#define LAYOUT_TOGETHER 0
#define LAYOUT_APART	1

struct block_decoder {
	ZSTD_DCtx *zstd;
	uint8_t *sections; /* unpacked */
	size_t room;
	struct guess guess;
};

int block_decoder_new(struct block_decoder **ret_decoder, struct error *err)
{
	_cleanup_(block_decoder_freep) struct block_decoder *decoder = calloc(1, sizeof(*decoder));

	if (!decoder)
		return error_errno(err, "unpacking");
	decoder->zstd = ZSTD_createDCtx();
	if (!decoder->zstd)
		return error_code(err, -ENOMEM, "unpacking");
	*ret_decoder = TAKE_PTR(decoder);
	return 0;
}

void block_decoder_free(struct block_decoder *decoder)
{
	if (!decoder)
		return;
	(void)ZSTD_freeDCtx(decoder->zstd);
	free(decoder->sections);
	free(decoder);
}

/* ---- zstd ---- */

static int refuse(struct error *err, const char *what)
{
	return error_set(err, FAULT_CORRUPT, "a block %s", what);
}

/* A prefix holds for one frame; a reset gives up what a bad frame left. */
static int unpack_frame(const struct block_decoder *decoder, const struct patch_bytes *packed,
			const struct patch_bytes *prefix, void *out, size_t size, struct error *err)
{
	size_t n = ZSTD_DCtx_reset(decoder->zstd, ZSTD_reset_session_and_parameters);

	if (!ZSTD_isError(n))
		n = ZSTD_DCtx_refPrefix(decoder->zstd, prefix->data, prefix->size);
	if (!ZSTD_isError(n))
		n = ZSTD_decompressDCtx(decoder->zstd, out, size, packed->data, packed->size);
	if (ZSTD_isError(n))
		return error_set(err, FAULT_CORRUPT, "a block does not unpack: %s",
				 ZSTD_getErrorName(n));
	return n == size ? 0 : refuse(err, "is too short");
}

static int copy_stored(const struct patch_bytes *packed, void *out, size_t size, struct error *err)
{
	if (packed->size != size)
		return refuse(err, "is not as long as it should be");
	memcpy(out, packed->data, size);
	return 0;
}

/* ---- patches ---- */

static int read_sizes(struct patch_bytes *bytes, size_t ret_sizes[static PATCH_SECTION_MAX],
		      size_t max, size_t *ret_sum, struct error *err)
{
	*ret_sum = 0;
	for (size_t i = 0; i < PATCH_SECTION_MAX; i++) {
		uint64_t size;

		if (!patch_read_number(bytes, &size) || size > max - *ret_sum)
			return refuse(err, "has sections that are too large");
		ret_sizes[i] = (size_t)size;
		*ret_sum += (size_t)size;
	}
	return 0;
}

static int make_room(struct block_decoder *decoder, size_t size, struct error *err)
{
	uint8_t *more;

	if (decoder->room > size)
		return 0;
	more = malloc(size + 1); /* a place even for nothing */
	if (!more)
		return error_errno(err, "unpacking");
	free(decoder->sections);
	decoder->sections = more;
	decoder->room = size + 1;
	return 0;
}

static int unpack_section(const struct block_decoder *decoder, const struct patch_bytes *packed,
			  uint8_t *out, size_t size, struct error *err)
{
	const struct patch_bytes none = {};

	if (packed->size != size)
		return unpack_frame(decoder, packed, &none, out, size, err);
	if (size > 0)
		memcpy(out, packed->data, size);
	return 0;
}

static int unpack_apart(const struct block_decoder *decoder, struct patch_bytes *bytes,
			const size_t sizes[static PATCH_SECTION_MAX], struct error *err)
{
	size_t packed[PATCH_SECTION_MAX] = {};
	uint8_t *out = decoder->sections;
	size_t sum;
	int r = read_sizes(bytes, packed, BLOCK_PACKED_MAX, &sum, err);

	if (r == 0 && sum != bytes->size)
		r = refuse(err, "is not of the size that it says");
	for (size_t i = 0; r == 0 && i < PATCH_SECTION_MAX; i++) {
		const struct patch_bytes part = { bytes->data, packed[i] };

		r = unpack_section(decoder, &part, out, sizes[i], err);
		bytes->data += packed[i];
		out += sizes[i];
	}
	return r;
}

static int unpack_sections(struct block_decoder *decoder, struct patch_bytes bytes,
			   struct patch_bytes ret_sections[static PATCH_SECTION_MAX],
			   struct error *err)
{
	size_t sizes[PATCH_SECTION_MAX] = {};
	const uint8_t *at;
	uint64_t layout;
	size_t sum = 0;
	int r;

	if (!patch_read_number(&bytes, &layout) || layout > LAYOUT_APART)
		return refuse(err, "has a layout that is not known");
	r = read_sizes(&bytes, sizes, BLOCK_SECTIONS_MAX, &sum, err);
	if (r == 0)
		r = make_room(decoder, sum, err);
	if (r < 0)
		return r;
	r = layout == LAYOUT_APART ? unpack_apart(decoder, &bytes, sizes, err) :
				     unpack_section(decoder, &bytes, decoder->sections, sum, err);
	at = decoder->sections;
	for (size_t i = 0; r == 0 && i < PATCH_SECTION_MAX; i++) {
		ret_sections[i] = (struct patch_bytes){ at, sizes[i] };
		at += sizes[i];
	}
	return r;
}

int block_decode(struct block_decoder *decoder, enum block_kind kind, const void *bytes,
		 size_t size, const void *base, size_t base_size, void *out, size_t out_size,
		 struct error *err)
{
	const struct patch_bytes packed = { bytes, size };
	const struct patch_bytes prefix = { kind == BLOCK_PREFIX ? base : NULL,
					    kind == BLOCK_PREFIX ? base_size : 0 };
	struct patch_bytes sections[PATCH_SECTION_MAX];
	int r;

	if (size > BLOCK_PACKED_MAX || out_size > BLOCK_SIZE || base_size > BLOCK_BASE_MAX)
		return refuse(err, "is too large");
	if (kind == BLOCK_STORED)
		return copy_stored(&packed, out, out_size, err);
	if (kind != BLOCK_PATCH)
		return unpack_frame(decoder, &packed, &prefix, out, out_size, err);
	r = unpack_sections(decoder, packed, sections, err);
	if (r < 0)
		return r;
	return patch_apply(sections, base, base_size, &decoder->guess, out, out_size, err);
}
