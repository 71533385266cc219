#include "publish/repo.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "publish/bodies.h"
#include "publish/document.h"
#include "publish/workroom.h"
#include "store/durable.h"
#include "store/lock.h"
#include "trust/filename.h"

#define LOCK_NAME "lock"
#define NAME_MAX_ 320

void repo_free(struct repo *repo)
{
	if (!repo)
		return;
	for (enum root_role role = 0; role < ROOT_ROLE_MAX; role++) {
		json_decref(repo->published[role]);
		json_decref(repo->pending[role]);
	}
	settings_done(&repo->settings);
	keyring_done(&repo->keyring);
	cleanup_close(&repo->lockfd);
	cleanup_close(&repo->statefd);
	cleanup_close(&repo->dirfd);
	free(repo);
}

static int make(const struct repo_options *options, struct repo **ret_repo, struct error *err)
{
	struct repo *repo = calloc(1, sizeof(*repo));

	if (!repo)
		return error_errno(err, "opening a repository");
	repo->options = *options;
	repo->dirfd = repo->statefd = repo->lockfd = -1;
	settings_init(&repo->settings);
	*ret_repo = repo;
	return 0;
}

static int lock(struct repo *repo, struct error *err)
{
	int r = lock_wait(repo->statefd, LOCK_NAME, REPO_LOCK_USEC, &repo->lockfd, err);

	if (r == LOCK_TAKEN)
		return error_set(err, FAULT_BUSY, "somebody else is publishing there");
	return r;
}

/* ---- documents ---- */

static int read_document(int dirfd, const char *name, json_t **ret_document, struct error *err)
{
	_cleanup_free_ char *data = NULL;
	size_t size;
	int r = fd_read_file(dirfd, name, DOCUMENT_MAX, &data, &size, err);

	if (r == 0)
		r = document_parse(data, size, ret_document, err);
	return r < 0 ? error_prefix(err, r, "%s", name) : r;
}

/* > 0: FD_ABSENT */
static int read_published(const struct repo *repo, enum root_role role, uint64_t version,
			  json_t **ret_document, struct error *err)
{
	_cleanup_free_ char *name = NULL;
	_cleanup_free_ char *path = NULL;
	int r = filename_of_role(root_role_name(role), version, &name, err);

	if (r < 0)
		return r;
	if (asprintf(&path, REPO_METADATA_DIR "/%s", name) < 0) {
		path = NULL;
		return error_code(err, -ENOMEM, "%s", name);
	}
	return read_document(repo->dirfd, path, ret_document, err);
}

static int load_root(struct repo *repo, struct error *err)
{
	for (uint64_t version = 1;; version++) {
		json_t *root = NULL;
		int r = read_published(repo, ROOT_ROLE_ROOT, version, &root, err);

		if (r != 0)
			return r < 0 ? r : 0;
		json_decref(repo->published[ROOT_ROLE_ROOT]);
		repo->published[ROOT_ROLE_ROOT] = root;
	}
}

/* From a document to the one that it leads to. */
static int follow(struct repo *repo, enum root_role from, enum root_role to, struct error *err)
{
	char name[NAME_MAX_];
	uint64_t version;
	int r;

	(void)snprintf(name, sizeof(name), "%s.json", root_role_name(to));
	version = bodies_meta_version(document_body(repo->published[from]), name);
	if (version == 0)
		return error_set(err, FAULT_CORRUPT, "%s does not name %s", root_role_name(from),
				 name);
	r = read_published(repo, to, version, &repo->published[to], err);
	if (r == FD_ABSENT)
		return error_set(err, FAULT_CORRUPT, "version %" PRIu64 " of %s is missing",
				 version, root_role_name(to));
	return r;
}

static int load_published(struct repo *repo, struct error *err)
{
	int r = load_root(repo, err);

	if (r == 0)
		r = read_published(repo, ROOT_ROLE_TIMESTAMP, 0,
				   &repo->published[ROOT_ROLE_TIMESTAMP], err);
	if (r == FD_ABSENT)
		return 0; /* nothing is published yet */
	if (r == 0)
		r = follow(repo, ROOT_ROLE_TIMESTAMP, ROOT_ROLE_SNAPSHOT, err);
	return r < 0 ? r : follow(repo, ROOT_ROLE_SNAPSHOT, ROOT_ROLE_TARGETS, err);
}

static void pending_name(enum root_role role, char ret_name[static NAME_MAX_])
{
	(void)snprintf(ret_name, NAME_MAX_, "%s.json", root_role_name(role));
}

/* What was published before an interruption is pending no more. */
static int load_pending(struct repo *repo, enum root_role role, struct error *err)
{
	char name[NAME_MAX_];
	int r;

	pending_name(role, name);
	r = read_document(repo->statefd, name, &repo->pending[role], err);
	if (r != 0)
		return r < 0 ? r : 0;
	if (repo->published[role] &&
	    document_version(repo->pending[role]) <= document_version(repo->published[role]))
		return repo_drop_pending(repo, role, err);
	return 0;
}

/* ---- opening ---- */

/* What a publisher that was killed was writing. */
static int tidy(const struct repo *repo, struct error *err)
{
	_cleanup_close_ int fd = -1;
	int r = durable_tidy(repo->statefd, err);

	if (r == 0)
		r = fd_open_dir(repo->dirfd, REPO_METADATA_DIR, &fd, err);
	return r < 0 ? r : durable_tidy(fd, err);
}

static int load(struct repo *repo, struct error *err)
{
	int r = lock(repo, err);

	if (r == 0)
		r = tidy(repo, err);
	if (r == 0)
		r = workroom_clear(repo->statefd, err);
	if (r == 0)
		r = settings_load(repo->statefd, &repo->settings, err);
	if (r == 0)
		r = load_published(repo, err);
	if (r == 0)
		r = load_pending(repo, ROOT_ROLE_ROOT, err);
	return r < 0 ? r : load_pending(repo, ROOT_ROLE_TARGETS, err);
}

int repo_open(const char *dir, const struct repo_options *options, struct repo **ret_repo,
	      struct error *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	int r = make(options, &repo, err);

	if (r < 0)
		return r;
	assert(repo);
	r = fd_open_dir(AT_FDCWD, dir, &repo->dirfd, err);
	if (r < 0)
		return r;
	if (faccessat(repo->dirfd, REPO_STATE_DIR "/config", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set(err, FAULT_CONFIG,
				 "%s is no repository (that is published from here): flipslot repo "
				 "init makes one",
				 dir);
	r = fd_open_dir(repo->dirfd, REPO_STATE_DIR, &repo->statefd, err);
	if (r == 0)
		r = load(repo, err);
	if (r < 0)
		return error_prefix(err, r, "%s", dir);
	*ret_repo = TAKE_PTR(repo);
	return 0;
}

static int make_folders(struct repo *repo, struct error *err)
{
	static const char *const names[] = { REPO_METADATA_DIR, REPO_TARGETS_DIR, "blobs",
					     REPO_BLOBS_DIR, REPO_STATE_DIR };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(names); i++)
		r = durable_mkdir(repo->dirfd, names[i], 0755, err);
	return r;
}

static int make_lock(struct repo *repo, struct error *err)
{
	_cleanup_close_ int fd =
		openat(repo->statefd, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd < 0 ? error_errno(err, "making the lock") : 0;
}

int repo_create(const char *dir, const struct repo_options *options, struct repo **ret_repo,
		struct error *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	int r = make(options, &repo, err);

	if (r < 0)
		return r;
	assert(repo);
	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return error_errno(err, "making %s", dir);
	r = fd_open_dir(AT_FDCWD, dir, &repo->dirfd, err);
	if (r < 0)
		return r;
	if (faccessat(repo->dirfd, REPO_STATE_DIR "/config", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return error_set(err, FAULT_CONFIG, "%s is a repository already", dir);
	r = make_folders(repo, err);
	if (r == 0)
		r = fd_open_dir(repo->dirfd, REPO_STATE_DIR, &repo->statefd, err);
	if (r == 0)
		r = make_lock(repo, err);
	if (r == 0)
		r = lock(repo, err);
	if (r == 0)
		r = load_published(repo, err);
	if (r == 0 && repo->published[ROOT_ROLE_ROOT])
		r = error_set(err, FAULT_CONFIG, "%s has metadata already", dir);
	if (r == 0)
		*ret_repo = TAKE_PTR(repo);
	return r;
}

/* ---- what is pending ---- */

json_t *repo_latest(const struct repo *repo, enum root_role role)
{
	return repo->pending[role] ? repo->pending[role] : repo->published[role];
}

uint64_t repo_expires(const struct repo *repo, enum root_role role)
{
	return repo->options.now + repo->settings.expires[role];
}

void repo_set_pending_consume(struct repo *repo, enum root_role role, json_t *document)
{
	json_decref(repo->pending[role]);
	repo->pending[role] = document;
}

/* Pending ones keep their version, however often they are changed. */
int repo_edit(struct repo *repo, enum root_role role, json_t **ret_body, struct error *err)
{
	json_t *pending = repo->pending[role];
	json_t *document = NULL;
	int r;

	if (pending)
		r = document_new_consume(json_deep_copy(document_body(pending)), &document, err);
	else
		r = document_new_consume(bodies_next(document_body(repo->published[role]),
						     repo_expires(repo, role)),
					 &document, err);
	if (r < 0)
		return r;
	repo_set_pending_consume(repo, role, document);
	*ret_body = document_body(document);
	return 0;
}

static int save_one(struct repo *repo, enum root_role role, struct error *err)
{
	_cleanup_free_ char *data = NULL;
	char name[NAME_MAX_];
	size_t size;
	int r;

	if (!repo->pending[role])
		return 0;
	pending_name(role, name);
	r = document_encode(repo->pending[role], &data, &size, err);
	return r < 0 ? r : durable_replace(repo->statefd, name, data, size, 0644, err);
}

int repo_save_pending(struct repo *repo, struct error *err)
{
	int r = save_one(repo, ROOT_ROLE_TARGETS, err);

	return r < 0 ? r : save_one(repo, ROOT_ROLE_ROOT, err);
}

int repo_drop_pending(struct repo *repo, enum root_role role, struct error *err)
{
	char name[NAME_MAX_];

	repo_set_pending_consume(repo, role, NULL);
	pending_name(role, name);
	return durable_remove(repo->statefd, name, err);
}
