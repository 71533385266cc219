#include "publish/offline.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "publish/bodies.h"
#include "publish/document.h"
#include "store/durable.h"
#include "trust/filename.h"

static int read_file(int dirfd, const char *file, json_t **ret_document, struct error *err)
{
	_cleanup_free_ char *data = NULL;
	size_t size;
	int r = fd_read_file(dirfd, file, DOCUMENT_MAX, &data, &size, err);

	if (r == FD_ABSENT)
		return error_set(err, FAULT_CONFIG, "there is no file %s", file);
	if (r == 0)
		r = document_parse(data, size, ret_document, err);
	return r < 0 ? error_prefix(err, r, "%s", file) : 0;
}

/* ---- the publisher ---- */

int offline_renew(struct repo *repo, enum root_role role, struct error *err)
{
	json_t *body;

	if (role != ROOT_ROLE_ROOT && role != ROOT_ROLE_TARGETS)
		return error_set(err, FAULT_CONFIG, "%s is renewed by repo refresh",
				 root_role_name(role));
	if (repo->pending[role])
		return error_set(err, FAULT_CONFIG, "%s waits for signatures already",
				 root_role_name(role));
	return repo_edit(repo, role, &body, err);
}

static int export_one(json_t *document, int dirfd, struct text *report, struct error *err)
{
	_cleanup_free_ char *name = NULL;
	_cleanup_free_ char *data = NULL;
	size_t size;
	int r = filename_of_role(document_type(document), document_version(document), &name, err);

	if (r == 0)
		r = document_encode(document, &data, &size, err);
	if (r == 0)
		r = durable_replace(dirfd, name, data, size, 0644, err);
	if (r == 0)
		text_add(report, "%s\n", name);
	return r;
}

int offline_export(const struct repo *repo, int dirfd, struct text *report, struct error *err)
{
	int r = 0;

	for (enum root_role role = 0; r == 0 && role < ROOT_ROLE_MAX; role++)
		if (repo->pending[role])
			r = export_one(repo->pending[role], dirfd, report, err);
	return r;
}

int offline_merge(struct repo *repo, const char *file, struct error *err)
{
	_cleanup_(jread_freep) json_t *document = NULL;
	int r = read_file(AT_FDCWD, file, &document, err);

	if (r < 0)
		return r;
	for (enum root_role role = 0; role < ROOT_ROLE_MAX; role++) {
		if (strcmp(root_role_name(role), document_type(document)) != 0)
			continue;
		if (!repo->pending[role])
			break;
		r = document_merge(repo->pending[role], document, err);
		return r < 0 ? error_prefix(err, r, "%s", file) : 0;
	}
	return error_set(err, FAULT_CONFIG, "%s: nothing of its role waits for signatures", file);
}

/* ---- who signs ---- */

static void describe_root(const json_t *body, struct text *report)
{
	for (enum root_role role = 0; role < ROOT_ROLE_MAX; role++) {
		const json_t *keyids = bodies_keyids(body, role);

		text_add(report, "  %s: %" PRIu64 " of", root_role_name(role),
			 bodies_threshold(body, role));
		for (size_t i = 0; i < json_array_size(keyids); i++)
			text_add(report, " %.16s", json_string_value(json_array_get(keyids, i)));
		text_add(report, "\n");
	}
}

static void describe_targets(const json_t *body, struct text *report)
{
	const char *path;
	json_t *target;
	char shown[JREAD_SHOWN_MAX];
	const char *hex;

	json_object_foreach(json_object_get(body, "targets"), path, target) {
		hex = json_string_value(
			json_object_get(json_object_get(target, "hashes"), "sha256"));
		text_add(report, "  %s sha256 %.64s\n", jread_show(path, shown), hex ? hex : "?");
	}
}

static void describe(const json_t *document, struct text *report)
{
	char when[DOCUMENT_EXPIRES_MAX];
	char shown[JREAD_SHOWN_MAX];
	const json_t *body = document_body(document);

	text_add(report, "%s %" PRIu64 ", expires %s\n", jread_show(document_type(document), shown),
		 document_version(document), document_time(document_expires(document), when));
	if (strcmp(document_type(document), "root") == 0)
		describe_root(body, report);
	if (strcmp(document_type(document), "targets") == 0)
		describe_targets(body, report);
}

int offline_sign(int dirfd, const char *file, const struct keyring *keyring, struct text *report,
		 struct error *err)
{
	_cleanup_(jread_freep) json_t *document = NULL;
	_cleanup_free_ char *data = NULL;
	char keyid[DIGEST_HEX_MAX] = "";
	size_t size = 0;
	int r = read_file(dirfd, file, &document, err);

	if (r < 0)
		return r;
	describe(document, report);
	for (size_t i = 0; r == 0 && i < keyring->n_keys; i++) {
		r = document_sign(document, keyring->keys[i].pkey, keyid, err);
		text_add(report, "signed by %s\n", keyid);
	}
	if (r == 0)
		r = document_encode(document, &data, &size, err);
	return r < 0 ? r : durable_replace(dirfd, file, data, size, 0644, err);
}
