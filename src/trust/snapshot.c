#include "trust/snapshot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/text.h"
#include "trust/envelope.h"
#include "trust/jread.h"

static int check_meta(const json_t *meta, struct error *err)
{
	struct metafile metafile;
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)meta, name, value) {
		int r = metafile_read(meta, name, &metafile, err);

		if (r < 0)
			return r;
	}
	return 0;
}

static int interpret(const json_t *body, struct snapshot *snapshot, struct error *err)
{
	json_t *meta;
	int r = metadata_read(body, "snapshot", &snapshot->metadata, err);

	if (r < 0)
		return r;
	r = jread_object(body, "meta", &meta, err);
	if (r < 0)
		return r;
	r = check_meta(meta, err);
	if (r < 0)
		return r;
	snapshot->meta = json_incref(meta);
	return 0;
}

int snapshot_read(const struct root *root, const void *data, size_t size,
		  struct snapshot **ret_snapshot, struct error *err)
{
	_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;
	_cleanup_(jread_freep) json_t *body = NULL;
	int r = envelope_read(data, size, root->signers[ROOT_ROLE_SNAPSHOT], &body, err);

	if (r < 0)
		return r;
	snapshot = calloc(1, sizeof(*snapshot));
	if (!snapshot)
		return error_code(err, -ENOMEM, "reading snapshot metadata");
	r = interpret(body, snapshot, err);
	if (r < 0)
		return r;
	*ret_snapshot = TAKE_PTR(snapshot);
	return 0;
}

void snapshot_free(struct snapshot *snapshot)
{
	if (!snapshot)
		return;
	json_decref(snapshot->meta);
	free(snapshot);
}

static int check_file(const char *name, const struct snapshot *trusted, const struct snapshot *next,
		      struct error *err)
{
	struct metafile before;
	struct metafile after;
	char shown[JREAD_SHOWN_MAX];
	int r = metafile_read(trusted->meta, name, &before, err);

	if (r < 0)
		return r;
	if (!json_object_get(next->meta, name))
		return error_set(err, FAULT_STALE, "%s, which was listed, is not any more",
				 jread_show(name, shown));
	r = metafile_read(next->meta, name, &after, err);
	if (r < 0)
		return r;
	if (after.version < before.version)
		return error_set(err, FAULT_STALE,
				 "rolls %s back to version %" PRIu64 ", %" PRIu64 " is known",
				 jread_show(name, shown), after.version, before.version);
	return 0;
}

int snapshot_check_update(const struct snapshot *trusted, const struct snapshot *next,
			  struct error *err)
{
	const char *name;
	json_t *value;

	json_object_foreach(trusted->meta, name, value) {
		int r = check_file(name, trusted, next, err);

		if (r < 0)
			return r;
	}
	return 0;
}

int snapshot_find(const struct snapshot *snapshot, const char *role, struct metafile *ret_metafile,
		  struct error *err)
{
	_cleanup_text_ struct text name = {};
	int r;

	text_add(&name, "%s.json", role);
	r = text_check(&name, err);
	if (r < 0)
		return r;
	if (!json_object_get(snapshot->meta, name.data))
		return error_set(err, FAULT_UNTRUSTED, "snapshot.json does not list it");
	return metafile_read(snapshot->meta, name.data, ret_metafile, err);
}
