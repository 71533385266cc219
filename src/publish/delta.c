#include "publish/delta.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "publish/blob.h"
#include "publish/bundler.h"
#include "publish/catalog.h"
#include "publish/inspect.h"
#include "publish/near.h"
#include "publish/workroom.h"

#define FOLDER	  "tree"
#define LOOK_BACK 64 /* sequences, for releases that can be bases */
#define LINE_MAX_ 320
#define BASE_MAX  (DESCRIPTOR_VERSION_MAX + 32)
#define HEAD_PART \
	10 /* of the archive: with a larger head the bundle without base is not looked at */
#define NEAR_PART \
	20 /* of the archive: by so much the one from several releases may be larger than from the latest alone */
#define NEAR_FINE 8 /* likewise: or all of it */

struct deltas {
	struct repo *repo;
	const struct pack_options *pack;
	const struct delta_options *options;
	struct offer *offer;
	struct workroom workroom;
	struct spool *spool;
	struct stock fresh;
	int blobs; /* the folder */
	struct near *near; /* NULL: none is made */
	struct offer *bases[DELTA_BASES_MAX + 1]; /* the latest first */
	size_t n_bases;
	struct error *err;
};

static void deltas_done(struct deltas *deltas)
{
	for (size_t i = 0; i < deltas->n_bases; i++)
		offer_free(deltas->bases[i]);
	near_free(deltas->near);
	stock_done(&deltas->fresh);
	spool_free(deltas->spool);
	workroom_close(&deltas->workroom);
	cleanup_close(&deltas->blobs);
}

static void note_from(const struct deltas *deltas, const char *base, const char *what,
		      uint64_t bytes)
{
	char line[LINE_MAX_];

	if (!deltas->options->note)
		return;
	(void)snprintf(line, sizeof(line), "from %s: %s", base, what);
	if (bytes > 0)
		(void)snprintf(line + strlen(line), sizeof(line) - strlen(line),
			       ", %" PRIu64 " bytes", bytes);
	deltas->options->note(deltas->options->data, line);
}

static void note(const struct deltas *deltas, const struct offer *base, const char *what,
		 uint64_t bytes)
{
	char name[BASE_MAX] = "any release";

	if (base)
		(void)snprintf(name, sizeof(name), "%s (sequence %" PRIu64 ")", base->version,
			       base->sequence);
	note_from(deltas, name, what, bytes);
}

/* ---- bases ---- */

static bool is_base(const struct deltas *deltas, const struct offer *candidate)
{
	if (offer_find_withdrawn(deltas->offer, &candidate->index) ||
	    digest_equal(&candidate->index, &deltas->offer->index))
		return false;
	for (size_t i = 0; i < deltas->n_bases; i++)
		if (digest_equal(&deltas->bases[i]->index, &candidate->index))
			return false;
	return true;
}

/* Also those that only the order of the bundle without base is by, and the one from any of several. */
static int find_bases(struct deltas *deltas)
{
	const struct offer *offer = deltas->offer;
	const struct catalog_name name = { offer->app, offer->channel, offer->arch };
	size_t wanted = deltas->options->bases;
	uint64_t sequence = offer->sequence;

	if (wanted > DELTA_BASES_MAX)
		wanted = DELTA_BASES_MAX;
	if (wanted == 0)
		wanted = 1;
	if (deltas->options->bundle && wanted < NEAR_BASES)
		wanted = NEAR_BASES;
	for (int i = 0; i < LOOK_BACK && sequence > 1 && deltas->n_bases < wanted; i++) {
		struct offer *found = NULL;
		int r = catalog_find(deltas->repo, &name, --sequence, &found, deltas->err);

		if (r < 0)
			return r;
		if (r == 0 && is_base(deltas, found))
			deltas->bases[deltas->n_bases++] = found;
		else
			offer_free(found);
	}
	return 0;
}

/* > 0: BLOB_ABSENT */
static int unpack(const struct deltas *deltas, const struct offer *base, struct stock *ret_stock)
{
	_cleanup_close_ int folder = -1;
	_cleanup_close_ int fd = -1;
	int r = blob_open(deltas->blobs, &base->full, &fd, deltas->err);

	progress_tell(&deltas->pack->progress, "unpacking an older release", 0, 0);
	if (r != 0)
		return r;
	r = workroom_folder(&deltas->workroom, FOLDER, &folder, deltas->err);
	if (r == 0)
		r = stock_unpack(folder, fd, &base->full, ret_stock, deltas->err);
	if (r < 0)
		return error_prefix(deltas->err, r, "the archive of %s", base->version);
	return 0;
}

/* ---- bundles ---- */

static bool is_worth(const struct deltas *deltas, const struct bundler_result *result)
{
	return result->length / DELTA_WORTH * 100 <= deltas->offer->full_length;
}

static struct offer_bundle describe(const struct bundler_result *result)
{
	return (struct offer_bundle){ .blob = result->digest,
				      .length = result->length,
				      .head_digest = result->head_digest,
				      .head = result->head_length };
}

static void list(struct offer *offer, const struct offer *base, const struct bundler_result *result)
{
	struct offer_bundle *bundle = &offer->bundles[offer->n_bundles++];

	*bundle = describe(result);
	if (base)
		bundle->from = base->index;
}

static int finish(struct deltas *deltas, const struct offer *base, int fd,
		  const struct bundler_result *result)
{
	int r;

	if (base && !is_worth(deltas, result)) {
		blob_abandon(deltas->blobs);
		note(deltas, base, "not worth it", result->length);
		return 0;
	}
	r = blob_publish(deltas->blobs, fd, &result->digest, deltas->err);
	if (r < 0)
		return r;
	list(deltas->offer, base, result);
	note(deltas, base, "bundle", result->length);
	return 0;
}

/* base, old: NULL: without. */
static int make_bundle(struct deltas *deltas, const struct offer *base, const struct stock *old,
		       struct index *before)
{
	const struct bundler_request request = {
		.fresh = &deltas->fresh, .old = old, .before = before, .level = deltas->pack->level
	};
	struct bundler_result result = {};
	_cleanup_close_ int fd = -1;
	int r = blob_begin(deltas->blobs, &fd, deltas->err);

	if (r < 0)
		return r;
	r = bundler_run(deltas->spool, &request, fd, &result, deltas->err);
	if (r == 0)
		r = finish(deltas, base, fd, &result);
	if (r < 0)
		blob_abandon(deltas->blobs);
	return r;
}

/* i: of the bases; the first of them is also the release before. */
static int make_from(struct deltas *deltas, size_t i)
{
	const struct offer *base = deltas->bases[i];
	_cleanup_stock_ struct stock old = STOCK_NONE;
	int r = unpack(deltas, base, &old);
	int made = 0;

	if (r < 0)
		return r;
	if (r == BLOB_ABSENT)
		note(deltas, base, "its archive is not there any more", 0);
	if (i == 0 && deltas->options->bundle)
		made = make_bundle(deltas, NULL, NULL, old.index);
	if (made == 0 && r == 0 && deltas->near)
		made = near_add(deltas->near, &old, &base->index, deltas->err);
	if (made < 0 || r == BLOB_ABSENT || i >= deltas->options->bases)
		return made;
	return make_bundle(deltas, base, &old, NULL);
}

/* ---- the one from any of several ---- */

/* What the bundle without base, or the archive, would cost instead. */
static int count_instead(struct deltas *deltas, uint64_t *ret_bytes)
{
	const struct digest any = {};
	const struct offer_bundle *bundle = offer_find_bundle(deltas->offer, &any);
	uint64_t full = deltas->offer->full_length;
	uint64_t bytes;
	int r = near_count_blocks(deltas->near, deltas->spool, &bytes, deltas->err);

	bytes += bundle->head;
	*ret_bytes = bytes < full && bundle->head <= full / HEAD_PART ? bytes : full;
	return r;
}

static const struct offer *find_base(const struct deltas *deltas, const struct digest *index)
{
	for (size_t i = 0; i < deltas->n_bases; i++)
		if (digest_equal(&deltas->bases[i]->index, index))
			return deltas->bases[i];
	return NULL;
}

static int read_near_back(const struct deltas *deltas, int fd, const struct bundler_result *result)
{
	struct digest from[OFFER_NEAR_MAX];
	size_t n = near_bases(deltas->near, from);
	const struct offer *base = n > 0 ? find_base(deltas, &from[0]) : NULL;
	_cleanup_stock_ struct stock old = STOCK_NONE;
	const struct inspect_bundle bundle = { .fd = fd,
					       .length = result->length,
					       .digest = result->digest,
					       .head_length = result->head_length,
					       .head_digest = result->head_digest,
					       .index = deltas->offer->index,
					       .base = &old,
					       .is_whole = true };
	int r = base ? unpack(deltas, base, &old) : BLOB_ABSENT;

	if (r == BLOB_ABSENT)
		return error_set(deltas->err, FAULT_BUSY, "an archive went away meanwhile");
	if (r == 0)
		r = inspect_run(&bundle, deltas->err);
	return r < 0 ? error_prefix(deltas->err, r, "the bundle that was made") : 0;
}

static int publish_near(struct deltas *deltas, int fd, const struct bundler_result *result)
{
	struct offer_near *near = &deltas->offer->near;
	char bases[BASE_MAX];
	int r = read_near_back(deltas, fd, result);

	if (r == 0)
		r = blob_publish(deltas->blobs, fd, &result->digest, deltas->err);
	if (r < 0)
		return r;
	near->bundle = describe(result);
	near->n_from = near_bases(deltas->near, near->from);
	(void)snprintf(bases, sizeof(bases), "any of the %zu releases before", near->n_from);
	note_from(deltas, bases, "bundle", result->length);
	return 0;
}

static int write_near(struct deltas *deltas, int fd)
{
	uint64_t full = deltas->offer->full_length;
	struct near_limits limits = { .spare = full / NEAR_PART, .fine = full / NEAR_FINE };
	struct bundler_result result = {};
	uint64_t instead = 0;
	int r = count_instead(deltas, &instead);

	limits.most = instead / 100 * DELTA_WORTH;
	if (r == 0)
		r = near_write(deltas->near, deltas->spool, deltas->pack->level, &limits, fd,
			       &result, deltas->err);
	if (r == 0 &&
	    (!near_is_needed(deltas->near, deltas->offer) || result.length > limits.most)) {
		blob_abandon(deltas->blobs);
		return 0;
	}
	return r < 0 ? r : publish_near(deltas, fd, &result);
}

static int make_near(struct deltas *deltas)
{
	_cleanup_close_ int fd = -1;
	int r;

	if (!deltas->near || !near_is_needed(deltas->near, deltas->offer))
		return 0;
	progress_tell(&deltas->pack->progress, "comparing several releases", 0, 0);
	r = blob_begin(deltas->blobs, &fd, deltas->err);
	if (r == 0)
		r = write_near(deltas, fd);
	if (r < 0)
		blob_abandon(deltas->blobs);
	return r;
}

static int make_all(struct deltas *deltas)
{
	int r = find_bases(deltas);

	if (r == 0 && deltas->n_bases == 0 && deltas->options->bundle)
		r = make_bundle(deltas, NULL, NULL, NULL);
	if (r == 0 && deltas->n_bases > 0 && deltas->options->bundle)
		r = near_new(&deltas->fresh, &deltas->near, deltas->err);
	for (size_t i = 0; r == 0 && i < deltas->n_bases; i++)
		r = make_from(deltas, i);
	return r < 0 ? r : make_near(deltas);
}

static int start(struct deltas *deltas, int tree_fd, struct pack_result *packed)
{
	const struct spool_options options = { .level = deltas->pack->level,
					       .threads = deltas->pack->threads,
					       .progress = deltas->pack->progress };
	_cleanup_close_ int fd = -1;
	int r = stock_of_tree_consume(tree_fd, TAKE_PTR(packed->tree), &deltas->fresh, deltas->err);

	if (r == 0)
		r = fd_open_dir(deltas->repo->dirfd, REPO_BLOBS_DIR, &deltas->blobs, deltas->err);
	if (r == 0)
		r = workroom_open(deltas->repo->statefd, &deltas->workroom, deltas->err);
	if (r == 0)
		r = workroom_file(&deltas->workroom, &fd, deltas->err);
	return r < 0 ? r : spool_new(fd, &options, &deltas->spool, deltas->err);
}

int delta_run(struct repo *repo, int tree_fd, const struct pack_options *pack,
	      const struct delta_options *options, struct pack_result *packed, struct offer *offer,
	      struct error *err)
{
	_cleanup_(deltas_done) struct deltas deltas = { .repo = repo,
							.pack = pack,
							.options = options,
							.offer = offer,
							.workroom = WORKROOM_NONE,
							.fresh = STOCK_NONE,
							.blobs = -1,
							.err = err };
	int r;

	offer->n_bundles = 0;
	offer->near = (struct offer_near){};
	if (!options->bundle && options->bases == 0)
		return 0;
	r = start(&deltas, tree_fd, packed);
	return r < 0 ? r : make_all(&deltas);
}
