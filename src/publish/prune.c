#include "publish/prune.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "publish/catalog.h"
#include "publish/document.h"
#include "store/durable.h"

#define FILE_MAX 512

/* An offer that there is or was. */
struct version {
	uint64_t sequence;
	uint64_t since; /* usec: when its file was written */
	bool listed; /* in targets, published or pending */
	struct digest full;
	struct digest bundles[OFFER_BUNDLES_MAX + 1];
	size_t n_bundles;
	size_t any; /* the one without base; n_bundles: there is none */
};

struct pruning {
	struct repo *repo;
	const struct prune_options *options;
	struct version *versions; /* of the name under way */
	size_t n_versions, version_room;
	struct digest *needed;
	size_t n_needed, needed_room;
};

static void pruning_done(const struct pruning *pruning)
{
	free(pruning->versions);
	free(pruning->needed);
}

/* ---- offers ---- */

static void *grow(void *items, size_t n, size_t *room, size_t size)
{
	void *more = items;

	if (n == *room) {
		*room = n > 0 ? 2 * n : 16;
		more = reallocarray(items, *room, size);
	}
	return more;
}

/* Do the targets list the file "targets/APP/CHANNEL/HEX.ARCH.json"? */
static bool lists(const json_t *document, const struct offer *offer, const char *file)
{
	const char *hex = strrchr(file, '/') + 1;
	char path[FILE_MAX];
	const json_t *target;
	const char *listed;

	if (!document ||
	    offer_path(offer->app, offer->channel, offer->arch, path, sizeof(path), NULL) < 0)
		return false;
	target = json_object_get(json_object_get(document_body((json_t *)document), "targets"),
				 path);
	listed = json_string_value(json_object_get(json_object_get(target, "hashes"), "sha256"));
	return listed && strncmp(hex, listed, DIGEST_HEX_MAX - 1) == 0;
}

static int note_version(void *data, const char *file, const struct offer *offer, struct error *err)
{
	struct pruning *pruning = data;
	const struct repo *repo = pruning->repo;
	struct version *version;
	struct stat st;
	void *more = grow(pruning->versions, pruning->n_versions, &pruning->version_room,
			  sizeof(*pruning->versions));

	if (!more)
		return error_errno(err, "listing offers");
	pruning->versions = more;
	if (fstatat(repo->dirfd, file, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "%s", file);
	version = &pruning->versions[pruning->n_versions++];
	*version = (struct version){
		.sequence = offer->sequence,
		.since = (uint64_t)st.st_mtim.tv_sec * USEC_PER_SEC,
		.listed = lists(repo->published[ROOT_ROLE_TARGETS], offer, file) ||
			  lists(repo->pending[ROOT_ROLE_TARGETS], offer, file),
		.full = offer->full,
		.n_bundles = offer->n_bundles,
		.any = offer->n_bundles,
	};
	for (size_t i = 0; i < offer->n_bundles; i++) {
		version->bundles[i] = offer->bundles[i].blob;
		if (digest_is_null(&offer->bundles[i].from))
			version->any = i;
	}
	if (offer->near.n_from > 0)
		version->bundles[version->n_bundles++] = offer->near.bundle.blob;
	if (version->any == offer->n_bundles)
		version->any = version->n_bundles;
	return 0;
}

static int compare_versions(const void *a, const void *b)
{
	const struct version *x = a, *y = b;

	if (x->sequence != y->sequence)
		return x->sequence < y->sequence ? -1 : 1;
	return (x->since > y->since) - (x->since < y->since);
}

/* ---- what is needed ---- */

static int need(struct pruning *pruning, const struct digest *digest, struct error *err)
{
	void *more = grow(pruning->needed, pruning->n_needed, &pruning->needed_room,
			  sizeof(*pruning->needed));

	if (!more)
		return error_errno(err, "listing blobs");
	pruning->needed = more;
	pruning->needed[pruning->n_needed++] = *digest;
	return 0;
}

static int need_version(struct pruning *pruning, const struct version *version, bool all,
			struct error *err)
{
	int r = need(pruning, &version->full, err);

	for (size_t i = 0; r == 0 && i < version->n_bundles; i++)
		if (all || i == version->any)
			r = need(pruning, &version->bundles[i], err);
	return r;
}

/* One is offered until the next one is. */
static bool was_offered_lately(const struct pruning *pruning, size_t i)
{
	uint64_t now = pruning->repo->options.now;
	uint64_t until = i + 1 < pruning->n_versions ? pruning->versions[i + 1].since : now;

	return until >= now || now - until < pruning->options->grace;
}

static int need_versions(struct pruning *pruning, struct error *err)
{
	int r = 0;

	qsort(pruning->versions, pruning->n_versions, sizeof(*pruning->versions), compare_versions);
	for (size_t i = 0; r == 0 && i < pruning->n_versions; i++) {
		const struct version *version = &pruning->versions[i];
		bool all = version->listed || was_offered_lately(pruning, i);

		if (all || pruning->n_versions - i <= pruning->options->keep)
			r = need_version(pruning, version, all, err);
	}
	return r;
}

static int visit_name(void *data, const char *path, const struct offer *offer, struct error *err)
{
	struct pruning *pruning = data;
	const struct catalog_name name = { offer->app, offer->channel, offer->arch };
	int r;

	(void)path;
	pruning->n_versions = 0;
	r = catalog_scan(pruning->repo->dirfd, &name, note_version, pruning, err);
	return r < 0 ? r : need_versions(pruning, err);
}

static int compare_digests(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct digest));
}

/* ---- blobs ---- */

static int consider(struct pruning *pruning, int dirfd, const char *name,
		    struct prune_result *result, struct error *err)
{
	const struct prune_options *options = pruning->options;
	struct digest digest;
	struct stat st;

	if (strlen(name) != DIGEST_HEX_MAX - 1 || digest_from_hex(name, &digest, NULL) < 0 ||
	    fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return 0;
	if (pruning->n_needed > 0 &&
	    bsearch(&digest, pruning->needed, pruning->n_needed, sizeof(digest), compare_digests)) {
		result->kept++;
		return 0;
	}
	if (!options->dry && unlinkat(dirfd, name, 0) < 0)
		return error_errno(err, "removing the blob %s", name);
	result->blobs++;
	result->bytes += (uint64_t)st.st_size;
	if (options->removed)
		options->removed(options->data, name, (uint64_t)st.st_size);
	return 0;
}

static int sweep(struct pruning *pruning, struct prune_result *result, struct error *err)
{
	_cleanup_close_ int fd = -1;
	const struct dirent *entry;
	DIR *dir;
	int r = fd_open_dir(pruning->repo->dirfd, REPO_BLOBS_DIR, &fd, err);

	if (r < 0)
		return r;
	dir = fdopendir(fd);
	if (!dir)
		return error_errno(err, "listing blobs");
	(void)TAKE_FD(fd);
	while (r == 0 && (entry = readdir(dir)) != NULL)
		r = consider(pruning, dirfd(dir), entry->d_name, result, err);
	if (r == 0)
		r = durable_sync_dir(dirfd(dir), err);
	(void)closedir(dir);
	return r;
}

int prune_run(struct repo *repo, const struct prune_options *options,
	      struct prune_result *ret_result, struct error *err)
{
	_cleanup_(pruning_done) struct pruning pruning = { .repo = repo, .options = options };
	struct prune_result result = {};
	int r = catalog_list(repo, visit_name, &pruning, err);

	if (r < 0)
		return r;
	if (pruning.n_needed > 0)
		qsort(pruning.needed, pruning.n_needed, sizeof(*pruning.needed), compare_digests);
	r = sweep(&pruning, &result, err);
	if (r == 0)
		*ret_result = result;
	return r;
}
