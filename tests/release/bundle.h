/*
 * For tests of bundles: an old and a new index, and blocks that fit them.
 */
#pragma once

#include "release/bundle-write.h"

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
