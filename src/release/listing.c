#include "release/listing.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/bulk.h"
#include "base/crew.h"

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

/* A file that is listed, and where its bytes go. */
struct place {
	uint32_t number;
	uint32_t at;
};

struct reading {
	const struct bundle_source *source;
	struct place *places;
	uint8_t *bytes;
	atomic_bool differs;
};

static int read_one(void *data, unsigned int hand, size_t i, struct error *err)
{
	struct reading *reading = data;
	const struct place *place = &reading->places[i];
	int r;

	(void)hand;
	if (atomic_load(&reading->differs))
		return 0;
	r = reading->source->read(reading->source->data, place->number, reading->bytes + place->at,
				  err);
	if (r > 0)
		atomic_store(&reading->differs, true);
	return r < 0 ? r : 0;
}

static void find_places(const bool *listed, const struct index *index, size_t align,
			struct place *ret_places)
{
	uint64_t at = 0;
	size_t n = 0;

	for (uint32_t i = 0; i < index_count(index); i++) {
		if (!listed[i])
			continue;
		ret_places[n++] = (struct place){ .number = i, .at = (uint32_t)at };
		at += aligned(index_at(index, i)->size, align);
	}
}

static size_t count(const bool *listed, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < size; i++)
		n += listed[i];
	return n;
}

int listing_read(const bool *listed, const struct bundle_source *source, size_t align,
		 uint8_t *ret_bytes, struct error *err)
{
	size_t n = count(listed, index_count(source->index));
	struct place *places = bulk_alloc(n + 1, sizeof(*places));
	struct reading reading = { .source = source, .places = places, .bytes = ret_bytes };
	struct crew_job job = { .count = n, .work = read_one, .data = &reading };
	int r;

	if (!places)
		return error_errno(err, "reading a bundle");
	find_places(listed, source->index, align, places);
	r = crew_run(&job, err);
	bulk_free(places);
	if (r < 0 || !atomic_load(&reading.differs))
		return r < 0 ? r : 0;
	if (source->differs)
		source->differs(source->data);
	return BUNDLE_BASE_DIFFERS;
}
