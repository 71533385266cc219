#include "install/stage.h"

#include <limits.h>
#include <string.h>

#include "install/sealing.h"
#include "install/tree.h"
#include "release/directory.h"
#include "store/layout.h"

#define ENTRY_ROOM 4096 /* of a header and what fills its blocks, in a tar */

/* One staging, from an archive or from a directory. */
struct staging {
	int dirfd;
	enum slot slot;
	const struct stage_options *options;
	const struct stage_listener *listener;
	enum stage_step step;
	struct pieces *pieces; /* the archive; NULL: a directory, source_fd */
	int source_fd;
	int slot_fd;
	uint64_t bytes; /* of all files, once they are scanned */
};

static void staging_done(struct staging *staging)
{
	pieces_free(staging->pieces);
	cleanup_close(&staging->slot_fd);
}

const char *stage_step_name(enum stage_step step)
{
	static const char *const names[STAGE_MAX] = {
		[STAGE_CLONE] = "clone", [STAGE_FETCH] = "fetch", [STAGE_VERIFY] = "verify",
		[STAGE_SCAN] = "scan",	 [STAGE_WRITE] = "write", [STAGE_SYNC] = "sync",
	};

	return names[step];
}

/* ---- progress ---- */

static int on_progress(void *data, uint64_t done, uint64_t total, struct error *err)
{
	const struct staging *staging = data;
	const struct stage_listener *listener = staging->listener;

	if (!listener || !listener->progress)
		return 0;
	return listener->progress(listener->data, staging->step, done, total, err);
}

static int begin(struct staging *staging, enum stage_step step, uint64_t total, struct error *err)
{
	staging->step = step;
	return on_progress(staging, 0, total, err);
}

static int end(struct staging *staging, uint64_t total, struct error *err)
{
	return on_progress(staging, total, total, err);
}

/* ---- before anything is written ---- */

static int verify(struct staging *staging, const struct descriptor *descriptor, struct error *err)
{
	bool trust_me = descriptor->origin == ORIGIN_TRUST_ME;
	const struct digest *expected = &descriptor->source;
	int r;

	if (digest_is_null(expected) && !trust_me)
		return error_set(err, FAULT_UNTRUSTED,
				 "no SHA-256 of the archive was given: all zeroes are none");
	r = begin(staging, STAGE_VERIFY, 0, err);
	if (r < 0)
		return r;
	return pieces_new(staging->source_fd, digest_is_null(expected) ? NULL : expected,
			  staging->options->max_archive_bytes, on_progress, staging,
			  &staging->pieces, err);
}

static int scan_source(struct staging *staging, struct index **ret_index, struct error *err)
{
	if (!staging->pieces)
		return directory_scan(staging->source_fd, &staging->options->archive, ret_index,
				      err);
	return archive_scan(staging->pieces, &staging->options->archive, on_progress, staging,
			    ret_index, err);
}

static int scan(struct staging *staging, struct index **ret_index, struct error *err)
{
	uint64_t total = staging->pieces ? pieces_bytes(staging->pieces) : 0;
	int r = begin(staging, STAGE_SCAN, total, err);

	if (r == 0)
		r = scan_source(staging, ret_index, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < index_count(*ret_index); i++)
		staging->bytes += index_at(*ret_index, i)->size;
	return end(staging, total, err);
}

static int check_space(const struct staging *staging, const struct index *index, struct error *err)
{
	struct plan_space space;
	struct plan plan;
	int r = plan_measure(staging->dirfd, staging->slot_fd, &space, err);

	if (r < 0)
		return r;
	plan = plan_of(index, space.block_size);
	return plan_check(&plan, &space, staging->options->reserve_bytes, err);
}

/* ---- writing ---- */

static int write_source(struct staging *staging, struct tree *tree, struct error *err)
{
	if (!staging->pieces)
		return directory_read(staging->source_fd, &staging->options->archive,
				      staging->bytes, &tree_sink, tree, on_progress, staging, err);
	return archive_read(staging->pieces, &staging->options->archive, &tree_sink, tree,
			    on_progress, staging, err);
}

static bool is_same(const struct index_entry *a, const struct index_entry *b)
{
	return a->type == b->type && a->mode == b->mode && a->size == b->size &&
	       strcmp(a->path, b->path) == 0 && !a->target == !b->target &&
	       (!a->target || strcmp(a->target, b->target) == 0);
}

/* Both reads were of the same bytes, so that this is a check of ourselves, or of a moving directory. */
static int check_same(const struct staging *staging, const struct index *scanned,
		      const struct index *written, struct error *err)
{
	bool same = index_count(scanned) == index_count(written);

	for (size_t i = 0; same && i < index_count(scanned); i++)
		same = is_same(index_at(scanned, i), index_at(written, i));
	if (same)
		return 0;
	return error_set(err, staging->pieces ? FAULT_INTERNAL : FAULT_BUSY,
			 "the second read found other files than the first one");
}

static int write_tree(struct staging *staging, struct index **ret_index, struct error *err)
{
	_cleanup_(tree_freep) struct tree *tree = NULL;
	uint64_t total = staging->pieces ? pieces_bytes(staging->pieces) : staging->bytes;
	int r = begin(staging, STAGE_WRITE, total, err);

	if (r == 0)
		r = tree_new(staging->slot_fd, &tree, err);
	if (r == 0)
		r = write_source(staging, tree, err);
	if (r == 0)
		r = tree_finish(tree, ret_index, err);
	return r < 0 ? r : end(staging, total, err);
}

static int sync_tree(struct staging *staging, struct index *written, struct descriptor *descriptor,
		     struct text *ret_seal, struct error *err)
{
	const struct sealing sealing = { .slot_fd = staging->slot_fd, .index = written };
	int r = begin(staging, STAGE_SYNC, 1, err);

	if (r == 0)
		r = sealing_sync(&sealing, descriptor, ret_seal, err);
	return r < 0 ? r : end(staging, 1, err);
}

static int sync_and_seal(struct staging *staging, struct index *written,
			 struct descriptor *descriptor, struct error *err)
{
	_cleanup_text_ struct text seal = {};
	int r = sync_tree(staging, written, descriptor, &seal, err);

	return r < 0 ? r : seal_put(staging->dirfd, staging->slot, &seal, err);
}

static int fill_slot(struct staging *staging, const struct index *scanned,
		     struct descriptor *descriptor, struct error *err)
{
	_cleanup_(index_freep) struct index *written = NULL;
	int r = write_tree(staging, &written, err);

	if (r == 0)
		r = check_same(staging, scanned, written, err);
	if (r < 0)
		return r;
	descriptor->bytes = staging->bytes;
	return sync_and_seal(staging, written, descriptor, err);
}

/* A full disk does not stay full because of us. The reason to tell is the first one. */
static void give_space_back(const struct staging *staging, const struct error *err)
{
	if (err->fault == FAULT_NO_SPACE)
		(void)layout_clear_slot(staging->dirfd, staging->slot, NULL);
}

static int stage(struct staging *staging, struct descriptor *descriptor, struct error *err)
{
	_cleanup_(index_freep) struct index *scanned = NULL;
	struct error own;
	int r;

	if (!err)
		err = &own;
	r = layout_open_slot(staging->dirfd, staging->slot, &staging->slot_fd, err);
	if (r == 0)
		r = scan(staging, &scanned, err);
	if (r == 0)
		r = check_space(staging, scanned, err);
	if (r == 0)
		r = layout_clear_slot(staging->dirfd, staging->slot, err);
	if (r < 0)
		return r;
	r = fill_slot(staging, scanned, descriptor, err);
	if (r < 0)
		give_space_back(staging, err);
	return r;
}

int stage_archive(int dirfd, enum slot slot, int archive_fd, const struct stage_options *options,
		  const struct stage_listener *listener, struct descriptor *descriptor,
		  struct error *err)
{
	_cleanup_(staging_done) struct staging staging = {
		.dirfd = dirfd,
		.slot = slot,
		.options = options,
		.listener = listener,
		.source_fd = archive_fd,
		.slot_fd = -1,
	};
	struct descriptor complete = *descriptor;
	int r = seal_check(descriptor, err);

	if (r == 0)
		r = verify(&staging, descriptor, err);
	if (r < 0)
		return r;
	complete.source = *pieces_digest(staging.pieces);
	r = stage(&staging, &complete, err);
	if (r == 0)
		*descriptor = complete;
	return r;
}

int stage_directory(int dirfd, enum slot slot, int source_fd, const struct stage_options *options,
		    const struct stage_listener *listener, struct descriptor *descriptor,
		    struct error *err)
{
	_cleanup_(staging_done) struct staging staging = {
		.dirfd = dirfd,
		.slot = slot,
		.options = options,
		.listener = listener,
		.source_fd = source_fd,
		.slot_fd = -1,
	};
	struct descriptor complete = *descriptor;
	int r = seal_check(descriptor, err);

	if (r == 0)
		r = stage(&staging, &complete, err);
	if (r == 0)
		*descriptor = complete;
	return r;
}

/* ---- arriving ---- */

static int check_promised(struct index *written, const struct descriptor *descriptor,
			  struct error *err)
{
	struct digest digest;
	int r = index_encode(written, NULL, NULL, &digest, err);

	if (r < 0 || digest_equal(&digest, &descriptor->index))
		return r;
	return error_set(err, FAULT_CORRUPT, "%s unpacks to something else than its metadata says",
			 descriptor->version);
}

static int fill_slot_arriving(struct staging *staging, struct descriptor *descriptor,
			      struct error *err)
{
	_cleanup_(index_freep) struct index *written = NULL;
	int r = write_tree(staging, &written, err);

	if (r == 0)
		r = check_promised(written, descriptor, err);
	return r < 0 ? r : sync_and_seal(staging, written, descriptor, err);
}

/* Nothing of the slot is touched before the first verified byte is there. */
static int clear_when_begun(struct staging *staging, struct error *err)
{
	const void *bytes;
	size_t size;
	int r = 0;

	if (pieces_bytes(staging->pieces) > 0)
		r = pieces_read(staging->pieces, 0, &bytes, &size, err);
	if (r == 0)
		r = begin(staging, STAGE_WRITE, pieces_bytes(staging->pieces), err);
	if (r == 0)
		r = layout_open_slot(staging->dirfd, staging->slot, &staging->slot_fd, err);
	return r < 0 ? r : layout_clear_slot(staging->dirfd, staging->slot, err);
}

/* The metadata says how much is in it, which is no bomb, however little it packs to: more is one. */
static void expect_promised(struct archive_options *archive, const struct descriptor *descriptor,
			    uint64_t packed)
{
	uint64_t bytes = descriptor->bytes + descriptor->files * ENTRY_ROOM;
	uint64_t ratio = packed > 0 ? bytes / packed + 1 : 0;

	if (archive->max_bytes > descriptor->bytes)
		archive->max_bytes = descriptor->bytes;
	if (archive->max_ratio > 0 && archive->max_ratio < ratio)
		archive->max_ratio = ratio < UINT_MAX ? (unsigned int)ratio : UINT_MAX;
}

int stage_arriving(int dirfd, enum slot slot, struct pieces *pieces,
		   const struct stage_options *options, const struct stage_listener *listener,
		   struct descriptor *descriptor, struct error *err)
{
	_cleanup_close_ int slot_fd = -1;
	struct stage_options own = *options;
	struct staging staging = {
		.dirfd = dirfd,
		.slot = slot,
		.options = &own,
		.listener = listener,
		.pieces = pieces,
		.source_fd = -1,
		.slot_fd = -1,
		.bytes = descriptor->bytes,
	};
	struct descriptor complete = *descriptor;
	struct error own_err;
	int r;

	if (!err)
		err = &own_err;
	expect_promised(&own.archive, descriptor, pieces_bytes(pieces));
	r = seal_check(descriptor, err);
	if (r == 0)
		r = clear_when_begun(&staging, err);
	// NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores): it is closed with it
	slot_fd = staging.slot_fd;
	if (r == 0)
		r = fill_slot_arriving(&staging, &complete, err);
	if (r < 0) {
		give_space_back(&staging, err);
		return r;
	}
	*descriptor = complete;
	return 0;
}
