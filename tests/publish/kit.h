/*
 * What the tests of publish share: a repository of one person in the test's directory, and what is in it.
 */
#pragma once

#include "publish/audit.h"
#include "publish/bodies.h"
#include "publish/catalog.h"
#include "publish/document.h"
#include "publish/founding.h"
#include "publish/issue.h"
#include "publish/offline.h"
#include "publish/public.h"

#include "../base/check.h"

#define KIT_SECOND 1000000ULL
#define KIT_DAY	   (86400 * KIT_SECOND)
#define KIT_NOW	   (1800000000 * KIT_SECOND)

#define kit_good(call)                                           \
	do {                                                     \
		struct error kit_err = {};                       \
		struct error *err = &kit_err;                    \
		int kit_r = (call);                              \
		if (kit_r < 0)                                   \
			fail_msg("%s: %s", #call, kit_err.text); \
	} while (0)

UNUSED static char *kit_path(const char *name)
{
	char *path = NULL;

	assert_true(asprintf(&path, "%s/%s", check_path, name) > 0);
	return path;
}

UNUSED static bool kit_has(const char *name)
{
	return faccessat(check_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A key file and its .pub in the test's directory. */
UNUSED static void kit_key(const char *name, enum secret_type type, const char *passphrase)
{
	_cleanup_free_ char *pem = NULL;
	char file[64];
	EVP_PKEY *pkey;
	size_t size;

	kit_good(secret_new(type, &pkey, err));
	(void)snprintf(file, sizeof(file), "%s.key", name);
	kit_good(secret_save(pkey, check_fd, file, passphrase, err));
	kit_good(public_to_pem(pkey, &pem, &size, err));
	(void)snprintf(file, sizeof(file), "%s.pub", name);
	check_write(check_fd, file, pem, size);
	EVP_PKEY_free(pkey);
}

UNUSED static struct repo *kit_open(uint64_t now)
{
	const struct repo_options options = { .now = now };
	_cleanup_free_ char *path = kit_path("repo");
	struct repo *repo = NULL;

	kit_good(repo_open(path, &options, &repo, err));
	return repo;
}

/* Founded, not published. */
UNUSED static struct repo *kit_found(struct founding *founding)
{
	const struct repo_options options = { .now = KIT_NOW };
	_cleanup_free_ char *path = kit_path("repo");
	_cleanup_free_ char *keys = kit_path("repo.keys");
	struct repo *repo = NULL;

	kit_good(repo_create(path, &options, &repo, err));
	founding->keys_dir = keys;
	founding->keys_name = "../repo.keys";
	kit_good(founding_init(repo, founding, err));
	return repo;
}

/* Publishes; the report, malloc'ed. */
UNUSED static char *kit_issue(struct repo *repo)
{
	struct text report = {};

	kit_good(issue_run(repo, &report, err));
	return text_take(&report);
}

UNUSED static struct repo *kit_repo(void)
{
	struct founding founding = {};
	struct repo *repo = kit_found(&founding);

	free(kit_issue(repo));
	return repo;
}

/* Packs and offers a tree of one file. */
UNUSED static int kit_add(struct repo *repo, const char *version, const char *content)
{
	const struct catalog_release release = {
		.name = { "gateway", "stable", "any" },
		.version = version,
		.min_sequence = CATALOG_KEEP,
		.epoch = CATALOG_KEEP,
		.pack = { .level = 1, .threads = 1, .mtime = 1, .latest = PACK_MTIME_KEEP },
	};
	_cleanup_close_ int tree = -1;
	struct error err = {};
	int r;

	(void)mkdirat(check_fd, "tree", 0755);
	tree = openat(check_fd, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check_write(tree, "file", content, strlen(content));
	r = catalog_add(repo, tree, &release, NULL, &err);
	if (r < 0)
		fail_msg("%s", err.text);
	return r;
}

UNUSED static int kit_audit(uint64_t now, struct audit_result *ret_result, struct error *err)
{
	_cleanup_close_ int fd = openat(check_fd, "repo", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return audit_run(fd, NULL, now, ret_result, err);
}
