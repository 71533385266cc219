/*
 * The last of a zip is its end record; if a number does not fit, the zip64 record says it, which the
 * locator right before the end record leads to. All numbers are little endian.
 *
 *     zip64 record    "PK\6\6"  … 28 bytes …  entries (8 bytes, at 32)  …
 *     zip64 locator   "PK\6\7"  disk (4 bytes)  place of the zip64 record (8)  disks (4)
 *     end record      "PK\5\6"  … 6 bytes …  entries (2 bytes, at 10)  …  comment
 */
#include "release/zipend.h"

#include <string.h>

#define TAIL_MAX     16384 /* where libarchive looks for the end record */
#define END_SIZE     22
#define LOCATOR_SIZE 20
#define ZIP64_SIZE   56
#define IN_ZIP64     0xffff

static int no_end(struct error *err)
{
	return error_set(err, FAULT_CORRUPT, "the zip has no end that can be read");
}

static uint64_t number(const uint8_t *bytes, size_t size)
{
	uint64_t value = 0;

	while (size-- > 0)
		value = value << 8 | bytes[size];
	return value;
}

/* Copies `size` verified bytes at the offset, all of them within the archive. */
static int copy(struct pieces *pieces, uint64_t offset, uint8_t *ret_bytes, size_t size,
		struct error *err)
{
	while (size > 0) {
		size_t from = offset % PIECES_SIZE;
		const void *piece;
		size_t n;
		int r = pieces_read(pieces, offset / PIECES_SIZE, &piece, &n, err);

		if (r < 0)
			return r;
		n = n - from < size ? n - from : size;
		memcpy(ret_bytes, (const uint8_t *)piece + from, n);
		ret_bytes += n;
		offset += n;
		size -= n;
	}
	return 0;
}

static int count_zip64(struct pieces *pieces, const uint8_t *locator, uint64_t *ret_count,
		       struct error *err)
{
	uint64_t offset = number(locator + 8, 8);
	uint8_t record[ZIP64_SIZE];
	int r;

	if (pieces_bytes(pieces) < ZIP64_SIZE || offset > pieces_bytes(pieces) - ZIP64_SIZE)
		return no_end(err);
	r = copy(pieces, offset, record, sizeof(record), err);
	if (r < 0)
		return r;
	if (memcmp(record, "PK\6\6", 4) != 0)
		return no_end(err);
	*ret_count = number(record + 32, 8);
	return 0;
}

int zipend_count(struct pieces *pieces, uint64_t *ret_count, struct error *err)
{
	uint64_t bytes = pieces_bytes(pieces);
	size_t size = bytes < TAIL_MAX ? (size_t)bytes : TAIL_MAX;
	uint8_t tail[TAIL_MAX];
	uint64_t count;
	size_t at;
	int r = copy(pieces, bytes - size, tail, size, err);

	if (r < 0)
		return r;
	if (size < END_SIZE)
		return no_end(err);
	for (at = size - END_SIZE; at > 0 && memcmp(tail + at, "PK\5\6", 4) != 0; at--)
		;
	if (memcmp(tail + at, "PK\5\6", 4) != 0)
		return no_end(err);
	count = number(tail + at + 10, 2);
	if (count == IN_ZIP64 && at >= LOCATOR_SIZE &&
	    memcmp(tail + at - LOCATOR_SIZE, "PK\6\7", 4) == 0)
		return count_zip64(pieces, tail + at - LOCATOR_SIZE, ret_count, err);
	*ret_count = count;
	return 0;
}
