#include "release/listing.h"

#include <stdlib.h>

#include "base/bulk.h"

static int corrupt(struct error *err, const char *what)
{
	return error_set(err, FAULT_CORRUPT, "the bundle's head: %s", what);
}

static uint64_t aligned(uint64_t size, size_t align)
{
	return size / align * align + (size % align ? align : 0);
}

static int take_one(struct patch_bytes *bytes, const struct index *base, uint64_t *next,
		    struct error *err)
{
	const struct index_entry *entry;
	uint64_t gap;

	if (!patch_read_number(bytes, &gap) || gap >= index_count(base) - *next)
		return corrupt(err, "lists a file beyond the end");
	*next += gap + 1;
	entry = index_at(base, *next - 1);
	if (entry->type != INDEX_FILE)
		return corrupt(err, "lists what is no file");
	return 0;
}

int listing_take(struct patch_bytes *bytes, const struct index *base, uint64_t max, size_t align,
		 bool **ret_listed, size_t *ret_bytes, struct error *err)
{
	size_t count = index_count(base);
	_cleanup_bulk_ bool *listed = bulk_alloc(count + 1, sizeof(*listed));
	uint64_t next = 0;
	uint64_t sum = 0;
	uint64_t n;

	if (!listed)
		return error_errno(err, "reading a bundle");
	if (!patch_read_number(bytes, &n) || n > count)
		return corrupt(err, "lists more files than there are");
	for (uint64_t i = 0; i < n; i++) {
		int r = take_one(bytes, base, &next, err);
		uint64_t size;

		if (r < 0)
			return r;
		size = index_at(base, next - 1)->size;
		if (size > max || aligned(size, align) > max - sum)
			return corrupt(err, "lists too many bytes");
		sum += aligned(size, align);
		listed[next - 1] = true;
	}
	*ret_listed = TAKE_PTR(listed);
	*ret_bytes = (size_t)sum;
	return 0;
}

int listing_read(const bool *listed, const struct bundle_source *source, size_t align,
		 uint8_t *ret_bytes, struct error *err)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < index_count(source->index); i++) {
		if (!listed[i])
			continue;
		r = source->read(source->data, i, ret_bytes, err);
		ret_bytes += aligned(index_at(source->index, i)->size, align);
	}
	return r;
}
