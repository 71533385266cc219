#include "publish/inspect.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "publish/contents.h"
#include "publish/forebear.h"

struct inspecting {
	const struct inspect_bundle *what;
	struct bundle *bundle;
	struct forebear *forebear;
	struct digester *whole;
	struct digester *file; /* of the one under way */
	uint8_t *packed;
	struct error *err;
};

static void inspecting_done(const struct inspecting *inspecting)
{
	bundle_free(inspecting->bundle);
	forebear_free(inspecting->forebear);
	digester_free(inspecting->whole);
	digester_free(inspecting->file);
	free(inspecting->packed);
}

static int refuse(const struct inspecting *inspecting, const char *what)
{
	return error_set(inspecting->err, FAULT_CORRUPT, "%s", what);
}

static int read_at(struct inspecting *inspecting, uint64_t offset, void *bytes, size_t size)
{
	ssize_t n = fd_pread_full(inspecting->what->fd, bytes, size, (off_t)offset);

	if (n < 0)
		return error_errno(inspecting->err, "reading");
	if ((size_t)n != size)
		return refuse(inspecting, "cut short");
	return digester_update(inspecting->whole, bytes, size, inspecting->err);
}

/* ---- head ---- */

static int read_head(struct inspecting *inspecting)
{
	const struct inspect_bundle *what = inspecting->what;
	_cleanup_free_ void *head = NULL;
	struct digest digest;
	int r;

	if (what->head_length > BUNDLE_HEAD_MAX || what->head_length > what->length)
		return refuse(inspecting, "the head is too long");
	head = malloc((size_t)what->head_length + 1);
	if (!head)
		return error_errno(inspecting->err, "reading");
	r = read_at(inspecting, 0, head, (size_t)what->head_length);
	if (r == 0)
		r = digest_of(head, (size_t)what->head_length, &digest, inspecting->err);
	if (r == 0 && !digest_equal(&digest, &what->head_digest))
		r = error_set(inspecting->err, FAULT_UNTRUSTED,
			      "the head is not what was published");
	return r < 0 ? r :
		       bundle_decode(head, (size_t)what->head_length,
				     forebear_source(inspecting->forebear), &what->index,
				     what->length, &inspecting->bundle, inspecting->err);
}

/* ---- blocks ---- */

/* What every block of the file was decoded to is the file. */
static int check_file(struct inspecting *inspecting, const struct bundle_block *block)
{
	const struct index_entry *entry = index_at(inspecting->bundle->index, block->entry);
	struct digest digest;
	int r;

	if (block->number + 1 < bundle_count_blocks(entry->size))
		return 0;
	r = digester_finish(inspecting->file, &digest, inspecting->err);
	if (r == 0 && !digest_equal(&digest, &entry->digest))
		r = refuse(inspecting, "the file is not what its index says");
	return r;
}

static int check_raw(struct inspecting *inspecting, const struct bundle_block *block,
		     const void *raw, size_t size)
{
	const struct index_entry *entry = index_at(inspecting->bundle->index, block->entry);
	struct bundle_short found;
	struct digest digest = {};
	int r = digest_of(raw, size, &digest, inspecting->err);

	bundle_short_of(&digest, &found);
	if (r == 0 && bundle_count_blocks(entry->size) > 1 && bundle_has_raw_digest(block) &&
	    memcmp(&found, &block->raw, sizeof(found)) != 0)
		r = refuse(inspecting, "a block is not what the table says");
	if (r == 0 && block->number == 0)
		r = digester_reset(inspecting->file, inspecting->err);
	if (r == 0)
		r = digester_update(inspecting->file, raw, size, inspecting->err);
	return r < 0 ? r : check_file(inspecting, block);
}

/* What stands in the head was read with it. */
static int read_block(struct inspecting *inspecting, const struct bundle_block *block,
		      const void **ret_packed)
{
	int r;

	*ret_packed = block->is_inlined ? block->bytes : inspecting->packed;
	if (block->is_inlined)
		return 0;
	r = read_at(inspecting, block->offset, inspecting->packed, block->length);
	return r < 0 ? r :
		       bundle_check_packed(block, inspecting->packed, block->length,
					   inspecting->err);
}

static int check_block(struct inspecting *inspecting, const struct bundle_block *block)
{
	size_t size = bundle_raw_size(inspecting->bundle, block);
	const void *packed = NULL;
	const void *raw = NULL;
	int r = read_block(inspecting, block, &packed);

	if (r == 0)
		r = forebear_decode(inspecting->forebear, block, packed, size, &raw,
				    inspecting->err);
	return r < 0 ? r : check_raw(inspecting, block, raw, size);
}

static int check_blocks(struct inspecting *inspecting)
{
	const struct bundle *bundle = inspecting->bundle;
	int r = 0;

	for (size_t i = 0; r == 0 && i < bundle->n_blocks; i++) {
		r = check_block(inspecting, &bundle->blocks[i]);
		if (r < 0)
			return error_prefix(inspecting->err, r, "%s, block %u",
					    index_at(bundle->index, bundle->blocks[i].entry)->path,
					    bundle->blocks[i].number);
	}
	return 0;
}

/* ---- what it should have ---- */

/* By the digests of what has blocks; those of a file stand in a row. */
static int count_missing(const struct bundle *bundle, const struct index *base, size_t *ret_missing,
			 struct error *err)
{
	_cleanup_contents_ struct contents known = {}, all = {};
	size_t missing = 0;
	int r = contents_list(base, &known, err);

	if (r == 0)
		r = contents_list(bundle->index, &all, err);
	for (size_t i = 0; r == 0 && i < all.n; i++)
		missing += !contents_look_up(&known, &all.items[i].digest);
	for (size_t i = 0; r == 0 && i < bundle->n_blocks; i++) {
		const struct bundle_block *block = &bundle->blocks[i];

		if (block->number == 0 &&
		    !contents_look_up(&known, &index_at(bundle->index, block->entry)->digest))
			missing--;
	}
	*ret_missing = missing;
	return r;
}

static int check_missing(const struct inspecting *inspecting)
{
	size_t missing;
	int r;

	if (!inspecting->what->is_whole || !inspecting->what->base)
		return 0;
	r = count_missing(inspecting->bundle, inspecting->what->base->index, &missing,
			  inspecting->err);
	return r == 0 && missing > 0 ? refuse(inspecting, "it lacks some of the files") : r;
}

/* ---- all of it ---- */

static int make(struct inspecting *inspecting)
{
	int r = forebear_new(inspecting->what->base, &inspecting->forebear, inspecting->err);

	if (r == 0)
		r = digester_new(&inspecting->whole, inspecting->err);
	if (r == 0)
		r = digester_reset(inspecting->whole, inspecting->err);
	if (r == 0)
		r = digester_new(&inspecting->file, inspecting->err);
	inspecting->packed = malloc(BLOCK_PACKED_MAX);
	if (r == 0 && !inspecting->packed)
		r = error_code(inspecting->err, -ENOMEM, "reading");
	return r;
}

static int check_whole(struct inspecting *inspecting)
{
	struct digest digest;
	char more;
	int r = digester_finish(inspecting->whole, &digest, inspecting->err);

	if (r == 0 && !digest_equal(&digest, &inspecting->what->digest))
		r = refuse(inspecting, "not what was published");
	if (r == 0 &&
	    fd_pread_full(inspecting->what->fd, &more, 1, (off_t)inspecting->what->length) != 0)
		r = refuse(inspecting, "too long");
	return r;
}

int inspect_run(const struct inspect_bundle *bundle, struct error *err)
{
	_cleanup_(inspecting_done) struct inspecting inspecting = { .what = bundle, .err = err };
	int r = make(&inspecting);

	if (r == 0)
		r = read_head(&inspecting);
	if (r == 0)
		r = check_blocks(&inspecting);
	if (r == 0)
		r = check_missing(&inspecting);
	return r < 0 ? r : check_whole(&inspecting);
}
