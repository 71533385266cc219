#include "publish/bundler.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "publish/candidates.h"
#include "publish/contents.h"
#include "publish/inspect.h"
#include "publish/likeness.h"
#include "publish/shares.h"
#include "publish/suffix.h"
#include "publish/update-head.h"
#include "release/bundle-write.h"

struct part {
	uint32_t entry; /* of the new index */
	uint32_t base; /* of the old index, or BUNDLE_NO_BASE */
	uint32_t solid_base; /* likewise, if it is packed together with others */
	bool last; /* the release before did not have it */
	const struct spool_content *content;
};

struct bundling {
	struct spool *spool;
	const struct bundler_request *request;
	struct part *parts; /* in the order of the bundle */
	size_t n_parts;
	struct shares_part *shares; /* of the parts; with a base */
	struct bundle_block *blocks;
	size_t n_blocks;
	struct marks_solid *solids;
	size_t n_solids;
	uint8_t *inlined; /* bytes of the blocks in the head */
	void *head; /* the best so far */
	size_t head_size;
	uint64_t length; /* of the bundle with that head */
	enum shares_policy policy;
};

static void bundling_done(const struct bundling *bundling)
{
	free(bundling->parts);
	free(bundling->shares);
	free(bundling->blocks);
	free(bundling->solids);
	free(bundling->inlined);
	free(bundling->head);
}

static void tell(const struct bundling *bundling, const char *what, uint64_t done, uint64_t total)
{
	progress_tell(spool_progress(bundling->spool), what, done, total);
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
				       .solid_base = BUNDLE_NO_BASE,
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

/* What the files of the old tree are known by. */
struct kinship {
	struct candidates *candidates; /* NULL: there is no old tree */
	struct likeness *likeness; /* made when it is needed */
};

static void kinship_done(const struct kinship *kinship)
{
	candidates_free(kinship->candidates);
	likeness_free(kinship->likeness);
}

/* By its path; else by what is in it; else by its name. */
static int find_base(const struct bundling *bundling, struct kinship *kinship,
		     const struct index_entry *entry, const struct index_entry **ret_base,
		     struct error *err)
{
	const struct bundler_request *request = bundling->request;
	int r = 0;

	*ret_base = candidates_same(kinship->candidates, entry);
	if (*ret_base)
		return 0;
	if (!kinship->likeness)
		r = likeness_new(request->old, SUFFIX_MAX, &kinship->likeness, err);
	if (r == 0)
		r = likeness_find(kinship->likeness, request->fresh, entry, ret_base, err);
	if (r == 0 && !*ret_base)
		*ret_base = candidates_alike(kinship->candidates, entry);
	return r;
}

static int want(struct bundling *bundling, struct kinship *kinship, struct part *part,
		struct error *err)
{
	const struct bundler_request *request = bundling->request;
	struct spool_wish wish = { .fresh = request->fresh,
				   .entry = index_at(request->fresh->index, part->entry),
				   .old = request->old };
	int r = kinship->candidates ? find_base(bundling, kinship, wish.entry, &wish.base, err) : 0;

	if (r < 0)
		return r;
	if (wish.base)
		part->base = index_number(request->old->index, wish.base->path);
	return spool_want(bundling->spool, &wish, &part->content, err);
}

static int want_next(struct bundling *bundling, struct kinship *kinship, size_t i,
		     struct error *err)
{
	tell(bundling, "comparing trees", i, bundling->n_parts);
	return want(bundling, kinship, &bundling->parts[i], err);
}

static int want_all(struct bundling *bundling, struct error *err)
{
	_cleanup_(kinship_done) struct kinship kinship = {};
	int r = 0;

	if (bundling->request->old)
		r = candidates_new(bundling->request->old->index, SUFFIX_MAX, &kinship.candidates,
				   err);
	for (size_t i = 0; r == 0 && i < bundling->n_parts; i++)
		r = want_next(bundling, &kinship, i, err);
	return r < 0 ? r : spool_run(bundling->spool, err);
}

static bool is_behind_head(const struct bundling *bundling, size_t part)
{
	return !bundling->shares || bundling->shares[part].share == SHARE_BLOCKS;
}

static void add_blocks(struct bundling *bundling, size_t part)
{
	const struct spool_content *content = bundling->parts[part].content;

	for (size_t i = 0; i < content->n_blocks; i++) {
		const struct spool_block *from = &content->blocks[i];

		bundling->blocks[bundling->n_blocks++] = (struct bundle_block){
			.kind = from->kind,
			.entry = bundling->parts[part].entry,
			.base = block_needs_base(from->kind) ? bundling->parts[part].base :
							       BUNDLE_NO_BASE,
			.length = from->length,
			.number = (uint32_t)i,
			.is_inlined = !is_behind_head(bundling, part),
			.packed = from->packed,
			.raw = from->raw,
		};
	}
}

static int make_room(struct bundling *bundling, struct error *err)
{
	size_t n = 0;

	for (size_t i = 0; i < bundling->n_parts; i++)
		n += bundling->parts[i].content->n_blocks;
	bundling->blocks = calloc(n + 1, sizeof(*bundling->blocks));
	bundling->solids = calloc(bundling->n_parts + 1, sizeof(*bundling->solids));
	bundling->inlined = malloc(SHARES_INLINED_MAX);
	if (!bundling->blocks || !bundling->solids || !bundling->inlined)
		return error_code(err, -ENOMEM, "making a bundle");
	return 0;
}

static void list_blocks(struct bundling *bundling)
{
	bundling->n_blocks = bundling->n_solids = 0;
	for (size_t i = 0; i < bundling->n_parts; i++) {
		const struct part *part = &bundling->parts[i];

		if (bundling->shares && bundling->shares[i].share == SHARE_SOLID)
			bundling->solids[bundling->n_solids++] =
				(struct marks_solid){ part->entry, part->solid_base };
		else
			add_blocks(bundling, i);
	}
}

/* ---- the head of one with a base ---- */

/* A file of the base that stays as it is would not be told from the one that comes instead of it. */
static int find_solid_bases(struct bundling *bundling, struct error *err)
{
	const struct bundler_request *request = bundling->request;
	_cleanup_contents_ struct contents fresh = {};
	int r = contents_list(request->fresh->index, &fresh, err);

	for (size_t i = 0; r == 0 && i < bundling->n_parts; i++) {
		struct part *part = &bundling->parts[i];

		if (part->base != BUNDLE_NO_BASE &&
		    !contents_look_up(&fresh, &index_at(request->old->index, part->base)->digest))
			part->solid_base = part->base;
	}
	return r;
}

static uint64_t size_of(const struct index *index, uint32_t number)
{
	return number == BUNDLE_NO_BASE ? 0 : index_at(index, number)->size;
}

static int describe_parts(struct bundling *bundling, struct error *err)
{
	const struct bundler_request *request = bundling->request;
	int r = find_solid_bases(bundling, err);

	bundling->shares = calloc(bundling->n_parts + 1, sizeof(*bundling->shares));
	if (!bundling->shares)
		return error_errno(err, "making a bundle");
	for (size_t i = 0; r == 0 && i < bundling->n_parts; i++) {
		const struct part *part = &bundling->parts[i];

		bundling->shares[i] = (struct shares_part){
			.size = size_of(request->fresh->index, part->entry),
			.packed = part->content->length,
			.base = size_of(request->old->index, part->base),
			.solid_base = size_of(request->old->index, part->solid_base),
			.is_patch = part->content->blocks[0].kind == BLOCK_PATCH,
		};
	}
	return r;
}

static int read_inlined(struct bundling *bundling, struct error *err)
{
	uint8_t *at = bundling->inlined;
	int r = 0;

	for (size_t i = 0; r == 0 && i < bundling->n_parts; i++) {
		const struct spool_content *content = bundling->parts[i].content;

		if (bundling->shares[i].share != SHARE_INLINED)
			continue;
		for (size_t j = 0; r == 0 && j < content->n_blocks; j++) {
			r = spool_read(bundling->spool, &content->blocks[j], at, err);
			at += content->blocks[j].length;
		}
	}
	at = bundling->inlined;
	for (size_t i = 0; i < bundling->n_blocks; i++) {
		if (!bundling->blocks[i].is_inlined)
			continue;
		bundling->blocks[i].bytes = at;
		at += bundling->blocks[i].length;
	}
	return r;
}

static int share(struct bundling *bundling, enum shares_policy policy, struct error *err)
{
	int r = shares_choose(bundling->shares, bundling->n_parts, policy, err);

	if (r < 0)
		return r;
	list_blocks(bundling);
	return read_inlined(bundling, err);
}

/* What is few is smaller in one of the other forms. */
static bool is_pointless(const struct bundling *bundling, enum shares_policy policy)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < bundling->n_parts; i++)
		if (bundling->shares[i].share == SHARE_SOLID)
			bytes += bundling->shares[i].size;
	return (policy == SHARES_LONG && bytes <= BUNDLE_SOLID_MAX) ||
	       (policy == SHARES_WIDE && bytes == 0);
}

/* Of all that the policy leads to: digests and blocks do not become less. */
static uint64_t least_length(const struct bundling *bundling)
{
	uint64_t least = 0;

	for (size_t i = 0; i < bundling->n_blocks; i++) {
		const struct bundle_block *block = &bundling->blocks[i];

		least += block->length + (block->is_inlined ? 0 : BUNDLE_SHORT_SIZE);
	}
	return least;
}

static int try_policy(struct bundling *bundling, enum shares_policy policy, struct error *err)
{
	const struct bundler_request *request = bundling->request;
	struct update_head what = { .fresh = request->fresh,
				    .old = request->old,
				    .is_long = policy == SHARES_LONG,
				    .is_wide = policy == SHARES_LONG || policy == SHARES_WIDE,
				    .level = request->level,
				    .threads = spool_threads(bundling->spool) };
	void *head = NULL;
	size_t size = 0;
	uint64_t length;
	int r = share(bundling, policy, err);

	if (r < 0 || is_pointless(bundling, policy) ||
	    (bundling->head && least_length(bundling) >= bundling->length))
		return r;
	what.solids = bundling->solids;
	what.n_solids = bundling->n_solids;
	what.blocks = bundling->blocks;
	what.n_blocks = bundling->n_blocks;
	r = update_head_write(&what, &head, &size, err);
	if (r < 0)
		return r;
	length = size;
	for (size_t i = 0; i < bundling->n_blocks; i++)
		length += bundling->blocks[i].is_inlined ? 0 : bundling->blocks[i].length;
	if (bundling->head && bundling->length <= length) {
		free(head);
		return 0;
	}
	free(bundling->head);
	bundling->head = head;
	bundling->head_size = size;
	bundling->length = length;
	bundling->policy = policy;
	return 0;
}

/* Where there is much, the first one leaves the others no chance. */
static int make_update_head(struct bundling *bundling, struct error *err)
{
	static const enum shares_policy order[] = { SHARES_LONG, SHARES_SOLID, SHARES_MIXED,
						    SHARES_APART, SHARES_WIDE };
	int r = describe_parts(bundling, err);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(order); i++) {
		tell(bundling, "making the head", i, ARRAY_SIZE(order));
		r = try_policy(bundling, order[i], err);
	}
	return r < 0 ? r : share(bundling, bundling->policy, err);
}

static int make_head(struct bundling *bundling, struct error *err)
{
	const struct bundler_request *request = bundling->request;
	int r = make_room(bundling, err);

	if (r < 0 || request->old)
		return r < 0 ? r : make_update_head(bundling, err);
	list_blocks(bundling);
	return bundle_write_head(request->fresh->index, bundling->blocks, bundling->n_blocks,
				 request->level, &bundling->head, &bundling->head_size, err);
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
		size_t n = is_behind_head(bundling, i) ? content->n_blocks : 0;

		for (size_t j = 0; r == 0 && j < n; j++) {
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
	_cleanup_(digester_freep) struct digester *digester = NULL;
	size_t size = bundling->head_size;
	int r = digest_of(bundling->head, size, &result->head_digest, err);

	if (r == 0)
		r = digester_new(&digester, err);
	if (r == 0)
		r = digester_reset(digester, err);
	if (r == 0)
		r = put(fd, bundling->head, size, digester, result, err);
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
		r = make_head(&bundling, err);
	if (r == 0)
		r = write_all(&bundling, out_fd, &result, err);
	tell(&bundling, "reading the bundle back", 0, 0);
	if (r == 0)
		r = read_back(request, out_fd, &result, err);
	if (r == 0)
		*ret_result = result;
	return r;
}
