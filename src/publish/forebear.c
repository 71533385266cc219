#include "publish/forebear.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct forebear {
	const struct stock *stock;
	struct bundle_source source;
	struct block_decoder *decoder;
	uint8_t *raw;
	uint8_t *base; /* content of the old file base_entry */
	uint32_t base_entry;
};

static int read_file(const struct forebear *forebear, const struct index_entry *entry,
		     uint8_t **ret_bytes, struct error *err)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	struct digest digest;
	int r = stock_read(forebear->stock, entry, &bytes, err);

	if (r == 0)
		r = digest_of(bytes, (size_t)entry->size, &digest, err);
	if (r == 0 && !digest_equal(&digest, &entry->digest))
		r = error_set(err, FAULT_CORRUPT, "%s of the release before is not what it was",
			      entry->path);
	if (r == 0)
		*ret_bytes = TAKE_PTR(bytes);
	return r;
}

/* The old file stays for the blocks that follow. */
static int load_base(struct forebear *forebear, const struct bundle_block *block, size_t *ret_size,
		     struct error *err)
{
	const struct index_entry *entry;
	int r = 0;

	*ret_size = 0;
	if (!block_needs_base(block->kind))
		return 0;
	entry = index_at(forebear->stock->index, block->base);
	if (!forebear->base || forebear->base_entry != block->base) {
		free(TAKE_PTR(forebear->base));
		r = read_file(forebear, entry, &forebear->base, err);
	}
	forebear->base_entry = block->base;
	*ret_size = entry->size;
	return r;
}

int forebear_decode(struct forebear *forebear, const struct bundle_block *block, const void *packed,
		    size_t raw_size, const void **ret_bytes, struct error *err)
{
	size_t base_size;
	int r = load_base(forebear, block, &base_size, err);

	if (r == 0)
		r = block_decode(forebear->decoder, block->kind, packed, block->length,
				 base_size > 0 ? forebear->base : NULL, base_size, forebear->raw,
				 raw_size, err);
	if (r == 0)
		*ret_bytes = forebear->raw;
	return r;
}

static int read_base(void *data, uint32_t number, void *ret_bytes, struct error *err)
{
	const struct forebear *forebear = data;
	const struct index_entry *entry = index_at(forebear->stock->index, number);
	_cleanup_free_ uint8_t *bytes = NULL;
	int r = read_file(forebear, entry, &bytes, err);

	if (r == 0 && entry->size > 0)
		memcpy(ret_bytes, bytes, entry->size);
	return r;
}

static int decode(void *data, const struct bundle_block *block, size_t raw_size,
		  const void **ret_bytes, struct error *err)
{
	return forebear_decode(data, block, block->bytes, raw_size, ret_bytes, err);
}

int forebear_new(const struct stock *stock, struct forebear **ret_forebear, struct error *err)
{
	_cleanup_(forebear_freep) struct forebear *forebear = calloc(1, sizeof(*forebear));
	int r;

	if (!forebear)
		return error_errno(err, "reading");
	forebear->stock = stock;
	forebear->source = (struct bundle_source){ .index = stock ? stock->index : NULL,
						   .read = read_base,
						   .decode = decode,
						   .data = forebear };
	forebear->raw = malloc(BLOCK_SIZE);
	if (!forebear->raw)
		return error_errno(err, "reading");
	r = block_decoder_new(&forebear->decoder, err);
	if (r == 0)
		*ret_forebear = TAKE_PTR(forebear);
	return r;
}

void forebear_free(struct forebear *forebear)
{
	if (!forebear)
		return;
	block_decoder_free(forebear->decoder);
	free(forebear->raw);
	free(forebear->base);
	free(forebear);
}

const struct bundle_source *forebear_source(const struct forebear *forebear)
{
	return forebear->stock ? &forebear->source : NULL;
}
