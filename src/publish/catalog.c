#include "publish/catalog.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "publish/blob.h"
#include "publish/bodies.h"
#include "publish/document.h"
#include "store/durable.h"
#include "trust/filename.h"

#define PATH_MAX_ 256
#define FILE_MAX  512

/* ---- reading ---- */

static int read_offer(int dirfd, const char *file, struct offer **ret_offer, struct error *err)
{
	_cleanup_free_ char *data = NULL;
	size_t size;
	int r = fd_read_file(dirfd, file, OFFER_MAX, &data, &size, err);

	if (r == FD_ABSENT)
		return error_set(err, FAULT_CORRUPT, "%s is missing", file);
	if (r == 0)
		r = offer_decode(data, size, ret_offer, err);
	return r < 0 ? error_prefix(err, r, "%s", file) : 0;
}

static int file_of(const char *path, const char *hex, char ret_file[static FILE_MAX],
		   struct error *err)
{
	_cleanup_free_ char *name = NULL;
	int r = filename_of_target(path, hex, &name, err);

	if (r == 0)
		(void)snprintf(ret_file, FILE_MAX, REPO_TARGETS_DIR "/%s", name);
	return r;
}

static const json_t *targets_of(const struct repo *repo)
{
	return json_object_get(document_body(repo_latest(repo, ROOT_ROLE_TARGETS)), "targets");
}

/* > 0: CATALOG_ABSENT */
static int get(const struct repo *repo, const char *path, struct offer **ret_offer,
	       struct error *err)
{
	const json_t *target = json_object_get(targets_of(repo), path);
	const json_t *hashes = json_object_get(target, "hashes");
	const char *hex = json_string_value(json_object_get(hashes, "sha256"));
	char file[FILE_MAX];
	int r;

	if (!target)
		return CATALOG_ABSENT;
	r = file_of(path, hex, file, err);
	return r < 0 ? r : read_offer(repo->dirfd, file, ret_offer, err);
}

static int path_of(const struct catalog_name *name, char ret_path[static PATH_MAX_],
		   struct error *err)
{
	return offer_path(name->app, name->channel, name->arch, ret_path, PATH_MAX_, err);
}

int catalog_get(const struct repo *repo, const struct catalog_name *name, struct offer **ret_offer,
		struct error *err)
{
	char path[PATH_MAX_];
	int r = path_of(name, path, err);

	return r < 0 ? r : get(repo, path, ret_offer, err);
}

int catalog_list(const struct repo *repo, catalog_visit visit, void *data, struct error *err)
{
	_cleanup_(jread_freep) json_t *sorted = NULL;
	_cleanup_free_ char *text = json_dumps(targets_of(repo), JSON_SORT_KEYS | JSON_ENCODE_ANY);
	const char *path;
	json_t *target;

	sorted = text ? json_loads(text, 0, NULL) : NULL; /* in the order of the text */
	json_object_foreach(sorted, path, target) {
		_cleanup_(offer_freep) struct offer *offer = NULL;
		int r = get(repo, path, &offer, err);

		if (r == 0)
			r = visit(data, path, offer, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- older ones ---- */

/* "64 digits.ARCH.json"? */
static bool is_offer_of(const char *file, const char *arch)
{
	size_t hex = DIGEST_HEX_MAX - 1;
	size_t size = strlen(arch);

	return strspn(file, "0123456789abcdef") == hex && file[hex] == '.' &&
	       strncmp(file + hex + 1, arch, size) == 0 &&
	       strcmp(file + hex + 1 + size, ".json") == 0;
}

static int scan(int dirfd, DIR *dir, const struct catalog_name *name, catalog_visit visit,
		void *data, struct error *err)
{
	const struct dirent *entry;
	int r = 0;

	while (r == 0 && (entry = readdir(dir)) != NULL) {
		_cleanup_(offer_freep) struct offer *offer = NULL;
		char file[FILE_MAX];

		if (!is_offer_of(entry->d_name, name->arch))
			continue;
		(void)snprintf(file, sizeof(file), REPO_TARGETS_DIR "/%s/%s/%.200s", name->app,
			       name->channel, entry->d_name);
		if (read_offer(dirfd, file, &offer, NULL) == 0 && offer)
			r = visit(data, file, offer, err);
	}
	return r;
}

/* -1: there is none. */
static int open_folder(int dirfd, const struct catalog_name *name, int *ret_fd, struct error *err)
{
	char file[FILE_MAX];
	char path[PATH_MAX_];
	int r = path_of(name, path, err);

	if (r < 0)
		return r;
	(void)snprintf(file, sizeof(file), REPO_TARGETS_DIR "/%s/%s", name->app, name->channel);
	*ret_fd = fd_open_beneath(dirfd, file, O_RDONLY | O_DIRECTORY, 0);
	return 0;
}

int catalog_scan(int dirfd, const struct catalog_name *name, catalog_visit visit, void *data,
		 struct error *err)
{
	int fd = -1;
	DIR *dir;
	int r = open_folder(dirfd, name, &fd, err);

	if (r < 0)
		return r;
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		cleanup_close(&fd);
		return 0;
	}
	r = scan(dirfd, dir, name, visit, data, err);
	(void)closedir(dir);
	return r;
}

struct finding {
	uint64_t sequence;
	char file[FILE_MAX];
};

/* Of two offers of a sequence (one of them was never published) always the same. */
static int consider(void *data, const char *file, const struct offer *offer, struct error *err)
{
	struct finding *finding = data;

	(void)err;
	if (offer->sequence == finding->sequence &&
	    (!finding->file[0] || strcmp(file, finding->file) < 0))
		(void)text_copy(file, finding->file, FILE_MAX);
	return 0;
}

int catalog_find(const struct repo *repo, const struct catalog_name *name, uint64_t sequence,
		 struct offer **ret_offer, struct error *err)
{
	struct finding finding = { .sequence = sequence };
	int r = catalog_scan(repo->dirfd, name, consider, &finding, err);

	if (r < 0)
		return r;
	return finding.file[0] ? read_offer(repo->dirfd, finding.file, ret_offer, err) :
				 CATALOG_ABSENT;
}

/* ---- writing ---- */

static int tidy_folder(const struct repo *repo, const char *path, struct error *err)
{
	_cleanup_close_ int fd = fd_open_beneath(repo->dirfd, path, O_RDONLY | O_DIRECTORY, 0);

	return fd < 0 ? 0 : durable_tidy(fd, err); /* there is none yet */
}

/* What a publisher that was killed was writing, or making. */
static int tidy(const struct repo *repo, const struct catalog_name *name, struct error *err)
{
	char path[PATH_MAX_];
	int r = path_of(name, path, err);

	if (r == 0)
		r = tidy_folder(repo, REPO_TARGETS_DIR, err);
	(void)snprintf(path, sizeof(path), REPO_TARGETS_DIR "/%s", name->app);
	if (r == 0)
		r = tidy_folder(repo, path, err);
	(void)snprintf(path, sizeof(path), REPO_TARGETS_DIR "/%s/%s", name->app, name->channel);
	return r < 0 ? r : tidy_folder(repo, path, err);
}

static int make_folders(const struct repo *repo, const struct offer *offer, struct error *err)
{
	char path[PATH_MAX_];
	int r;

	(void)snprintf(path, sizeof(path), REPO_TARGETS_DIR "/%s", offer->app);
	r = durable_mkdir(repo->dirfd, path, 0755, err);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), REPO_TARGETS_DIR "/%s/%s", offer->app, offer->channel);
	return durable_mkdir(repo->dirfd, path, 0755, err);
}

static int put(struct repo *repo, const struct offer *offer, struct error *err)
{
	const struct catalog_name name = { offer->app, offer->channel, offer->arch };
	_cleanup_free_ char *data = NULL;
	char hex[DIGEST_HEX_MAX];
	char path[PATH_MAX_];
	char file[FILE_MAX];
	struct digest digest = {};
	json_t *targets = NULL;
	size_t size = 0;
	int r = path_of(&name, path, err);

	if (r == 0)
		r = offer_encode(offer, &data, &size, err);
	if (r == 0)
		r = digest_of(data, size, &digest, err);
	if (r == 0)
		r = file_of(path, digest_to_hex(&digest, hex), file, err);
	if (r == 0)
		r = make_folders(repo, offer, err);
	if (r == 0)
		r = durable_replace(repo->dirfd, file, data, size, 0644, err);
	if (r == 0)
		r = repo_edit(repo, ROOT_ROLE_TARGETS, &targets, err);
	return r < 0 ? r : bodies_set_target(targets, path, data, size, err);
}

/* ---- a release ---- */

static void take_pack(struct offer *offer, struct pack_result *packed)
{
	offer->index = packed->index;
	offer->bytes = packed->bytes;
	offer->files = packed->files;
	offer->full = packed->digest;
	offer->full_length = packed->length;
	offer->n_pieces = packed->n_pieces;
	free(offer->pieces);
	offer->pieces = TAKE_PTR(packed->pieces);
}

static void require_text(const char *text, char *ret_text, size_t room)
{
	if (text)
		(void)text_copy(text, ret_text, room);
}

/* In the folders of programs that it has; as the device asks of its own ones (deploy/host). */
static bool brings(int tree_fd, const char *command)
{
	static const char *const folders[] = { "bin", "sbin", "usr/bin", "usr/sbin" };
	struct stat st;
	char path[OFFER_NAMES_MAX + 16];

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folders[i], command);
		if (!strchr(command, '/') && fstatat(tree_fd, path, &st, 0) == 0 &&
		    S_ISREG(st.st_mode) && (st.st_mode & 0111))
			return true;
	}
	return false;
}

/* A machine need not have what the release brings itself. What is left out leaves zeroes: offers are compared as they lie in memory. */
static void leave_out_own(int tree_fd, char commands[static OFFER_NAMES_MAX])
{
	char left[OFFER_NAMES_MAX] = "", name[OFFER_NAMES_MAX];
	const char *at = commands;
	size_t end = 0;
	bool all = true;

	while (*(at += strspn(at, " "))) {
		size_t size = strcspn(at, " ");

		(void)snprintf(name, sizeof(name), "%.*s", (int)size, at);
		at += size;
		if (brings(tree_fd, name)) {
			all = false;
			continue;
		}
		if (end > 0)
			left[end++] = ' ';
		memcpy(left + end, name, size);
		end += size;
	}
	if (!all)
		memcpy(commands, left, sizeof(left));
}

static void require(int tree_fd, struct offer_requires *needs,
		    const struct catalog_release *release)
{
	if (release->from != CATALOG_KEEP)
		needs->from = release->from;
	if (release->memory != CATALOG_KEEP)
		needs->memory = release->memory;
	require_text(release->kernel, needs->kernel, sizeof(needs->kernel));
	require_text(release->glibc, needs->glibc, sizeof(needs->glibc));
	require_text(release->os, needs->os, sizeof(needs->os));
	require_text(release->libraries, needs->libraries, sizeof(needs->libraries));
	require_text(release->commands, needs->commands, sizeof(needs->commands));
	leave_out_own(tree_fd, needs->commands);
}

/* What is not given stays as it was. */
static bool asks_the_same(int tree_fd, const struct offer *offer,
			  const struct catalog_release *release)
{
	struct offer_requires needs;

	memcpy(&needs, &offer->requires, sizeof(needs)); /* with what lies between the members */
	require(tree_fd, &needs, release);
	return memcmp(&needs, &offer->requires, sizeof(needs)) == 0 &&
	       (release->min_sequence == CATALOG_KEEP ||
		release->min_sequence == offer->min_sequence) &&
	       (release->epoch == CATALOG_KEEP || release->epoch == offer->epoch) &&
	       (!release->check || command_equal(release->check, &offer->check));
}

static bool is_same(int tree_fd, const struct offer *offer, const struct catalog_release *release,
		    const struct pack_result *packed)
{
	return digest_equal(&offer->index, &packed->index) &&
	       strcmp(offer->version, release->version) == 0 &&
	       asks_the_same(tree_fd, offer, release);
}

/* *offer: that of before, or NULL; then the new one. */
static int renew(int tree_fd, struct offer **offer, const struct catalog_release *release,
		 struct pack_result *packed, struct error *err)
{
	if (*offer && is_same(tree_fd, *offer, release, packed))
		return CATALOG_SAME;
	if (!*offer)
		*offer = calloc(1, sizeof(**offer));
	if (!*offer)
		return error_errno(err, "making an offer");
	(void)text_copy(release->name.app, (*offer)->app, sizeof((*offer)->app));
	(void)text_copy(release->name.channel, (*offer)->channel, sizeof((*offer)->channel));
	(void)text_copy(release->name.arch, (*offer)->arch, sizeof((*offer)->arch));
	(void)text_copy(release->version, (*offer)->version, sizeof((*offer)->version));
	(*offer)->sequence++;
	take_pack(*offer, packed);
	if (release->min_sequence != CATALOG_KEEP)
		(*offer)->min_sequence = release->min_sequence;
	if (release->epoch != CATALOG_KEEP)
		(*offer)->epoch = release->epoch;
	if (release->check)
		(*offer)->check = *release->check;
	require(tree_fd, &(*offer)->requires, release);
	return 0;
}

static int pack(const struct repo *repo, int tree_fd, const struct catalog_release *release,
		struct pack_result *ret_packed, struct error *err)
{
	_cleanup_close_ int blobs = -1;
	int r;

	if (!descriptor_is_version(release->version))
		return error_set(err, FAULT_CONFIG,
				 "a version has 1 to %d printable characters, no blank and no /",
				 DESCRIPTOR_VERSION_MAX - 1);
	r = fd_open_dir(repo->dirfd, REPO_BLOBS_DIR, &blobs, err);
	return r < 0 ? r : blob_pack(blobs, tree_fd, &release->pack, ret_packed, err);
}

int catalog_add(struct repo *repo, int tree_fd, const struct catalog_release *release,
		struct offer **ret_offer, struct error *err)
{
	_cleanup_(pack_result_done) struct pack_result packed = {};
	_cleanup_(offer_freep) struct offer *offer = NULL;
	int r = tidy(repo, &release->name, err);
	int same;

	if (r == 0)
		r = catalog_get(repo, &release->name, &offer, err);
	if (r >= 0)
		r = pack(repo, tree_fd, release, &packed, err);
	if (r < 0)
		return r;
	same = renew(tree_fd, &offer, release, &packed, err);
	if (same == 0)
		r = delta_run(repo, tree_fd, &release->pack, &release->delta, &packed, offer, err);
	if (same == 0 && r == 0)
		r = put(repo, offer, err);
	if (same < 0 || r < 0)
		return same < 0 ? same : r;
	if (ret_offer)
		*ret_offer = TAKE_PTR(offer);
	return same;
}

/* ---- withdrawing ---- */

static int add_withdrawn(struct offer *offer, const struct offer *old, const char *why,
			 struct error *err)
{
	struct offer_withdrawn *w = &offer->withdrawn[offer->n_withdrawn];

	if (offer_find_withdrawn(offer, &old->index))
		return error_set(err, FAULT_CONFIG, "sequence %" PRIu64 " is withdrawn already",
				 old->sequence);
	if (offer->n_withdrawn == OFFER_WITHDRAWN_MAX)
		return error_set(err, FAULT_NO_SPACE,
				 "%d releases are withdrawn already; --min-sequence bars all that "
				 "are older",
				 OFFER_WITHDRAWN_MAX);
	*w = (struct offer_withdrawn){ .index = old->index, .sequence = old->sequence };
	(void)text_copy(why, w->why, sizeof(w->why));
	offer->n_withdrawn++;
	return 0;
}

int catalog_withdraw(struct repo *repo, const struct catalog_name *name, uint64_t sequence,
		     uint64_t min_sequence, const char *why, struct error *err)
{
	_cleanup_(offer_freep) struct offer *offer = NULL;
	_cleanup_(offer_freep) struct offer *old = NULL;
	int r = catalog_get(repo, name, &offer, err);

	if (r == 0)
		r = catalog_find(repo, name, sequence, &old, err);
	if (r == CATALOG_ABSENT)
		return error_set(err, FAULT_CONFIG, "%s/%s/%s has no sequence %" PRIu64, name->app,
				 name->channel, name->arch, sequence);
	if (r < 0)
		return r;
	assert(offer && old);
	r = add_withdrawn(offer, old, why, err);
	if (r < 0)
		return r;
	if (min_sequence != CATALOG_KEEP)
		offer->min_sequence = min_sequence;
	return put(repo, offer, err);
}
