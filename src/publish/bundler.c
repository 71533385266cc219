#include "publish/bundler.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "publish/candidates.h"
#include "publish/contents.h"
#include "publish/inspect.h"
#include "publish/suffix.h"
#include "release/bundle-write.h"

struct part {
	uint32_t entry; /* of the new index */
	uint32_t base; /* of the old index, or BUNDLE_NO_BASE */
	bool last; /* the release before did not have it */
	const struct spool_content *content;
};

struct bundling {
	struct spool *spool;
	const struct bundler_request *request;
	struct part *parts; /* in the order of the bundle */
	size_t n_parts;
	struct bundle_block *blocks;
	size_t n_blocks;
};

static void bundling_done(const struct bundling *bundling)
{
	free(bundling->parts);
	free(bundling->blocks);
}

/* ---- what belongs into it ---- */

static int compare(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	if (x->last != y->last)
		return x->last ? 1 : -1;
	return (x->entry > y->entry) - (x->entry < y->entry);
}

/* known: the contents of the old tree, or of the release before; or none. */
static int choose(struct bundling *bundling, const struct contents *known, struct error *err)
{
	_cleanup_contents_ struct contents all = {};
	int r = contents_list(bundling->request->fresh->index, &all, err);

	if (r < 0)
		return r;
	bundling->parts = calloc(all.n + 1, sizeof(*bundling->parts));
	if (!bundling->parts)
		return error_errno(err, "making a bundle");
	for (size_t i = 0; i < all.n; i++) {
		bool is_known = contents_look_up(known, &all.items[i].digest) != NULL;

		if (bundling->request->old && is_known)
			continue;
		bundling->parts[bundling->n_parts++] =
			(struct part){ .entry = all.items[i].entry,
				       .base = BUNDLE_NO_BASE,
				       .last = !bundling->request->old && !is_known };
	}
	qsort(bundling->parts, bundling->n_parts, sizeof(*bundling->parts), compare);
	return 0;
}

static int choose_parts(struct bundling *bundling, struct error *err)
{
	const struct bundler_request *request = bundling->request;
	const struct index *index = request->old ? request->old->index : request->before;
	_cleanup_contents_ struct contents known = {};
	int r = index ? contents_list(index, &known, err) : 0;

	return r < 0 ? r : choose(bundling, &known, err);
}

/* ---- its blocks ---- */

static int want(struct bundling *bundling, const struct candidates *candidates, struct part *part,
		struct error *err)
{
	const struct bundler_request *request = bundling->request;
	struct spool_wish wish = { .fresh = request->fresh,
				   .entry = index_at(request->fresh->index, part->entry),
				   .old = request->old };

	if (candidates)
		wish.base = candidates_find(candidates, wish.entry);
	if (wish.base)
		part->base = index_number(request->old->index, wish.base->path);
	return spool_want(bundling->spool, &wish, &part->content, err);
}

static int want_all(struct bundling *bundling, struct error *err)
{
	_cleanup_(candidates_freep) struct candidates *candidates = NULL;
	int r = 0;

	if (bundling->request->old)
		r = candidates_new(bundling->request->old->index, SUFFIX_MAX, &candidates, err);
	for (size_t i = 0; r == 0 && i < bundling->n_parts; i++)
		r = want(bundling, candidates, &bundling->parts[i], err);
	return r < 0 ? r : spool_run(bundling->spool, err);
}

static void add_blocks(struct bundling *bundling, const struct part *part)
{
	for (size_t i = 0; i < part->content->n_blocks; i++) {
		const struct spool_block *from = &part->content->blocks[i];

		bundling->blocks[bundling->n_blocks++] = (struct bundle_block){
			.kind = from->kind,
			.entry = part->entry,
			.base = from->kind == BLOCK_PLAIN ? BUNDLE_NO_BASE : part->base,
			.length = from->length,
			.number = (uint32_t)i,
			.packed = from->packed,
			.raw = from->raw,
		};
	}
}

static int list_blocks(struct bundling *bundling, struct error *err)
{
	size_t n = 0;

	for (size_t i = 0; i < bundling->n_parts; i++)
		n += bundling->parts[i].content->n_blocks;
	bundling->blocks = calloc(n + 1, sizeof(*bundling->blocks));
	if (!bundling->blocks)
		return error_errno(err, "making a bundle");
	for (size_t i = 0; i < bundling->n_parts; i++)
		add_blocks(bundling, &bundling->parts[i]);
	return 0;
}

/* ---- writing ---- */

static int put(int fd, const void *bytes, size_t size, struct digester *digester,
	       struct bundler_result *result, struct error *err)
{
	if (fd_write_full(fd, bytes, size) < 0)
		return error_errno(err, "writing a bundle");
	result->length += size;
	return digester_update(digester, bytes, size, err);
}

static int put_parts(const struct bundling *bundling, int fd, struct digester *digester,
		     struct bundler_result *result, struct error *err)
{
	_cleanup_free_ void *buffer = malloc(BLOCK_PACKED_MAX);
	int r = buffer ? 0 : error_errno(err, "writing a bundle");

	for (size_t i = 0; r == 0 && i < bundling->n_parts; i++) {
		const struct spool_content *content = bundling->parts[i].content;

		for (size_t j = 0; r == 0 && j < content->n_blocks; j++) {
			const struct spool_block *block = &content->blocks[j];

			r = spool_read(bundling->spool, block, buffer, err);
			if (r == 0)
				r = put(fd, buffer, block->length, digester, result, err);
		}
	}
	return r;
}

static int write_all(const struct bundling *bundling, int fd, struct bundler_result *result,
		     struct error *err)
{
	const struct bundler_request *request = bundling->request;
	_cleanup_(digester_freep) struct digester *digester = NULL;
	_cleanup_free_ void *head = NULL;
	size_t size = 0;
	int r = bundle_write_head(request->fresh->index, request->old ? request->old->index : NULL,
				  bundling->blocks, bundling->n_blocks, request->level, &head,
				  &size, err);

	if (r == 0)
		r = digest_of(head, size, &result->head_digest, err);
	if (r == 0)
		r = digester_new(&digester, err);
	if (r == 0)
		r = digester_reset(digester, err);
	if (r == 0)
		r = put(fd, head, size, digester, result, err);
	if (r == 0)
		r = put_parts(bundling, fd, digester, result, err);
	result->head_length = size;
	return r < 0 ? r : digester_finish(digester, &result->digest, err);
}

static int read_back(const struct bundler_request *request, int fd,
		     const struct bundler_result *result, struct error *err)
{
	struct inspect_bundle bundle = { .fd = fd,
					 .length = result->length,
					 .digest = result->digest,
					 .head_length = result->head_length,
					 .head_digest = result->head_digest,
					 .base = request->old };
	int r = index_encode(request->fresh->index, NULL, NULL, &bundle.index, err);

	if (r == 0)
		r = inspect_run(&bundle, err);
	return r < 0 ? error_prefix(err, r, "the bundle that was made") : 0;
}

int bundler_run(struct spool *spool, const struct bundler_request *request, int out_fd,
		struct bundler_result *ret_result, struct error *err)
{
	_cleanup_(bundling_done) struct bundling bundling = { .spool = spool, .request = request };
	struct bundler_result result = {};
	int r = choose_parts(&bundling, err);

	if (r == 0)
		r = want_all(&bundling, err);
	if (r == 0)
		r = list_blocks(&bundling, err);
	if (r == 0)
		r = write_all(&bundling, out_fd, &result, err);
	if (r == 0)
		r = read_back(request, out_fd, &result, err);
	if (r == 0)
		*ret_result = result;
	return r;
}
