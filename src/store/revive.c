#include "store/revive.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "store/durable.h"
#include "store/history.h"
#include "store/layout.h"
#include "store/outbox.h"
#include "store/record.h"

#define SLOTS "slots"

static bool was_set_up(int dirfd)
{
	struct stat st;

	return fstatat(dirfd, SLOTS, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

int revive_complain(int dirfd, const char *name, struct error *err)
{
	if (was_set_up(dirfd))
		return error_set(err, FAULT_CORRUPT, "the file %s is gone", name);
	return error_set(err, FAULT_CONFIG,
			 "not initialised: there is no file %s (run: flipslot init)", name);
}

int revive_lock(int dirfd, struct error *err)
{
	_cleanup_close_ int fd = -1;

	if (faccessat(dirfd, LAYOUT_LOCK, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || !was_set_up(dirfd))
		return 0;
	fd = openat(dirfd, LAYOUT_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? error_errno(err, "making " LAYOUT_LOCK) : durable_sync_dir(dirfd, err);
}

/* It says nothing any more: nobody reads a record that has not its size. */
static int remove_misfit(int dirfd, const char *name, struct error *err)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISDIR(st.st_mode) ||
	    (S_ISREG(st.st_mode) && st.st_size == RECORD_FILE_SIZE))
		return 0;
	return durable_remove(dirfd, name, err);
}

static bool is_whole(int dirfd)
{
	static const char *const names[] = { LAYOUT_HISTORY, LAYOUT_OUTBOX, LAYOUT_SCRUB_LOCK,
					     LAYOUT_OUTBOX_LOCK };
	static const char *const records[] = { LAYOUT_STATE, LAYOUT_REQUEST, LAYOUT_CHECKED,
					       LAYOUT_SCRUB };
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (fstatat(dirfd, names[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
			return false;
	for (size_t i = 0; i < ARRAY_SIZE(records); i++)
		if (fstatat(dirfd, records[i], &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode) || st.st_size != RECORD_FILE_SIZE)
			return false;
	return true;
}

int revive_files(int dirfd, struct error *err)
{
	static const char *const records[] = { LAYOUT_STATE, LAYOUT_REQUEST, LAYOUT_CHECKED,
					       LAYOUT_SCRUB };
	int r = 0;

	if (!was_set_up(dirfd) || is_whole(dirfd))
		return 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(records); i++)
		r = remove_misfit(dirfd, records[i], err);
	return r < 0 ? r : layout_create_missing(dirfd, err);
}
