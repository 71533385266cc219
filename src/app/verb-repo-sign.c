#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "app/publishing.h"
#include "app/verbs.h"
#include "base/fd.h"
#include "base/text.h"
#include "publish/offline.h"

struct signing {
	const char *keys;
	const char *merge;
	const char *export;
	const char *renew;
	const char *passphrase_file;
};

/* ---- lists ---- */

typedef int (*on_part)(void *data, const char *part, struct error *err);

static int each(const char *list, on_part visit, void *data, struct error *err)
{
	while (list) {
		size_t size = strcspn(list, ",");
		_cleanup_free_ char *part = strndup(list, size);
		int r = part ? visit(data, part, err) : error_errno(err, "the command line");

		if (r < 0)
			return r;
		list = list[size] == ',' ? list + size + 1 : NULL;
	}
	return 0;
}

struct loading {
	struct keyring *keyring;
	const char *passphrase_file;
};

static int load_key(void *data, const char *name, struct error *err)
{
	const struct loading *loading = data;
	char keyid[DIGEST_HEX_MAX];

	return keyring_load(loading->keyring, AT_FDCWD, name, publishing_ask,
			    (void *)loading->passphrase_file, keyid, err);
}

static int merge_file(void *data, const char *file, struct error *err)
{
	return offline_merge(data, file, err);
}

/* ---- a file ---- */

static int sign_file(const char *file, const struct signing *signing, struct error *err)
{
	_cleanup_(keyring_done) struct keyring keyring = {};
	struct loading loading = { &keyring, signing->passphrase_file };
	_cleanup_text_ struct text report = {};
	_cleanup_close_ int dirfd = -1;
	const char *name;
	int r = each(signing->keys, load_key, &loading, err);

	if (r == 0)
		r = publishing_open_parent(file, &dirfd, &name, err);
	if (r == 0)
		r = offline_sign(dirfd, name, &keyring, &report, err);
	if (r == 0)
		(void)fputs(report.data, stdout);
	return r;
}

/* ---- a repository ---- */

static int export_to(const struct repo *repo, const char *folder, struct error *err)
{
	_cleanup_text_ struct text report = {};
	_cleanup_close_ int fd = -1;
	int r;

	if (mkdir(folder, 0755) < 0 && errno != EEXIST)
		return error_errno(err, "making %s", folder);
	r = fd_open_dir(AT_FDCWD, folder, &fd, err);
	if (r == 0)
		r = offline_export(repo, fd, &report, err);
	if (r == 0)
		(void)fputs(report.size > 0 ? report.data : "nothing waits for signatures\n",
			    stdout);
	return r;
}

static int prepare(const char *dir, const struct signing *signing, struct repo **ret_repo,
		   struct error *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	struct loading loading = { .passphrase_file = signing->passphrase_file };
	enum root_role role = ROOT_ROLE_MAX;
	int r = publishing_open(dir, signing->passphrase_file, &repo, err);

	if (r == 0 && signing->renew)
		r = publishing_parse_role(signing->renew, &role, err);
	if (r == 0 && signing->renew)
		r = offline_renew(repo, role, err);
	if (r < 0)
		return r;
	loading.keyring = &repo->keyring;
	r = each(signing->keys, load_key, &loading, err);
	if (r == 0)
		r = each(signing->merge, merge_file, repo, err);
	if (r == 0)
		r = repo_save_pending(repo, err);
	if (r == 0 && signing->export)
		r = export_to(repo, signing->export, err);
	if (r == 0)
		*ret_repo = TAKE_PTR(repo);
	return r;
}

static int sign(const struct cli_verb *verb, const char *name, const struct signing *signing)
{
	struct repo *repo = NULL;
	struct error err = {};
	struct stat st;

	if (stat(name, &st) == 0 && S_ISDIR(st.st_mode)) {
		if (prepare(name, signing, &repo, &err) < 0)
			return cli_fail(&err);
		if (!signing->export)
			return publishing_finish_consume(repo, false);
		repo_free(repo);
		return 0;
	}
	if (!signing->keys || signing->merge || signing->export || signing->renew)
		return cli_refuse(verb, "a file is signed with --key, and with nothing else");
	return sign_file(name, signing, &err) < 0 ? cli_fail(&err) : 0;
}

int verb_repo_sign(const struct cli_verb *verb, int argc, char **argv)
{
	struct signing signing = {};
	const struct cli_option options[] = {
		{ "key", 'k', "LIST", "private keys (files, pkcs11:…) with commas",
		  .text = &signing.keys },
		{ "export", '\0', "FOLDER", "write there what waits, to be signed elsewhere",
		  .text = &signing.export },
		{ "merge", '\0', "LIST", "files signed elsewhere, with commas",
		  .text = &signing.merge },
		{ "renew", '\0', "ROLE", "make the next root or targets, to prolong it",
		  .text = &signing.renew },
		{ "passphrase-file", '\0', "FILE", "of encrypted keys",
		  .text = &signing.passphrase_file },
		{},
	};
	char **operands;
	int r = cli_begin(verb, options, 1, 1, argc, argv, &operands);

	return r != CLI_GO ? r : sign(verb, operands[0], &signing);
}
