#include "trust/timestamp.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "trust/envelope.h"
#include "trust/jread.h"

static int interpret(const json_t *body, struct timestamp *timestamp, struct error *err)
{
	json_t *meta;
	int r = metadata_read(body, "timestamp", &timestamp->metadata, err);

	if (r < 0)
		return r;
	r = jread_object(body, "meta", &meta, err);
	if (r < 0)
		return r;
	return metafile_read(meta, "snapshot.json", &timestamp->snapshot, err);
}

int timestamp_read(const struct root *root, const void *data, size_t size,
		   struct timestamp **ret_timestamp, struct error *err)
{
	_cleanup_(timestamp_freep) struct timestamp *timestamp = NULL;
	_cleanup_(jread_freep) json_t *body = NULL;
	int r = envelope_read(data, size, root->signers[ROOT_ROLE_TIMESTAMP], &body, err);

	if (r < 0)
		return r;
	timestamp = calloc(1, sizeof(*timestamp));
	if (!timestamp)
		return error_code(err, -ENOMEM, "reading timestamp metadata");
	r = interpret(body, timestamp, err);
	if (r < 0)
		return r;
	*ret_timestamp = TAKE_PTR(timestamp);
	return 0;
}

void timestamp_free(struct timestamp *timestamp)
{
	free(timestamp);
}

int timestamp_check_version(const struct timestamp *trusted, const struct timestamp *next,
			    struct error *err)
{
	uint64_t had = trusted->metadata.version;
	uint64_t has = next->metadata.version;

	if (has < had)
		return error_set(err, FAULT_STALE,
				 "rolled back to version %" PRIu64 ", %" PRIu64 " is known", has,
				 had);
	return has == had ? TIMESTAMP_SAME : 0;
}

int timestamp_check_snapshot(const struct timestamp *trusted, const struct timestamp *next,
			     struct error *err)
{
	uint64_t had = trusted->snapshot.version;
	uint64_t has = next->snapshot.version;

	if (has < had)
		return error_set(err, FAULT_STALE,
				 "rolls snapshot.json back to version %" PRIu64 ", %" PRIu64
				 " is known",
				 has, had);
	return 0;
}
