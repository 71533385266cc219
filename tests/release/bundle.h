/*
 * For tests of bundles: an old and a new index, and blocks that fit them.
 */
#pragma once

#include "release/bundle-update.h"
#include "release/bundle-write.h"
#include "release/outline.h"

#include <zstd.h>

#include "../base/check.h"

#define OLD_BIN	 1 /* lines of the old index: lib, lib/bin, lib/note */
#define OLD_NOTE 2
#define NEW_BIG	 1 /* of the new one: lib, lib/big, lib/bin, lib/empty, lib/note, lib/twin */
#define NEW_BIN	 2
#define NEW_NOTE 4
#define NEW_TWIN 5 /* the content of NEW_BIN once more */

static inline void sample_file(struct index *index, const char *path, uint64_t size, int content)
{
	struct index_entry entry = {
		.type = INDEX_FILE,
		.mode = 0644,
		.mtime = 7,
		.size = size,
		.path = (char *)path,
	};

	memset(entry.digest.bytes, content, sizeof(entry.digest.bytes));
	assert_int_equal(index_add(index, &entry, NULL, NULL), 0);
}

static inline struct index *sample_index(void)
{
	const struct index_entry lib = { .type = INDEX_DIRECTORY,
					 .mode = 0755,
					 .path = (char *)"lib" };
	struct index *index = NULL;

	assert_int_equal(index_new(&index, NULL), 0);
	assert_int_equal(index_add(index, &lib, NULL, NULL), 0);
	return index;
}

static inline struct index *sample_old(void)
{
	struct index *index = sample_index();

	sample_file(index, "lib/bin", 100, 1);
	sample_file(index, "lib/note", 50, 2);
	assert_int_equal(index_sort(index, NULL), 0);
	return index;
}

static inline struct index *sample_new(void)
{
	struct index *index = sample_index();

	sample_file(index, "lib/big", 2ULL * BLOCK_SIZE + 1, 3);
	sample_file(index, "lib/bin", 101, 4);
	sample_file(index, "lib/empty", 0, 6);
	sample_file(index, "lib/note", 51, 5);
	sample_file(index, "lib/twin", 101, 4);
	assert_int_equal(index_sort(index, NULL), 0);
	return index;
}

/* What stands in the files of an index is not looked at here: a tree that nobody reads from. */
static inline int sample_read(void *data, uint32_t number, void *ret_bytes, struct error *err)
{
	fail_msg("entry %u is read", number);
	return 0;
}

static inline int sample_decode(void *data, const struct bundle_block *block, size_t raw_size,
				const void **ret_bytes, struct error *err)
{
	fail_msg("a block is decoded");
	return 0;
}

static inline struct bundle_source sample_source(struct index *index)
{
	return (struct bundle_source){
		.index = index,
		.read = sample_read,
		.decode = sample_decode,
	};
}

/* Appends a frame, but for its first `skip` bytes. */
static inline void sample_frame(struct text *head, const char *data, size_t size, size_t skip)
{
	size_t room = ZSTD_compressBound(size);
	char *packed = malloc(room);
	size_t n = ZSTD_compress(packed, room, data, size, 1);

	assert_non_null(packed);
	assert_false(ZSTD_isError(n));
	text_add_bytes(head, packed + skip, n - skip);
	free(packed);
}

/* The head of a bundle with a base, of which nothing is listed: this text, nothing more. */
static inline void sample_update(struct text *head, const char *text, size_t size)
{
	text_add_bytes(head, "\x20", 2);
	sample_frame(head, text, size, UPDATE_MAGIC_SIZE);
}

/* The lines of an index that gives all digests, and the newline behind it. */
static inline void sample_lines(struct text *text, struct index *index)
{
	struct outline_mark marks[16] = {};

	assert_true(index_count(index) <= ARRAY_SIZE(marks));
	assert_int_equal(outline_write(index, marks, text, NULL), 0);
	text_add(text, "\n");
}

static inline struct bundle_block sample_block(enum block_kind kind, uint32_t entry, uint32_t base,
					       uint32_t length, int byte)
{
	struct bundle_block block = {
		.kind = kind,
		.entry = entry,
		.base = base,
		.length = length,
	};

	memset(block.packed.bytes, byte, sizeof(block.packed.bytes));
	if (entry == NEW_BIG)
		memset(block.raw.bytes, byte + 0x80, sizeof(block.raw.bytes));
	return block;
}

#define SAMPLE_BLOCKS 5

/* Of every kind; the file of three blocks in the middle. */
static inline void sample_blocks(struct bundle_block blocks[SAMPLE_BLOCKS])
{
	blocks[0] = sample_block(BLOCK_PREFIX, NEW_NOTE, OLD_NOTE, 20, 1);
	for (int i = 0; i < 3; i++)
		blocks[1 + i] = sample_block(BLOCK_PLAIN, NEW_BIG, BUNDLE_NO_BASE, 1000, 2 + i);
	blocks[4] = sample_block(BLOCK_PATCH, NEW_BIN, OLD_BIN, 30, 5);
}
