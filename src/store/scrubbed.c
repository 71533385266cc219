#include "store/scrubbed.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "store/fields.h"
#include "store/layout.h"
#include "store/lock.h"
#include "store/record.h"

#define S(kind, key, member) FIELD(struct scrubbed, kind, key, member)

#define SLOT_FIELDS(name, slot)                                             \
	S(FIELD_DIGEST, name ".digest", slots[slot].digest),                \
		S(FIELD_U64, name ".installed", slots[slot].installed),     \
		S(FIELD_U64, name ".when", slots[slot].when),               \
		S(FIELD_U64, name ".differences", slots[slot].differences), \
		S(FIELD_TEXT, name ".first", slots[slot].first),            \
		S(FIELD_TEXT, name ".id", slots[slot].id),                  \
		S(FIELD_BOOL, name ".told", slots[slot].told),              \
		S(FIELD_U64, name ".tried", slots[slot].tried),             \
		S(FIELD_TEXT, name ".text", slots[slot].text),              \
		S(FIELD_U64, name ".mended", slots[slot].mended)

static const struct field fields[] = {
	S(FIELD_U64, "when", when),
	SLOT_FIELDS("a", SLOT_A),
	SLOT_FIELDS("b", SLOT_B),
};

static bool is_there(int dirfd, const char *name)
{
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

/* An app that an older flipslot has set up has no such files. */
static int make_files(int dirfd, struct error *err)
{
	if (is_there(dirfd, LAYOUT_SCRUB) && is_there(dirfd, LAYOUT_SCRUB_LOCK))
		return 0;
	return layout_create(dirfd, err);
}

int scrubbed_load(int dirfd, struct scrubbed *ret_scrubbed, struct error *err)
{
	_cleanup_free_ char *payload = NULL;
	struct scrubbed scrubbed = {};
	struct error why = {};
	int r;

	*ret_scrubbed = scrubbed;
	if (!is_there(dirfd, LAYOUT_SCRUB))
		return 0;
	r = record_load(dirfd, LAYOUT_SCRUB, &payload, NULL, &why);
	if (r == RECORD_EMPTY)
		return 0;
	if (r >= 0)
		r = fields_read(fields, ARRAY_SIZE(fields), payload, &scrubbed, &why);
	if (r < 0)
		return why.fault == FAULT_CORRUPT ? 0 : error_set(err, why.fault, "%s", why.text);
	*ret_scrubbed = scrubbed;
	return 0;
}

int scrubbed_store(int dirfd, const struct scrubbed *scrubbed, struct error *err)
{
	_cleanup_free_ char *payload = NULL;
	int r = fields_write(fields, ARRAY_SIZE(fields), scrubbed, RECORD_PAYLOAD_MAX, &payload,
			     err);

	if (r == 0)
		r = make_files(dirfd, err);
	if (r == 0)
		r = record_store(dirfd, LAYOUT_SCRUB, payload, err);
	return r < 0 ? error_prefix(err, r, LAYOUT_SCRUB) : 0;
}

int scrubbed_lock(int dirfd, int *ret_fd, struct error *err)
{
	int r = make_files(dirfd, err);

	return r < 0 ? r : lock_take(dirfd, LAYOUT_SCRUB_LOCK, ret_fd, err);
}
