/*
 * The bytes that libarchive asks for: verified pieces of an archive, or what a thread unpacks of them,
 * through its callbacks.
 */
#pragma once

#include "release/intake.h"
#include "release/pieces.h"
#include "release/unpack.h"

struct archive; /* libarchive's */

/*
 * libarchive tells its errors as text; what went wrong in a callback is kept in code and *err, and
 * takes precedence.
 */
struct feed {
	struct pieces *pieces;
	struct unpack *unpack; /* NULL: the pieces as they are */
	const struct intake *intake; /* has the limits */
	pieces_progress progress; /* may be NULL */
	void *progress_data;
	uint64_t position; /* in the archive, where the next read begins */
	uint64_t furthest; /* what progress was told last */
	uint64_t fetched; /* pieces given out */
	int code; /* < 0: a callback failed, *err says why */
	struct error *err;
};

/* Lets the archive, not opened yet, read from feed, which must outlive it. */
void feed_attach(struct feed *feed, struct archive *archive);

/* Whatever came out of the decompressor so far counts against the ratio, be it content or not. */
int feed_check_unpacked(const struct feed *feed, struct archive *archive);

/*
 * Behind the end that the format has: what is left in the decompressor is taken to its end and dropped, so that a compressed
 * stream that breaks off or is damaged there is noticed (FAULT_CORRUPT), whatever its size. It counts against the ratio.
 */
int feed_drain(struct feed *feed, struct archive *archive);
