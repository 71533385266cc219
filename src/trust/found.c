#include "trust/found.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "trust/filename.h"
#include "trust/jread.h"

static int fill(struct found *found, const char *path, const char *role,
		const struct targets_file *file, struct error *err)
{
	found->path = strdup(path);
	found->role = strdup(role);
	found->length = file->length;
	found->hashes = file->hashes;
	found->custom = file->custom ? strdup(file->custom) : NULL;
	if (!found->path || !found->role || (file->custom && !found->custom))
		return error_code(err, -ENOMEM, "searching a target");
	return 0;
}

int found_new(const char *path, const char *role, const struct targets_file *file, bool consistent,
	      struct found **ret_found, struct error *err)
{
	_cleanup_(found_freep) struct found *found = calloc(1, sizeof(*found));
	char shown[JREAD_SHOWN_MAX];
	char hash[HASHES_HEX_MAX];
	int r;

	if (!found)
		return error_code(err, -ENOMEM, "searching a target");
	if (!hashes_known(&file->hashes))
		return error_set(err, FAULT_UNTRUSTED,
				 "target \"%s\": neither SHA-256 nor SHA-512 is listed",
				 jread_show(path, shown));
	hashes_to_hex(&file->hashes, hash);
	r = filename_of_target(path, consistent ? hash : NULL, &found->file, err);
	if (r < 0)
		return r;
	r = fill(found, path, role, file, err);
	if (r < 0)
		return r;
	*ret_found = TAKE_PTR(found);
	return 0;
}

int found_copy(const struct found *found, struct found **ret_found, struct error *err)
{
	const struct targets_file file = {
		.length = found->length,
		.hashes = found->hashes,
		.custom = found->custom,
	};
	_cleanup_(found_freep) struct found *copy = calloc(1, sizeof(*copy));
	int r;

	if (!copy)
		return error_code(err, -ENOMEM, "searching a target");
	r = fill(copy, found->path, found->role, &file, err);
	if (r < 0)
		return r;
	copy->file = strdup(found->file);
	if (!copy->file)
		return error_code(err, -ENOMEM, "searching a target");
	*ret_found = TAKE_PTR(copy);
	return 0;
}

void found_free(struct found *found)
{
	if (!found)
		return;
	free(found->path);
	free(found->role);
	free(found->file);
	free(found->custom);
	free(found);
}
