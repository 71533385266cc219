#include "store/checked.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "store/fields.h"
#include "store/layout.h"
#include "store/record.h"

#define C(kind, member) FIELD(struct checked, kind, #member, member)

static const struct field fields[] = {
	C(FIELD_TEXT, id),
	C(FIELD_U64, when),
	C(FIELD_U64, verified),
	C(FIELD_U64, expires),
	C(FIELD_FAULT, fault),
	C(FIELD_TEXT, text),
	FIELD(struct checked, FIELD_DIGEST, "offer.digest", offer.digest),
	FIELD(struct checked, FIELD_TEXT, "offer.version", offer.version),
	FIELD(struct checked, FIELD_U64, "sequence", offer.sequence),
	C(FIELD_U64, min_sequence),
	C(FIELD_BOOL, news),
	C(FIELD_U64, day),
	C(FIELD_U64, day_bytes),
};

int checked_load(int dirfd, struct checked *ret_checked, struct error *err)
{
	_cleanup_free_ char *payload = NULL;
	struct checked checked = {};
	struct stat st;
	int load;
	int r;

	if (fstatat(dirfd, LAYOUT_CHECKED, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT) {
		*ret_checked = checked;
		return 0;
	}
	load = record_load(dirfd, LAYOUT_CHECKED, &payload, NULL, err);
	if (load < 0)
		return load;
	r = fields_read(fields, ARRAY_SIZE(fields), load == RECORD_EMPTY ? "" : payload, &checked,
			err);
	if (r < 0)
		return error_prefix(err, r, LAYOUT_CHECKED);
	*ret_checked = checked;
	return 0;
}

int checked_store(int dirfd, const struct checked *checked, struct error *err)
{
	_cleanup_free_ char *payload = NULL;
	int r = fields_write(fields, ARRAY_SIZE(fields), checked, RECORD_PAYLOAD_MAX, &payload,
			     err);

	return r < 0 ? error_prefix(err, r, LAYOUT_CHECKED) :
		       record_store(dirfd, LAYOUT_CHECKED, payload, err);
}
