#include "publish/near.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "publish/forebear.h"
#include "publish/near-head.h"
#include "release/chunks.h"

struct near {
	const struct stock *fresh;
	struct contents all; /* in the order of their entries */
	struct near_base bases[NEAR_BASES];
	size_t n_bases, n_chosen;
	const struct spool_content **spooled;
};

/* A bundle from so many of the releases. */
struct made {
	size_t n_bases;
	struct text head;
	bool *behind;
	uint64_t length;
};

static void made_done(struct made *made)
{
	text_done(&made->head);
	free(made->behind);
	*made = (struct made){};
}

void near_free(struct near *near)
{
	if (!near)
		return;
	for (size_t i = 0; i < near->n_bases; i++) {
		free(near->bases[i].keys);
		free(near->bases[i].has);
	}
	contents_done(&near->all);
	free(near->spooled);
	free(near);
}

static int by_entry(const void *a, const void *b)
{
	uint32_t x = ((const struct content *)a)->entry, y = ((const struct content *)b)->entry;

	return (x > y) - (x < y);
}

int near_new(const struct stock *fresh, struct near **ret_near, struct error *err)
{
	_cleanup_(near_freep) struct near *near = calloc(1, sizeof(*near));
	int r;

	if (!near)
		return error_errno(err, "making a bundle");
	near->fresh = fresh;
	r = contents_list(fresh->index, &near->all, err);
	if (r < 0)
		return r;
	qsort(near->all.items, near->all.n, sizeof(*near->all.items), by_entry);
	near->spooled = calloc(near->all.n + 1, sizeof(struct spool_content *));
	if (!near->spooled)
		return error_errno(err, "making a bundle");
	*ret_near = TAKE_PTR(near);
	return 0;
}

/* ---- releases ---- */

static int note_contents(const struct near *near, struct near_base *base, const struct index *old,
			 struct error *err)
{
	_cleanup_contents_ struct contents theirs = {};
	int r = contents_list(old, &theirs, err);

	base->has = calloc(near->all.n + 1, sizeof(*base->has));
	if (r == 0 && !base->has)
		return error_errno(err, "making a bundle");
	for (size_t i = 0; r == 0 && i < near->all.n; i++)
		base->has[i] = contents_look_up(&theirs, &near->all.items[i].digest) != NULL;
	return r;
}

/* As a device has them. */
static int note_pieces(const struct near *near, struct near_base *base, const struct stock *old,
		       struct error *err)
{
	_cleanup_(forebear_freep) struct forebear *forebear = NULL;
	_cleanup_chunks_ struct chunks chunks = {};
	struct chunks_cutter cutter;
	int r = chunks_cutter_init(&cutter, NEAR_BITS, err);

	if (r == 0)
		r = forebear_new(old, &forebear, err);
	if (r == 0)
		r = chunks_collect(forebear_source(forebear), near->fresh->index, &cutter, 0,
				   &chunks, err);
	if (r < 0)
		return r;
	base->keys = calloc(chunks.n + 1, sizeof(*base->keys));
	if (!base->keys)
		return error_errno(err, "making a bundle");
	for (size_t i = 0; i < chunks.n; i++)
		base->keys[i] = chunks.pieces[i].key;
	base->n_keys = chunks.n;
	return 0;
}

int near_add(struct near *near, const struct stock *old, const struct digest *index,
	     struct error *err)
{
	struct near_base *base = &near->bases[near->n_bases];
	int r;

	if (near->n_bases == NEAR_BASES)
		return 0;
	*base = (struct near_base){ .index = *index };
	near->n_bases++; /* what it has is freed with the others */
	r = note_contents(near, base, old->index, err);
	return r < 0 ? r : note_pieces(near, base, old, err);
}

bool near_is_needed(const struct near *near, const struct offer *offer)
{
	size_t n = near->n_chosen > 0 ? near->n_chosen : near->n_bases;

	for (size_t i = 0; i < n; i++)
		if (!offer_find_bundle(offer, &near->bases[i].index))
			return true;
	return false;
}

size_t near_bases(const struct near *near, struct digest ret_from[static OFFER_NEAR_MAX])
{
	for (size_t i = 0; i < near->n_chosen; i++)
		ret_from[i] = near->bases[i].index;
	return near->n_chosen;
}

/* ---- blocks ---- */

static int want(struct near *near, struct spool *spool, size_t i, struct error *err)
{
	const struct spool_wish wish = {
		.fresh = near->fresh,
		.entry = index_at(near->fresh->index, near->all.items[i].entry),
	};

	return spool_want(spool, &wish, &near->spooled[i], err);
}

/* Of what not all of the releases have. */
static int want_all(struct near *near, struct spool *spool, struct error *err)
{
	const struct near_head what = { .bases = near->bases, .n_bases = near->n_bases };
	int r = 0;

	for (size_t i = 0; r == 0 && i < near->all.n; i++)
		if (!near_head_is_known(&what, i))
			r = want(near, spool, i, err);
	return r < 0 ? r : spool_run(spool, err);
}

int near_count_blocks(struct near *near, struct spool *spool, uint64_t *ret_bytes,
		      struct error *err)
{
	uint64_t bytes = 0;
	int r = want_all(near, spool, err);

	for (size_t i = 0; r == 0 && i < near->all.n; i++)
		if (near->n_bases > 0 && !near->bases[0].has[i])
			bytes += near->spooled[i]->length;
	*ret_bytes = bytes;
	return r;
}

/* ---- the bundle ---- */

static int make(struct near *near, size_t n_bases, int level, struct made *made, struct error *err)
{
	const struct near_head what = {
		.fresh = near->fresh,
		.all = &near->all,
		.bases = near->bases,
		.n_bases = n_bases,
		.spooled = near->spooled,
		.level = level,
	};
	int r;

	made->n_bases = n_bases;
	made->behind = calloc(near->all.n + 1, sizeof(*made->behind));
	if (!made->behind)
		return error_errno(err, "making a bundle");
	r = near_head_write(&what, &made->head, made->behind, err);
	made->length = made->head.size;
	for (size_t i = 0; r == 0 && i < near->all.n; i++)
		made->length += made->behind[i] ? near->spooled[i]->length : 0;
	return r;
}

static uint64_t most_of(const struct near_limits *limits, uint64_t least)
{
	uint64_t most = least + limits->spare;

	if (most < limits->fine)
		most = limits->fine;
	return most < limits->most ? most : limits->most;
}

/* A quarter less. */
static size_t fewer(size_t n)
{
	return n - (n + 3) / 4;
}

/* Of all of them, of fewer of them …, as long as it is too much. */
static int make_best(struct near *near, const struct near_limits *limits, int level,
		     struct made *made, struct error *err)
{
	uint64_t most;
	int r = make(near, 1, level, made, err);

	most = most_of(limits, made->length);
	for (size_t n = near->n_bases; r == 0 && n > 1 && made->length <= most; n = fewer(n)) {
		_cleanup_(made_done) struct made more = {};

		r = make(near, n, level, &more, err);
		if (r < 0 || more.length > most)
			continue;
		made_done(made);
		*made = more;
		more = (struct made){};
		break;
	}
	return r;
}

static int put(int fd, const void *bytes, size_t size, struct digester *digester, struct error *err)
{
	if (fd_write_full(fd, bytes, size) < 0)
		return error_errno(err, "writing a bundle");
	return digester_update(digester, bytes, size, err);
}

static int put_blocks(const struct near *near, const struct spool *spool, const struct made *made,
		      int fd, struct digester *digester, struct error *err)
{
	_cleanup_free_ void *buffer = malloc(BLOCK_PACKED_MAX);
	int r = buffer ? 0 : error_errno(err, "writing a bundle");

	for (size_t i = 0; r == 0 && i < near->all.n; i++)
		for (size_t j = 0; r == 0 && made->behind[i] && j < near->spooled[i]->n_blocks;
		     j++) {
			const struct spool_block *block = &near->spooled[i]->blocks[j];

			r = spool_read(spool, block, buffer, err);
			if (r == 0)
				r = put(fd, buffer, block->length, digester, err);
		}
	return r;
}

static int write_all(const struct near *near, const struct spool *spool, const struct made *made,
		     int fd, struct bundler_result *result, struct error *err)
{
	_cleanup_(digester_freep) struct digester *digester = NULL;
	int r = digest_of(made->head.data, made->head.size, &result->head_digest, err);

	result->head_length = made->head.size;
	result->length = made->length;
	if (r == 0)
		r = digester_new(&digester, err);
	if (r == 0)
		r = digester_reset(digester, err);
	if (r == 0)
		r = put(fd, made->head.data, made->head.size, digester, err);
	if (r == 0)
		r = put_blocks(near, spool, made, fd, digester, err);
	return r < 0 ? r : digester_finish(digester, &result->digest, err);
}

int near_write(struct near *near, struct spool *spool, int level, const struct near_limits *limits,
	       int out_fd, struct bundler_result *ret_result, struct error *err)
{
	_cleanup_(made_done) struct made made = {};
	struct bundler_result result = {};
	int r = want_all(near, spool, err);

	if (r == 0)
		r = make_best(near, limits, level, &made, err);
	if (r == 0)
		r = write_all(near, spool, &made, out_fd, &result, err);
	if (r < 0)
		return r;
	near->n_chosen = made.n_bases;
	*ret_result = result;
	return 0;
}
