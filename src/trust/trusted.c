#include "trust/trusted.h"

#include <errno.h>
#include <stdlib.h>

#include "base/text.h"
#include "trust/jread.h"
#include "trust/snapshot.h"
#include "trust/timestamp.h"

struct trusted {
	struct trusted_options options;
	struct root *root;
	bool rotated;
	struct timestamp *timestamp;
	struct snapshot *snapshot;
	void *loaded; /* the bytes of the snapshot, if it was loaded; size in loaded_size */
	size_t loaded_size;
	bool snapshot_is_unsigned; /* one was loaded, but the root does not vouch for it any more */
	struct text notes;
};

int trusted_new(const struct trusted_options *options, const void *root, size_t size,
		struct trusted **ret_trusted, struct error *err)
{
	_cleanup_(trusted_freep) struct trusted *trusted = calloc(1, sizeof(*trusted));
	int r;

	if (!trusted)
		return error_code(err, -ENOMEM, "refreshing metadata");
	trusted->options = *options;
	r = root_load(root, size, &trusted->root, err);
	if (r < 0)
		return r;
	*ret_trusted = TAKE_PTR(trusted);
	return 0;
}

void trusted_free(struct trusted *trusted)
{
	if (!trusted)
		return;
	root_free(trusted->root);
	timestamp_free(trusted->timestamp);
	snapshot_free(trusted->snapshot);
	free(trusted->loaded);
	text_done(&trusted->notes);
	free(trusted);
}

void trusted_note(struct trusted *trusted, const char *role, const char *what)
{
	char shown[JREAD_SHOWN_MAX];

	text_add(&trusted->notes, "%s: %s\n", jread_show(role, shown), what);
}

const char *trusted_notes(const struct trusted *trusted)
{
	return trusted->notes.data ? trusted->notes.data : "";
}

/* The freeze attack checks. */
static int check_expiry(struct trusted *trusted, const char *role, uint64_t expires,
			struct error *err)
{
	struct error why = {};
	int r = expiry_check(expires, trusted->options.reference, &why);

	if (r < 0 && trusted->options.policy == EXPIRY_WARN) {
		trusted_note(trusted, role, why.text);
		return 0;
	}
	if (r < 0 && err)
		*err = why;
	return r;
}

/* ---- root ---- */

int trusted_take_root(struct trusted *trusted, const void *data, size_t size, struct error *err)
{
	struct root *next = NULL;
	int r = root_update(trusted->root, data, size, &next, err);

	if (r < 0)
		return r;
	trusted->rotated = trusted->rotated || root_rotated(trusted->root, next);
	root_free(trusted->root);
	trusted->root = next;
	return 0;
}

int trusted_end_root(struct trusted *trusted, struct error *err)
{
	return check_expiry(trusted, "root", trusted->root->metadata.expires, err);
}

const struct root *trusted_root(const struct trusted *trusted)
{
	return trusted->root;
}

bool trusted_is_rotated(const struct trusted *trusted)
{
	return trusted->rotated;
}

/* ---- timestamp ---- */

int trusted_load_timestamp(struct trusted *trusted, const void *data, size_t size,
			   struct error *err)
{
	return timestamp_read(trusted->root, data, size, &trusted->timestamp, err);
}

/*
 * A refresh that was interrupted before it forgot what is to be forgotten after a rotation leaves
 * a stored snapshot that is not signed any more. Then the version of it that the stored timestamp
 * names does not count either, or a fast-forward attack could not be recovered from.
 */
static int compare_timestamps(const struct trusted *trusted, const struct timestamp *next,
			      struct error *err)
{
	int r;

	if (!trusted->timestamp)
		return 0;
	r = timestamp_check_version(trusted->timestamp, next, err);
	if (r != 0 || trusted->snapshot_is_unsigned)
		return r;
	return timestamp_check_snapshot(trusted->timestamp, next, err);
}

int trusted_take_timestamp(struct trusted *trusted, const void *data, size_t size,
			   struct error *err)
{
	_cleanup_(timestamp_freep) struct timestamp *next = NULL;
	bool same;
	int r = timestamp_read(trusted->root, data, size, &next, err);

	if (r < 0)
		return r;
	r = compare_timestamps(trusted, next, err);
	if (r < 0)
		return r;
	same = r == TIMESTAMP_SAME;
	r = check_expiry(trusted, "timestamp", (same ? trusted->timestamp : next)->metadata.expires,
			 err);
	if (r < 0)
		return r;
	if (same)
		return TRUSTED_SAME;
	timestamp_free(trusted->timestamp);
	trusted->timestamp = TAKE_PTR(next);
	return 0;
}

/* ---- snapshot ---- */

int trusted_load_snapshot_consume(struct trusted *trusted, void *data, size_t size,
				  struct error *err)
{
	_cleanup_free_ void *bytes = data;
	struct error why = {};
	int r = snapshot_read(trusted->root, data, size, &trusted->snapshot, &why);

	if (r < 0) {
		trusted->snapshot_is_unsigned = why.fault == FAULT_UNTRUSTED;
		if (err)
			*err = why;
		return r;
	}
	trusted->loaded = TAKE_PTR(bytes);
	trusted->loaded_size = size;
	return 0;
}

const struct metafile *trusted_promised_snapshot(const struct trusted *trusted)
{
	return &trusted->timestamp->snapshot;
}

bool trusted_has_latest_snapshot(struct trusted *trusted)
{
	const struct metafile *promised = trusted_promised_snapshot(trusted);

	return trusted->loaded && trusted->snapshot->metadata.version == promised->version &&
	       metafile_check(promised, trusted->loaded, trusted->loaded_size, NULL) == 0 &&
	       check_expiry(trusted, "snapshot", trusted->snapshot->metadata.expires, NULL) == 0;
}

static int check_snapshot(struct trusted *trusted, const struct snapshot *next, struct error *err)
{
	int r = metadata_check_version(&next->metadata, trusted_promised_snapshot(trusted)->version,
				       err);

	if (r < 0)
		return r;
	if (trusted->snapshot) {
		r = snapshot_check_update(trusted->snapshot, next, err);
		if (r < 0)
			return r;
	}
	return check_expiry(trusted, "snapshot", next->metadata.expires, err);
}

int trusted_take_snapshot(struct trusted *trusted, const void *data, size_t size, struct error *err)
{
	_cleanup_(snapshot_freep) struct snapshot *next = NULL;
	int r = metafile_check(trusted_promised_snapshot(trusted), data, size, err);

	if (r < 0)
		return r;
	r = snapshot_read(trusted->root, data, size, &next, err);
	if (r < 0)
		return r;
	r = check_snapshot(trusted, next, err);
	if (r < 0)
		return r;
	snapshot_free(trusted->snapshot);
	trusted->snapshot = TAKE_PTR(next);
	return 0;
}

/* ---- targets ---- */

int trusted_find(const struct trusted *trusted, const char *role, struct metafile *ret_promised,
		 struct error *err)
{
	return snapshot_find(trusted->snapshot, role, ret_promised, err);
}

int trusted_read_targets(struct trusted *trusted, const char *role, const struct signers *signers,
			 const struct metafile *promised, const void *data, size_t size,
			 struct targets **ret_targets, struct error *err)
{
	_cleanup_(targets_freep) struct targets *targets = NULL;
	int r = targets_read(signers, promised, data, size, &targets, err);

	if (r < 0)
		return r;
	r = check_expiry(trusted, role, targets->metadata.expires, err);
	if (r < 0)
		return r;
	*ret_targets = TAKE_PTR(targets);
	return 0;
}

uint64_t trusted_version(const struct trusted *trusted, enum root_role role, uint64_t *ret_expires)
{
	const struct metadata *of[ROOT_ROLE_MAX] = {
		[ROOT_ROLE_ROOT] = &trusted->root->metadata,
		[ROOT_ROLE_TIMESTAMP] = trusted->timestamp ? &trusted->timestamp->metadata : NULL,
		[ROOT_ROLE_SNAPSHOT] = trusted->snapshot ? &trusted->snapshot->metadata : NULL,
	};

	if (ret_expires)
		*ret_expires = of[role] ? of[role]->expires : 0;
	return of[role] ? of[role]->version : 0;
}
