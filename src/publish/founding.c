#include "publish/founding.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "publish/bodies.h"
#include "publish/document.h"
#include "publish/public.h"
#include "store/durable.h"

#define PUBLIC_BEGINS "-----BEGIN PUBLIC KEY-----"

/* ---- keys that are given ---- */

/* > 0: it is a private key, or nothing that we know. */
static int read_public(const char *name, json_t **ret_key, struct error *err)
{
	_cleanup_close_ int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char pem[PUBLIC_FILE_MAX];
	ssize_t n;

	if (fd < 0)
		return error_errno(err, "opening %s", name);
	n = fd_read_full(fd, pem, strlen(PUBLIC_BEGINS)); /* no more, if it is private */
	if (n < 0)
		return error_errno(err, "reading %s", name);
	if ((size_t)n < strlen(PUBLIC_BEGINS) || memcmp(pem, PUBLIC_BEGINS, (size_t)n) != 0)
		return 1;
	n = fd_pread_full(fd, pem, sizeof(pem), 0);
	if (n < 0)
		return error_errno(err, "reading %s", name);
	return public_from_pem(name, pem, (size_t)n, ret_key, err);
}

/* A private key: into the keyring, and where it is into the settings. */
static int take_private(struct repo *repo, const char *name, const char *remembered,
			json_t **ret_key, struct error *err)
{
	char keyid[DIGEST_HEX_MAX];
	EVP_PKEY *pkey = NULL;
	int r = keyring_load(&repo->keyring, AT_FDCWD, name, repo->options.ask,
			     repo->options.ask_data, keyid, err);

	if (r == 0)
		r = settings_add_key(&repo->settings, keyid, remembered, err);
	if (r == 0)
		r = keyring_get(&repo->keyring, &repo->settings, repo->dirfd, keyid, NULL, NULL,
				&pkey, err);
	return r < 0 ? r : public_of(pkey, ret_key, err);
}

static int take_file(struct repo *repo, const char *name, json_t **ret_key, struct error *err)
{
	_cleanup_free_ char *absolute = NULL;
	int r = read_public(name, ret_key, err);

	if (r <= 0)
		return r;
	absolute = realpath(name, NULL);
	if (!absolute)
		return error_errno(err, "%s", name);
	return take_private(repo, name, absolute, ret_key, err);
}

static int add_key(struct repo *repo, json_t *root, enum root_role role, const char *name,
		   struct error *err)
{
	_cleanup_(jread_freep) json_t *key = NULL;
	int r = secret_is_uri(name) ? take_private(repo, name, name, &key, err) :
				      take_file(repo, name, &key, err);

	return r < 0 ? r : bodies_add_key(root, role, key, err);
}

/* Calls for each part of a list. */
typedef int (*on_part)(struct repo *repo, json_t *root, enum root_role role, const char *part,
		       struct error *err);

static int each(struct repo *repo, json_t *root, enum root_role role, const char *list,
		on_part visit, struct error *err)
{
	while (list) {
		size_t size = strcspn(list, ",");
		_cleanup_free_ char *part = strndup(list, size);
		int r;

		if (!part)
			return error_errno(err, "keys");
		if (size == 0)
			return error_set(err, FAULT_CONFIG, "an empty name among the keys of %s",
					 root_role_name(role));
		r = visit(repo, root, role, part, err);
		if (r < 0)
			return r;
		list = list[size] == ',' ? list + size + 1 : NULL;
	}
	return 0;
}

/* ---- keys that are made ---- */

static int save_public(const EVP_PKEY *pkey, int dirfd, const char *name, struct error *err)
{
	_cleanup_free_ char *pem = NULL;
	size_t size;
	int r = public_to_pem(pkey, &pem, &size, err);

	return r < 0 ? r : durable_replace(dirfd, name, pem, size, 0644, err);
}

/* NAME.key and NAME.pub; a key that an interrupted run made is taken. */
static int make_key(int dirfd, const char *name, struct error *err)
{
	char file[64];
	EVP_PKEY *pkey;
	int r;

	(void)snprintf(file, sizeof(file), "%s.key", name);
	if (faccessat(dirfd, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	r = secret_new(SECRET_ED25519, &pkey, err);
	if (r < 0)
		return r;
	r = secret_save(pkey, dirfd, file, NULL, err);
	(void)snprintf(file, sizeof(file), "%s.pub", name);
	if (r == 0)
		r = save_public(pkey, dirfd, file, err);
	EVP_PKEY_free(pkey);
	return r;
}

static int open_keys_dir(const char *dir, int *ret_fd, struct error *err)
{
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return error_errno(err, "making %s", dir);
	return fd_open_dir(AT_FDCWD, dir, ret_fd, err);
}

static int add_made(struct repo *repo, json_t *root, enum root_role role,
		    const struct founding *founding, struct error *err)
{
	static const char *const names[ROOT_ROLE_MAX] = { "root", "online", "online", "targets" };
	_cleanup_(jread_freep) json_t *key = NULL;
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ char *remembered = NULL;
	_cleanup_close_ int fd = -1;
	int r = open_keys_dir(founding->keys_dir, &fd, err);

	if (r == 0)
		r = make_key(fd, names[role], err);
	if (r == 0)
		r = durable_sync_fs(fd, err);
	if (r < 0)
		return r;
	if (asprintf(&path, "%s/%s.key", founding->keys_dir, names[role]) < 0)
		path = NULL;
	if (asprintf(&remembered, "%s/%s.key", founding->keys_name, names[role]) < 0)
		remembered = NULL;
	if (!path || !remembered)
		return error_code(err, -ENOMEM, "making keys");
	r = take_private(repo, path, remembered, &key, err);
	return r < 0 ? r : bodies_add_key(root, role, key, err);
}

/* ---- the first root ---- */

static int fill_role(struct repo *repo, json_t *root, enum root_role role,
		     const struct founding *founding, struct error *err)
{
	int r = founding->keys[role] ? each(repo, root, role, founding->keys[role], add_key, err) :
				       add_made(repo, root, role, founding, err);

	if (r < 0 || founding->threshold[role] == FOUNDING_KEEP)
		return r;
	return bodies_set_threshold(root, role, founding->threshold[role], err);
}

static int make_pending(struct repo *repo, enum root_role role, json_t *body, struct error *err)
{
	json_t *document;
	int r = document_new_consume(body, &document, err);

	if (r == 0)
		repo_set_pending_consume(repo, role, document);
	return r;
}

int founding_init(struct repo *repo, const struct founding *founding, struct error *err)
{
	json_t *root;
	int r;

	for (enum root_role role = 0; role < ROOT_ROLE_MAX; role++)
		if (founding->expires[role] != FOUNDING_KEEP)
			repo->settings.expires[role] = founding->expires[role];
	r = make_pending(repo, ROOT_ROLE_ROOT, bodies_root(repo_expires(repo, ROOT_ROLE_ROOT)),
			 err);
	if (r < 0)
		return r;
	root = document_body(repo->pending[ROOT_ROLE_ROOT]);
	for (enum root_role role = 0; r == 0 && role < ROOT_ROLE_MAX; role++)
		r = fill_role(repo, root, role, founding, err);
	if (r == 0)
		r = bodies_check_root(root, err);
	if (r == 0)
		r = make_pending(repo, ROOT_ROLE_TARGETS,
				 bodies_targets(repo_expires(repo, ROOT_ROLE_TARGETS)), err);
	if (r == 0)
		r = repo_save_pending(repo, err);
	return r < 0 ? r : settings_save(repo->statefd, &repo->settings, err);
}

/* ---- the next ones ---- */

static int remove_key(struct repo *repo, json_t *root, enum root_role role, const char *keyid,
		      struct error *err)
{
	return bodies_remove_key(root, role, keyid, err);
}

int founding_rotate(struct repo *repo, const struct founding_change *change, struct error *err)
{
	json_t *root;
	int r = repo_edit(repo, ROOT_ROLE_ROOT, &root, err);

	if (r == 0)
		r = each(repo, root, change->role, change->add, add_key, err);
	if (r == 0)
		r = each(repo, root, change->role, change->remove, remove_key, err);
	if (r == 0 && change->threshold != FOUNDING_KEEP)
		r = bodies_set_threshold(root, change->role, change->threshold, err);
	if (r == 0)
		r = bodies_check_root(root, err);
	return r < 0 ? r : settings_save(repo->statefd, &repo->settings, err);
}
