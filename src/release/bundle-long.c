#include "release/bundle-long.h"

#include <string.h>

#include "base/bulk.h"
#include "release/listing.h"

void bundle_long_done(const struct bundle_long *all)
{
	scratch_free(all->scratch);
}

uint8_t *bundle_long_bytes(const struct bundle_long *all)
{
	return scratch_bytes(all->scratch) + all->base;
}

static int corrupt(struct error *err, const char *what)
{
	return error_set(err, FAULT_CORRUPT, "the bundle's head: %s", what);
}

/* Behind what was decoded before. */
static int take_block(const struct bundle_long *all, size_t done, struct block_decoder *decoder,
		      struct patch_bytes *left, struct error *err)
{
	size_t rest = all->size - done;
	size_t size = rest < BLOCK_SIZE ? rest : BLOCK_SIZE;
	uint8_t *base = scratch_bytes(all->scratch);
	size_t base_size = all->base + done;
	enum block_kind kind;
	uint64_t length;
	int r;

	if (left->size == 0 || !bundle_kind_of((char)*left->data, &kind))
		return corrupt(err, "a block of no kind");
	left->data++;
	left->size--;
	if (!patch_read_number(left, &length) || length > left->size)
		return corrupt(err, "a block that is cut short");
	r = block_decode(decoder, kind, left->data, (size_t)length, base, base_size,
			 base + base_size, size, err);
	left->data += length;
	left->size -= (size_t)length;
	return r < 0 ? error_prefix(err, r, "the bundle's head") : 0;
}

int bundle_long_take(struct bundle_long *all, struct patch_bytes *left, size_t max,
		     struct error *err)
{
	_cleanup_(block_decoder_freep) struct block_decoder *decoder = NULL;
	uint64_t size;
	int r = block_decoder_new(&decoder, err);

	if (r < 0)
		return r;
	if (!patch_read_number(left, &size) || size == 0 || size > max)
		return corrupt(err, "a text, or contents, of no size, or too large");
	r = scratch_grow(all->scratch, all->base + (size_t)size, err);
	if (r < 0)
		return r;
	all->size = (size_t)size;
	for (size_t done = 0; r == 0 && done < size; done += BLOCK_SIZE)
		r = take_block(all, done, decoder, left, err);
	if (r == 0)
		scratch_spend(all->scratch, bundle_long_bytes(all));
	return r;
}

int bundle_long_contents(struct bundle_long *all, const struct bundle_source *source,
			 struct frame *text, bool **ret_listed, struct patch_bytes *left,
			 struct error *err)
{
	struct patch_bytes rest = { (const uint8_t *)text->data, text->size };
	int r = listing_take(&rest, source->index, BUNDLE_LONG_MAX, BUNDLE_LONG_ALIGN, ret_listed,
			     &all->base, err);

	if (r < 0)
		return r;
	memmove(text->data, rest.data, rest.size);
	text->size = rest.size;
	r = scratch_new(source->spare_dirfd, all->base + 1, &all->scratch, err);
	if (r == 0)
		r = listing_read(*ret_listed, source, BUNDLE_LONG_ALIGN,
				 scratch_bytes(all->scratch), err);
	return r == 0 ? bundle_long_take(all, left, BUNDLE_LONG_MAX, err) : r;
}

int bundle_long_text(const void *base, size_t base_size, struct patch_bytes *left, char **ret_text,
		     size_t *ret_size, struct error *err)
{
	_cleanup_(bundle_long_done) struct bundle_long all = { .base = base_size };
	char *text;
	int r = scratch_new(0, base_size + 1, &all.scratch, err);

	if (r < 0)
		return r;
	memcpy(scratch_bytes(all.scratch), base, base_size);
	r = bundle_long_take(&all, left, BUNDLE_LONG_TEXT_MAX, err);
	if (r < 0)
		return r;
	text = bulk_alloc(all.size + 1, 1);
	if (!text)
		return error_errno(err, "reading a bundle");
	memcpy(text, bundle_long_bytes(&all), all.size);
	*ret_text = text;
	*ret_size = all.size;
	return 0;
}
