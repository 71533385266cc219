#include "release/bundle-long.h"

#include "release/listing.h"

void bundle_long_done(const struct bundle_long *all)
{
	scratch_free(all->scratch);
}

int bundle_long_list(struct bundle_long *all, const bool *listed, size_t bytes,
		     const struct bundle_source *source, struct error *err)
{
	int r = scratch_new(source->spare_dirfd, bytes + 1, &all->scratch, err);

	if (r < 0)
		return r;
	all->listed = bytes;
	return listing_read(listed, source, scratch_bytes(all->scratch), err);
}

uint8_t *bundle_long_contents(const struct bundle_long *all)
{
	return scratch_bytes(all->scratch) + all->listed;
}

static int corrupt(struct error *err, const char *what)
{
	return error_set(err, FAULT_CORRUPT, "the bundle's head: %s", what);
}

/* Behind what was decoded before. */
static int take_block(const struct bundle_long *all, size_t done, struct block_decoder *decoder,
		      struct patch_bytes *left, struct error *err)
{
	size_t rest = all->contents - done;
	size_t size = rest < BLOCK_SIZE ? rest : BLOCK_SIZE;
	uint8_t *base = scratch_bytes(all->scratch);
	size_t base_size = all->listed + done;
	enum block_kind kind;
	uint64_t length;
	int r;

	if (left->size == 0 || !bundle_kind_of((char)*left->data, &kind))
		return corrupt(err, "contents of no kind");
	left->data++;
	left->size--;
	if (!patch_read_number(left, &length) || length > left->size)
		return corrupt(err, "contents that are cut short");
	r = block_decode(decoder, kind, left->data, (size_t)length, base, base_size,
			 base + base_size, size, err);
	left->data += length;
	left->size -= (size_t)length;
	return r < 0 ? error_prefix(err, r, "the bundle's head") : 0;
}

int bundle_long_take(struct bundle_long *all, struct patch_bytes *left, struct error *err)
{
	_cleanup_(block_decoder_freep) struct block_decoder *decoder = NULL;
	uint64_t size;
	int r = block_decoder_new(&decoder, err);

	if (r < 0)
		return r;
	if (!patch_read_number(left, &size) || size == 0 || size > BUNDLE_LONG_MAX)
		return corrupt(err, "contents of no size, or too large");
	r = scratch_grow(all->scratch, all->listed + (size_t)size, err);
	if (r < 0)
		return r;
	all->contents = (size_t)size;
	for (size_t done = 0; r == 0 && done < size; done += BLOCK_SIZE)
		r = take_block(all, done, decoder, left, err);
	if (r == 0)
		scratch_spend(all->scratch, bundle_long_contents(all));
	return r;
}
