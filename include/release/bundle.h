/*
 * A bundle: what turns a tree into a release, block by block. One blob, of which any part can be fetched by itself:
 *
 *     +------------------------------+-----------------------+---------+---------+-----
 *     | index of the release, zstd   | table of blocks, zstd | block 0 | block 1 | …
 *     +------------------------------+-----------------------+---------+---------+-----
 *     |<------------------ head ---------------------------->|
 *
 * One with a base (the index of an older release) has only what that release lacks, as differences to its files where that
 * is smaller. Its head (src/release/bundle-update.c draws it) is made against the base's index and files, and what is small stands in
 * the head itself, without a digest. One without a base has every file.
 * The length and digest of the head stand in the offer (release/offer.h), the length and digest of each block in the table:
 * every byte is verified before it is decompressed. src/release/bundle.c owns the format;
 * release/bundle-write.h and publish/update-head.h write it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/scratch.h"
#include "release/block.h"
#include "release/index.h"

#define BUNDLE_HEAD_MAX	  (64U * 1024 * 1024) /* bytes, as it travels */
#define BUNDLE_TEXT_MAX	  (512U * 1024 * 1024) /* of the index, and of the table, unpacked */
#define BUNDLE_SHORT_SIZE 16 /* of a digest of a block: the first half of its SHA-256 */
#define BUNDLE_NO_BASE	  UINT32_MAX

/* Of what stands in the head of a bundle with a base, unpacked: */
#define BUNDLE_SOLID_MAX \
	(2U * 1024 *     \
	 1024) /* bytes of the files that are packed together; and of those of the base */
#define BUNDLE_LONG_MAX	   (32U * 1024 * 1024) /* the same, where they come block by block */
#define BUNDLE_INLINED_MAX (16U * 1024 * 1024) /* bytes of the files that have blocks there */

struct bundle_short {
	uint8_t bytes[BUNDLE_SHORT_SIZE];
};

struct bundle_block {
	enum block_kind kind;
	uint32_t entry; /* of the new index, by index_at: the first file of that content */
	uint32_t base; /* of the old index; BUNDLE_NO_BASE where none is needed */
	uint32_t length; /* bytes as it travels, 1 to BLOCK_PACKED_MAX */
	uint32_t number; /* within the file, from 0 */
	uint64_t offset; /* in the blob */
	bool is_inlined; /* it came with the head, and was verified with it */
	const void *bytes; /* is_inlined: the bundle's */
	struct bundle_short packed; /* digest of it as it travels; is_inlined: of no use */
	struct bundle_short
		raw; /* digest of what it decodes to; of a file with a single block: of no use, zeroes */
};

struct bundle {
	struct index *index; /* sorted; of the new release */
	struct bundle_block *blocks; /* in the order of the blob; those of a file in one row */
	size_t n_blocks, room; /* of base/bulk.h */
	uint8_t *inlined; /* bytes of blocks that came with the head */
	struct scratch *scratch; /* likewise, if they are many; NULL: they are not */
	uint64_t head_length, length; /* of the whole blob */
	uint64_t text_max; /* that its text may unpack to */
};

void bundle_free(struct bundle *bundle);
CLEANUP_DEFINE(struct bundle, bundle_free);

/* The release that a bundle with a base starts from. */
struct bundle_source {
	struct index *index; /* sorted */
	/*
	 * All bytes of a file, verified by its digest; two threads may call it at once. > 0: BUNDLE_BASE_DIFFERS, it is not what its
	 * index says, or not there.
	 */
	int (*read)(void *data, uint32_t number, void *ret_bytes, struct error *err);
	void (*differs)(void *data); /* after that, in the thread of the caller; may be NULL */
	/* A block that came with the head, into bytes that are good until the next call. > 0: as read, and `differs` is not called. */
	int (*decode)(void *data, const struct bundle_block *block, size_t raw_size,
		      const void **ret_bytes, struct error *err);
	void *data;
	int spare_dirfd; /* a directory for bytes that are many (base/scratch.h); <= 0: memory */
};

/*
 * Reads a verified head. source: NULL if the bundle has no base. expected: the digest of the new index.
 * length: of the whole blob, which the table must add up to. Everything that does not fit is FAULT_CORRUPT: a block of no file, of
 * a file twice, too few or too many for the file's size, a base that is no file or too large. > 0: BUNDLE_BASE_DIFFERS, a file of the
 * source is not what it should be, and the bundle is of no use.
 */
enum { BUNDLE_BASE_DIFFERS = 1 };
int bundle_decode(const void *head, size_t size, const struct bundle_source *source,
		  const struct digest *expected, uint64_t length, struct bundle **ret_bundle,
		  struct error *err);

/* What the text of a head may unpack to where so many files, of so many bytes together, are promised: known before a byte of it is unpacked. */
uint64_t bundle_text_max(uint64_t files, uint64_t bytes);

/* The same, held to more of what the offer says. */
struct bundle_promise {
	const struct digest *index;
	uint64_t length; /* of the whole blob */
	uint64_t text_max;
};
int bundle_decode_promised(const void *head, size_t size, const struct bundle_source *source,
			   const struct bundle_promise *promise, struct bundle **ret_bundle,
			   struct error *err);

char bundle_kind_letter(enum block_kind kind); /* 'z', 'p', 'b', 's' */
bool bundle_kind_of(char letter, enum block_kind *ret_kind);

void bundle_short_of(const struct digest *digest, struct bundle_short *ret_short);

/* Verifies the bytes of a block as they travel: FAULT_UNTRUSTED. One that came with the head is known to be good. */
int bundle_check_packed(const struct bundle_block *block, const void *bytes, size_t size,
			struct error *err);

/* A block that came with the head, and all that did before it, is not needed any more. */
void bundle_spend(const struct bundle *bundle, const struct bundle_block *block);

/* Of bytes that came with the head as they are there is no digest block by block: they are there to compare with. */
static inline bool bundle_has_raw_digest(const struct bundle_block *block)
{
	return !block->is_inlined || block->kind != BLOCK_STORED;
}

/* Bytes that a block decodes to, from the size of its file. */
size_t bundle_raw_size(const struct bundle *bundle, const struct bundle_block *block);

/* Blocks that a file of that size has. */
uint64_t bundle_count_blocks(uint64_t size);
