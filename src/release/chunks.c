#include "release/chunks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bulk.h"
#include "release/bundle-long.h"

#define PIECES_STEP ((size_t)4096)

/* ---- cutting ---- */

int chunks_cutter_init(struct chunks_cutter *cutter, unsigned int bits, struct error *err)
{
	int r = 0;

	cutter->bits = bits;
	for (unsigned int i = 0; r == 0 && i < 256; i++) {
		uint8_t byte = (uint8_t)i;
		struct digest digest = {};

		r = digest_of(&byte, 1, &digest, err);
		cutter->gear[i] = (uint32_t)digest.bytes[0] << 24 |
				  (uint32_t)digest.bytes[1] << 16 | (uint32_t)digest.bytes[2] << 8 |
				  digest.bytes[3];
	}
	return r;
}

size_t chunks_cut(const struct chunks_cutter *cutter, const uint8_t *bytes, size_t size)
{
	size_t min = ((size_t)1 << cutter->bits) / 4;
	size_t max = (size_t)8 << cutter->bits;
	unsigned int shift = 32 - cutter->bits;
	uint32_t hash = 0;

	if (size > max)
		size = max;
	for (size_t i = 0; i < size; i++) {
		hash = (hash << 1) + cutter->gear[bytes[i]];
		if (i + 1 >= min && hash >> shift == 0)
			return i + 1;
	}
	return size;
}

uint64_t chunks_read_key(const uint8_t bytes[static CHUNKS_KEY_SIZE])
{
	uint64_t key = 0;

	for (size_t i = 0; i < CHUNKS_KEY_SIZE; i++)
		key = key << 8 | bytes[i];
	return key;
}

int chunks_key(const void *bytes, size_t size, uint64_t *ret_key, struct error *err)
{
	struct digest digest;
	int r = digest_of(bytes, size, &digest, err);

	if (r == 0)
		*ret_key = chunks_read_key(digest.bytes);
	return r;
}

/* ---- which files ---- */

static int by_digest(const void *a, const void *b)
{
	const struct digest *const *x = a;
	const struct digest *const *y = b;

	return memcmp((*x)->bytes, (*y)->bytes, DIGEST_SIZE);
}

/* Of all files, in their order. As many as there are entries have room; their number. */
static size_t list_digests(const struct index *index, const struct digest **digests)
{
	size_t n = 0;

	for (size_t i = 0; i < index_count(index); i++)
		if (index_at(index, i)->type == INDEX_FILE)
			digests[n++] = &index_at(index, i)->digest;
	qsort(digests, n, sizeof(struct digest *), by_digest);
	return n;
}

/* By number; what does not fit any more is left out. */
static int choose(const struct index *old, const struct index *fresh, bool *chosen,
		  size_t *ret_bytes, struct error *err)
{
	_cleanup_bulk_ const struct digest **kept =
		bulk_alloc(index_count(fresh) + 1, sizeof(struct digest *));
	size_t bytes = 0;
	size_t n;

	if (!kept)
		return error_errno(err, "reading a bundle");
	n = list_digests(fresh, kept);
	for (size_t i = 0; i < index_count(old); i++) {
		const struct index_entry *entry = index_at(old, i);
		const struct digest *digest = &entry->digest;

		chosen[i] = entry->type == INDEX_FILE && entry->size > 0 &&
			    entry->size <= BLOCK_SIZE && entry->size <= BUNDLE_LONG_MAX - bytes &&
			    !bsearch(&digest, kept, n, sizeof(struct digest *), by_digest);
		bytes += chosen[i] ? (size_t)entry->size : 0;
	}
	*ret_bytes = bytes;
	return 0;
}

/* ---- their pieces ---- */

static int add_piece(struct chunks *chunks, const struct chunks_piece *piece, struct error *err)
{
	if (chunks->n % PIECES_STEP == 0) {
		struct chunks_piece *more =
			bulk_resize(chunks->pieces, chunks->n + PIECES_STEP, sizeof(*more));

		if (!more)
			return error_errno(err, "reading a bundle");
		chunks->pieces = more;
	}
	chunks->pieces[chunks->n++] = *piece;
	return 0;
}

static int cut_file(struct chunks *chunks, const struct chunks_cutter *cutter, size_t size,
		    struct error *err)
{
	const uint8_t *bytes = scratch_bytes(chunks->scratch);
	size_t end = chunks->bytes + size;
	int r = 0;

	while (r == 0 && chunks->bytes < end) {
		struct chunks_piece piece = {
			.offset = (uint32_t)chunks->bytes,
			.size = (uint32_t)chunks_cut(cutter, bytes + chunks->bytes,
						     end - chunks->bytes),
		};

		r = chunks_key(bytes + piece.offset, piece.size, &piece.key, err);
		if (r == 0)
			r = add_piece(chunks, &piece, err);
		chunks->bytes += piece.size;
	}
	return r;
}

/* > 0: as source->read. */
static int read_files(struct chunks *chunks, const struct bundle_source *source, const bool *chosen,
		      const struct chunks_cutter *cutter, struct error *err)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < index_count(source->index); i++) {
		if (!chosen[i])
			continue;
		r = source->read(source->data, i, scratch_bytes(chunks->scratch) + chunks->bytes,
				 err);
		if (r == 0)
			r = cut_file(chunks, cutter, (size_t)index_at(source->index, i)->size, err);
	}
	if (r > 0 && source->differs)
		source->differs(source->data);
	return r;
}

static int by_key(const void *a, const void *b)
{
	const struct chunks_piece *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->offset > y->offset) - (x->offset < y->offset);
}

int chunks_collect(const struct bundle_source *source, const struct index *fresh,
		   const struct chunks_cutter *cutter, size_t spare, struct chunks *ret_chunks,
		   struct error *err)
{
	_cleanup_chunks_ struct chunks chunks = {};
	_cleanup_bulk_ bool *chosen = bulk_alloc(index_count(source->index) + 1, sizeof(*chosen));
	size_t bytes = 0;
	int r;

	if (!chosen)
		return error_errno(err, "reading a bundle");
	r = choose(source->index, fresh, chosen, &bytes, err);
	spare += (size_t)bundle_long_align(bytes);
	if (r == 0)
		r = scratch_new(spare > BUNDLE_SOLID_MAX ? source->spare_dirfd : 0, spare + 1,
				&chunks.scratch, err);
	if (r == 0)
		r = read_files(&chunks, source, chosen, cutter, err);
	if (r != 0)
		return r;
	if (chunks.n > 0)
		qsort(chunks.pieces, chunks.n, sizeof(*chunks.pieces), by_key);
	*ret_chunks = chunks;
	chunks = (struct chunks){};
	return 0;
}

void chunks_done(struct chunks *chunks)
{
	scratch_free(chunks->scratch);
	bulk_free(chunks->pieces);
	*chunks = (struct chunks){};
}

const struct chunks_piece *chunks_find(const struct chunks *chunks, uint64_t key)
{
	size_t low = 0;
	size_t high = chunks->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (chunks->pieces[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low < chunks->n && chunks->pieces[low].key == key ? &chunks->pieces[low] : NULL;
}
