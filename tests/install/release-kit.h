/*
 * What the tests of rebuilding share: trees that become releases, and bundles made of them by other means than the
 * product's: each block a zstd frame, alone or behind an old file.
 */
#pragma once

#include "app-dir.h"

#include <zstd.h>

#include "base/digest.h"
#include "install/rebuild.h"

#define KIT_MAKER "maker" /* an app of its own, whose slots give us indexes */

/* The directory `name` as a release in a slot of an app, by the way that is tested elsewhere. */
UNUSED static void kit_stage(int app, enum slot slot, int dirfd, const char *name)
{
	_cleanup_close_ int fd = shell_open(dirfd, name);
	struct descriptor descriptor = app_descriptor();

	assert_int_equal(stage_directory(app, slot, fd, &app_options, NULL, &descriptor, NULL), 0);
}

/* The index of the directory `name`: with all that the policy makes of modes. The caller's. */
UNUSED static struct index *kit_index(int dirfd, const char *name)
{
	_cleanup_close_ int maker = app_make(dirfd, KIT_MAKER);
	struct seal seal = {};

	kit_stage(maker, SLOT_A, dirfd, name);
	assert_int_equal(seal_load(maker, SLOT_A, &seal, NULL), 0);
	assert_int_equal(index_sort(seal.index, NULL), 0);
	return seal.index;
}

UNUSED static struct index *kit_sealed(int app, enum slot slot)
{
	struct seal seal = {};

	assert_int_equal(seal_load(app, slot, &seal, NULL), 0);
	assert_int_equal(index_sort(seal.index, NULL), 0);
	return seal.index;
}

/* ---- bundles ---- */

struct kit_bundle {
	struct bundle bundle; /* its index is the caller's */
	char *bytes[256]; /* of each block */
};

UNUSED static void kit_bundle_done(const struct kit_bundle *kit)
{
	for (size_t i = 0; i < kit->bundle.n_blocks; i++)
		free(kit->bytes[i]);
	free(kit->bundle.blocks);
}

static char *kit_read(int dirfd, const char *name, const char *path, size_t *ret_size)
{
	_cleanup_close_ int top = shell_open(dirfd, name);
	_cleanup_close_ int fd = fd_open_beneath(top, path, O_RDONLY, 0);
	struct stat st;
	char *bytes;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	bytes = malloc((size_t)st.st_size + 1);
	assert_int_equal(fd_read_full(fd, bytes, (size_t)st.st_size), st.st_size);
	*ret_size = (size_t)st.st_size;
	return bytes;
}

static void kit_short(const void *bytes, size_t size, struct bundle_short *ret_short)
{
	struct digest digest;

	assert_int_equal(digest_of(bytes, size, &digest, NULL), 0);
	bundle_short_of(&digest, ret_short);
}

static void kit_add_block(struct kit_bundle *kit, const struct bundle_block *how, const char *raw,
			  size_t size, const char *base, size_t base_size)
{
	size_t n = kit->bundle.n_blocks++;
	struct bundle_block *block = &kit->bundle.blocks[n];
	size_t room = ZSTD_compressBound(size);
	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	size_t length;

	assert_true(n < ARRAY_SIZE(kit->bytes));
	kit->bytes[n] = malloc(room);
	if (base)
		assert_false(ZSTD_isError(ZSTD_CCtx_refPrefix(zstd, base, base_size)));
	length = ZSTD_compress2(zstd, kit->bytes[n], room, raw, size);
	assert_false(ZSTD_isError(length));
	(void)ZSTD_freeCCtx(zstd);
	*block = *how;
	block->length = (uint32_t)length;
	kit_short(kit->bytes[n], length, &block->packed);
	kit_short(raw, size, &block->raw);
}

static void kit_add_file(struct kit_bundle *kit, uint32_t entry, const char *raw, size_t size,
			 uint32_t base_entry, const char *base, size_t base_size)
{
	for (uint32_t i = 0; i < bundle_count_blocks(size); i++) {
		size_t at = (size_t)i * BLOCK_SIZE;
		struct bundle_block how = {
			.kind = base ? BLOCK_PREFIX : BLOCK_PLAIN,
			.entry = entry,
			.base = base_entry,
			.number = i,
		};

		kit_add_block(kit, &how, raw + at, size - at < BLOCK_SIZE ? size - at : BLOCK_SIZE,
			      base, base_size);
	}
}

static bool kit_has(const struct index *index, const struct index_entry *entry, size_t before)
{
	for (size_t i = 0; index && i < index_count(index) && i < before; i++)
		if (index_at(index, i)->type == INDEX_FILE &&
		    digest_equal(&index_at(index, i)->digest, &entry->digest))
			return true;
	return false;
}

/* The number of a file in the base with that path; BUNDLE_NO_BASE: there is none. */
static uint32_t kit_base_of(const struct index *base, const char *path)
{
	for (size_t i = 0; base && i < index_count(base); i++)
		if (index_at(base, i)->type == INDEX_FILE &&
		    strcmp(index_at(base, i)->path, path) == 0)
			return (uint32_t)i;
	return BUNDLE_NO_BASE;
}

/*
 * What index (of the directory `name`) has and base (of `base_name`; NULL: nothing) lacks; files that the base has under the
 * same path with another content come as differences to that.
 */
UNUSED static void kit_bundle_make(struct kit_bundle *kit, int dirfd, struct index *index,
				   const char *name, const struct index *base,
				   const char *base_name)
{
	*kit = (struct kit_bundle){ .bundle.index = index };
	kit->bundle.blocks = calloc(ARRAY_SIZE(kit->bytes), sizeof(*kit->bundle.blocks));
	for (size_t i = 0; i < index_count(index); i++) {
		const struct index_entry *entry = index_at(index, i);
		uint32_t old = kit_base_of(base, entry->path);
		_cleanup_free_ char *old_bytes = NULL;
		_cleanup_free_ char *bytes = NULL;
		size_t old_size = 0;
		size_t size;

		if (entry->type != INDEX_FILE || kit_has(index, entry, i) ||
		    kit_has(base, entry, SIZE_MAX))
			continue;
		bytes = kit_read(dirfd, name, entry->path, &size);
		if (base_name && old != BUNDLE_NO_BASE)
			old_bytes = kit_read(dirfd, base_name, entry->path, &old_size);
		kit_add_file(kit, (uint32_t)i, bytes, size, old, old_bytes, old_size);
	}
}

/* ---- rebuilding ---- */

struct kit_findings {
	size_t count;
	char last[256];
};

UNUSED static void kit_on_tampered(void *data, const char *path, const char *what)
{
	struct kit_findings *findings = data;

	findings->count++;
	(void)snprintf(findings->last, sizeof(findings->last), "%s: %s", path, what);
}

/* Feeds what is wanted; counts the blocks. > 0: REBUILD_NO_BASE for one of them. */
UNUSED static int kit_feed(struct rebuild *rebuild, const struct kit_bundle *kit, size_t *count,
			   struct error *err)
{
	int outcome = 0;

	for (size_t i = 0; i < kit->bundle.n_blocks; i++) {
		const struct bundle_block *block = &kit->bundle.blocks[i];
		int r;

		if (!rebuild_wants(rebuild, block))
			continue;
		r = rebuild_take(rebuild, &kit->bundle, block, kit->bytes[i], block->length, err);
		if (r < 0)
			return r;
		*count += r == 0;
		outcome = r > 0 ? r : outcome;
	}
	return outcome;
}
