/*
 * Takes the compression off an archive, in a thread of its own: decompressing costs as much time as
 * parsing, hashing and writing together, and there mostly is a second processor.
 *
 * The thread takes verified pieces, decompresses them through libarchive (raw format, one given filter), zstd's by libzstd, xz's by
 * liblzma (at most 160 MiB of memory, whatever the archive asks for), and keeps at most 2 MiB ahead of the reader. Whatever is reported to a caller is reported by unpack_read.
 */
#pragma once

#include "release/pieces.h"

struct archive; /* libarchive's */
struct unpack;

/* One of libarchive's archive_read_support_filter_*. */
typedef int (*unpack_filter)(struct archive *archive);

/* pieces is borrowed, and the thread's until unpack_free. */
int unpack_new(struct pieces *pieces, unpack_filter filter, struct unpack **ret_unpack,
	       struct error *err);
void unpack_free(struct unpack *unpack); /* also in the middle */
CLEANUP_DEFINE(struct unpack, unpack_free);

/*
 * The next bytes, valid until the next call; none (*ret_size is 0) at the end. *ret_position is how far
 * into the archive the thread has read. FAULT_CORRUPT: damaged, compressed more than once, or changed. FAULT_NO_SPACE:
 * an .xz that takes more memory.
 */
int unpack_read(struct unpack *unpack, const void **ret_bytes, size_t *ret_size,
		uint64_t *ret_position, struct error *err);
