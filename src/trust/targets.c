#include "trust/targets.h"

#include <errno.h>
#include <stdlib.h>

#include "trust/envelope.h"
#include "trust/jread.h"

static int interpret(const json_t *body, struct targets *targets, struct error *err)
{
	json_t *files;
	json_t *delegations = NULL;
	int r = metadata_read(body, "targets", &targets->metadata, err);

	if (r < 0)
		return r;
	r = jread_object(body, "targets", &files, err);
	if (r < 0)
		return r;
	targets->files = json_incref(files);
	if (json_object_get(body, "delegations")) {
		r = jread_object(body, "delegations", &delegations, err);
		if (r < 0)
			return r;
	}
	return delegation_read(delegations, &targets->delegation, err);
}

int targets_read(const struct signers *signers, const struct metafile *promised, const void *data,
		 size_t size, struct targets **ret_targets, struct error *err)
{
	_cleanup_(targets_freep) struct targets *targets = NULL;
	_cleanup_(jread_freep) json_t *body = NULL;
	int r = metafile_check(promised, data, size, err);

	if (r < 0)
		return r;
	r = envelope_read(data, size, signers, &body, err);
	if (r < 0)
		return r;
	targets = calloc(1, sizeof(*targets));
	if (!targets)
		return error_code(err, -ENOMEM, "reading targets metadata");
	r = interpret(body, targets, err);
	if (r < 0)
		return r;
	r = metadata_check_version(&targets->metadata, promised->version, err);
	if (r < 0)
		return r;
	*ret_targets = TAKE_PTR(targets);
	return 0;
}

void targets_free(struct targets *targets)
{
	if (!targets)
		return;
	json_decref(targets->files);
	delegation_free(targets->delegation);
	free(targets);
}

static int read_custom(const json_t *object, char **ret_custom, struct error *err)
{
	json_t *custom;
	int r;

	if (!json_object_get(object, "custom"))
		return 0;
	r = jread_object(object, "custom", &custom, err);
	if (r < 0)
		return r;
	*ret_custom = json_dumps(custom, JSON_COMPACT);
	return *ret_custom ? 0 : error_code(err, -ENOMEM, "reading targets metadata");
}

static int read_file(const json_t *object, struct targets_file *ret_file, struct error *err)
{
	struct targets_file file = {};
	json_t *hashes;
	int r = jread_integer(object, "length", 0, &file.length, err);

	if (r < 0)
		return r;
	r = jread_object(object, "hashes", &hashes, err);
	if (r < 0)
		return r;
	r = hashes_read(hashes, &file.hashes, err);
	if (r < 0)
		return r;
	r = read_custom(object, &file.custom, err);
	if (r < 0)
		return r;
	*ret_file = file;
	return 0;
}

int targets_find(const struct targets *targets, const char *path, struct targets_file *ret_file,
		 struct error *err)
{
	char shown[JREAD_SHOWN_MAX];
	json_t *object;
	int r;

	if (!json_object_get(targets->files, path))
		return TARGETS_ABSENT;
	r = jread_object(targets->files, path, &object, err);
	if (r < 0)
		return r;
	r = read_file(object, ret_file, err);
	if (r < 0)
		return error_prefix(err, r, "target \"%s\"", jread_show(path, shown));
	return 0;
}

void targets_file_done(struct targets_file *file)
{
	free(file->custom);
	*file = (struct targets_file){};
}
