#include "release/feed.h"

#include <archive.h>
#include <errno.h>
#include <stdio.h>

#define REREADS_FREE  64 /* pieces; a zip is read from its end, then from its beginning */
#define REREADS_TIMES 4

static uint64_t count_pieces(const struct pieces *pieces)
{
	return (pieces_bytes(pieces) + PIECES_SIZE - 1) / PIECES_SIZE;
}

/* An archive that makes us read it over and over costs time without end. */
static int count_fetched(struct feed *feed)
{
	if (++feed->fetched <= REREADS_TIMES * count_pieces(feed->pieces) + REREADS_FREE)
		return 0;
	return error_set(feed->err, FAULT_CORRUPT, "the archive makes its reader jump to and fro");
}

int feed_check_unpacked(const struct feed *feed, struct archive *archive)
{
	la_int64_t bytes = archive_filter_bytes(archive, 0);

	return bytes < 0 ? 0 : intake_check_ratio(feed->intake, (uint64_t)bytes, feed->err);
}

static int tell_progress(struct feed *feed)
{
	if (!feed->progress || feed->position <= feed->furthest)
		return 0;
	feed->furthest = feed->position;
	return feed->progress(feed->progress_data, feed->position, pieces_bytes(feed->pieces),
			      feed->err);
}

static int read_piece(struct feed *feed, const void **ret_bytes, size_t *ret_size)
{
	size_t offset = feed->position % PIECES_SIZE;
	const void *piece = NULL;
	size_t size = 0;
	int r = count_fetched(feed);

	if (r == 0)
		r = pieces_read(feed->pieces, feed->position / PIECES_SIZE, &piece, &size,
				feed->err);
	if (r < 0)
		return r;
	*ret_bytes = (const uint8_t *)piece + offset;
	*ret_size = size - offset;
	feed->position += size - offset;
	return 0;
}

static int read_bytes(struct feed *feed, const void **ret_bytes, size_t *ret_size)
{
	if (feed->unpack)
		return unpack_read(feed->unpack, ret_bytes, ret_size, &feed->position, feed->err);
	if (feed->position < pieces_bytes(feed->pieces))
		return read_piece(feed, ret_bytes, ret_size);
	*ret_size = 0;
	return 0;
}

static la_ssize_t on_read(struct archive *archive, void *data, const void **ret_bytes)
{
	struct feed *feed = data;
	size_t size = 0;
	int r = feed_check_unpacked(feed, archive);

	if (r == 0)
		r = read_bytes(feed, ret_bytes, &size);
	if (r == 0)
		r = tell_progress(feed);
	if (r == 0)
		return (la_ssize_t)size;
	feed->code = r;
	archive_set_error(archive, EIO, "stopped");
	return ARCHIVE_FATAL;
}

static la_int64_t on_skip(struct archive *archive, void *data, la_int64_t request)
{
	struct feed *feed = data;
	uint64_t left = pieces_bytes(feed->pieces) - feed->position;
	uint64_t skipped = request < 0 ? 0 : (uint64_t)request < left ? (uint64_t)request : left;

	feed->position += skipped;
	return (la_int64_t)skipped;
}

static la_int64_t on_seek(struct archive *archive, void *data, la_int64_t offset, int whence)
{
	struct feed *feed = data;
	la_int64_t size = (la_int64_t)pieces_bytes(feed->pieces);
	la_int64_t base = whence == SEEK_END ? size :
			  whence == SEEK_CUR ? (la_int64_t)feed->position :
					       0;
	la_int64_t position;

	if (__builtin_add_overflow(base, offset, &position) || position < 0 || position > size)
		return ARCHIVE_FATAL;
	feed->position = (uint64_t)position;
	return position;
}

int feed_drain(struct feed *feed, struct archive *archive)
{
	la_int64_t parsed = archive_filter_bytes(archive, 0);
	uint64_t bytes = parsed < 0 ? 0 : (uint64_t)parsed;
	const void *rest;
	size_t size;
	int r = 0;

	if (!feed->unpack)
		return 0;
	do {
		r = unpack_read(feed->unpack, &rest, &size, &feed->position, feed->err);
		if (r == 0)
			r = intake_check_ratio(feed->intake, bytes += size, feed->err);
		if (r == 0)
			r = tell_progress(feed);
	} while (r == 0 && size > 0);
	return r;
}

void feed_attach(struct feed *feed, struct archive *archive)
{
	archive_read_set_callback_data(archive, feed);
	archive_read_set_read_callback(archive, on_read);
	if (feed->unpack)
		return;
	archive_read_set_skip_callback(archive, on_skip);
	archive_read_set_seek_callback(archive, on_seek);
}
