#include "publish/audit-bundles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "publish/blob.h"
#include "publish/catalog.h"
#include "publish/inspect.h"
#include "publish/workroom.h"

#define FOLDER	  "tree"
#define PATH_MAX_ 4096
#define CHUNK	  (256 * 1024)

struct auditing {
	int dirfd;
	int blobs;
	const struct offer *offer;
	struct audit_bundles_result *result;
	char parent[PATH_MAX_]; /* the temporary folder; "": none yet */
	int parent_fd;
	struct workroom workroom;
	struct error *err;
};

static void auditing_done(struct auditing *auditing)
{
	workroom_close(&auditing->workroom);
	cleanup_close(&auditing->parent_fd);
	cleanup_close(&auditing->blobs);
	if (auditing->parent[0])
		(void)rmdir(auditing->parent);
}

/* ---- the older release ---- */

static int make_room(struct auditing *auditing)
{
	const char *where = getenv("TMPDIR");
	char path[PATH_MAX_];
	int r;

	if (auditing->parent[0])
		return 0;
	(void)snprintf(path, sizeof(path), "%s/flipslot-XXXXXX",
		       where && where[0] == '/' ? where : "/var/tmp");
	if (!mkdtemp(path))
		return error_errno(auditing->err, "making %s", path);
	memcpy(auditing->parent, path, sizeof(path));
	r = fd_open_dir(AT_FDCWD, path, &auditing->parent_fd, auditing->err);
	return r < 0 ? r : workroom_open(auditing->parent_fd, &auditing->workroom, auditing->err);
}

struct search {
	const struct digest *index;
	struct digest full;
};

static int consider(void *data, const char *file, const struct offer *offer, struct error *err)
{
	struct search *search = data;

	(void)file;
	(void)err;
	if (digest_equal(&offer->index, search->index))
		search->full = offer->full;
	return 0;
}

/* > 0: BLOB_ABSENT. That it is the release which the bundle starts from is said by its index. */
static int unpack(struct auditing *auditing, const struct digest *from, struct stock *ret_stock)
{
	const struct offer *offer = auditing->offer;
	const struct catalog_name name = { offer->app, offer->channel, offer->arch };
	struct search search = { .index = from };
	_cleanup_close_ int fd = -1;
	_cleanup_close_ int folder = -1;
	struct digest index;
	int r = catalog_scan(auditing->dirfd, &name, consider, &search, auditing->err);

	if (r == 0)
		r = digest_is_null(&search.full) ?
			    BLOB_ABSENT :
			    blob_open(auditing->blobs, &search.full, &fd, auditing->err);
	if (r != 0)
		return r;
	r = make_room(auditing);
	if (r == 0)
		r = workroom_folder(&auditing->workroom, FOLDER, &folder, auditing->err);
	if (r == 0)
		r = stock_unpack(folder, fd, &search.full, ret_stock, auditing->err);
	if (r == 0)
		r = index_encode(ret_stock->index, NULL, NULL, &index, auditing->err);
	if (r == 0 && !digest_equal(&index, from))
		r = error_set(auditing->err, FAULT_CORRUPT,
			      "the release that it starts from is another one");
	return r;
}

/* ---- the bundle ---- */

static int check_digest(struct auditing *auditing, int fd, const struct offer_bundle *bundle)
{
	_cleanup_(digester_freep) struct digester *digester = NULL;
	_cleanup_free_ uint8_t *buffer = malloc(CHUNK);
	struct digest digest;
	uint64_t length = 0;
	ssize_t n = 1;
	int r = buffer ? digester_new(&digester, auditing->err) :
			 error_errno(auditing->err, "reading");

	if (r == 0)
		r = digester_reset(digester, auditing->err);
	while (r == 0 && n > 0) {
		n = fd_read_full(fd, buffer, CHUNK);
		if (n > 0)
			r = digester_update(digester, buffer, (size_t)n, auditing->err);
		length += n > 0 ? (uint64_t)n : 0;
	}
	if (n < 0)
		return error_errno(auditing->err, "reading");
	if (r == 0)
		r = digester_finish(digester, &digest, auditing->err);
	if (r == 0 && (length != bundle->length || !digest_equal(&digest, &bundle->blob)))
		r = error_set(auditing->err, FAULT_CORRUPT, "not what was published");
	auditing->result->undecoded++;
	return r;
}

/* from: null: it has no base. */
static int check_blob(struct auditing *auditing, const struct offer_bundle *bundle,
		      const struct digest *from)
{
	struct inspect_bundle inspected = { .length = bundle->length,
					    .digest = bundle->blob,
					    .head_length = bundle->head,
					    .head_digest = bundle->head_digest,
					    .index = auditing->offer->index };
	_cleanup_stock_ struct stock old = STOCK_NONE;
	_cleanup_close_ int fd = -1;
	int r = blob_open(auditing->blobs, &bundle->blob, &fd, auditing->err);

	if (r == BLOB_ABSENT)
		return error_set(auditing->err, FAULT_CORRUPT, "is missing");
	if (r == 0 && !digest_is_null(from)) {
		r = unpack(auditing, from, &old);
		inspected.base = &old;
	}
	if (r == BLOB_ABSENT)
		return check_digest(auditing, fd, bundle);
	inspected.fd = fd;
	return r < 0 ? r : inspect_run(&inspected, auditing->err);
}

static int check_bundle(struct auditing *auditing, const struct offer_bundle *bundle,
			const struct digest *from)
{
	char hex[DIGEST_HEX_MAX];
	int r = check_blob(auditing, bundle, from);

	if (r < 0)
		return error_prefix(auditing->err, r, REPO_BLOBS_DIR "/%s",
				    digest_to_hex(&bundle->blob, hex));
	auditing->result->bundles++;
	auditing->result->bytes += bundle->length;
	return 0;
}

int audit_bundles_run(int dirfd, const struct offer *offer, struct audit_bundles_result *result,
		      struct error *err)
{
	_cleanup_(auditing_done) struct auditing auditing = { .dirfd = dirfd,
							      .blobs = -1,
							      .offer = offer,
							      .result = result,
							      .parent_fd = -1,
							      .workroom = WORKROOM_NONE,
							      .err = err };
	int r = fd_open_dir(dirfd, REPO_BLOBS_DIR, &auditing.blobs, err);

	for (size_t i = 0; r == 0 && i < offer->n_bundles; i++)
		r = check_bundle(&auditing, &offer->bundles[i], &offer->bundles[i].from);
	if (r == 0 && offer->near.n_from > 0)
		r = check_bundle(&auditing, &offer->near.bundle, &offer->near.from[0]);
	return r;
}
