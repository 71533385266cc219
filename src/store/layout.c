/*
 * Turning `current` over, and what a crash leaves at each step:
 *
 *     both links are there, and the file system can exchange
 *         current → a, previous → b
 *         RENAME_EXCHANGE                     one step: both or none
 *         current → b, previous → a
 *
 *     else
 *         current → a, previous → anything
 *         a new link is renamed over current  one step: a or b
 *         current → b, previous → anything    mended by the next call
 *         a new link is renamed over previous
 *         current → b, previous → a
 */
#include "store/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "store/durable.h"
#include "store/history.h"
#include "store/outbox.h"
#include "store/record.h"
#include "store/sweep.h"

#define SLOTS "slots"

/* The file with that size and mode; a mode that somebody changed is set again. */
static int make_file(int dirfd, const char *name, size_t size, mode_t mode, struct error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r = durable_preallocate(dirfd, name, size, mode, err);

	if (r < 0)
		return r;
	fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "opening %s", name);
	if ((st.st_mode & 07777) != mode && fchmod(fd, mode) < 0)
		return error_errno(err, "setting the mode of %s", name);
	return 0;
}

static const struct {
	const char *name;
	size_t size;
	mode_t mode;
} files[] = {
	{ LAYOUT_STATE, RECORD_FILE_SIZE, 0644 },
	{ LAYOUT_REQUEST, RECORD_FILE_SIZE, 0600 },
	{ LAYOUT_CHECKED, RECORD_FILE_SIZE, 0644 },
	{ LAYOUT_SCRUB, RECORD_FILE_SIZE, 0644 },
	{ LAYOUT_SCRUB_LOCK, 0, 0600 },
	{ LAYOUT_HISTORY, HISTORY_FILE_SIZE, 0644 },
	{ LAYOUT_OUTBOX, OUTBOX_FILE_SIZE, 0644 },
	{ LAYOUT_OUTBOX_LOCK, 0, 0600 },
	{ LAYOUT_LOCK, 0, 0600 },
};

int layout_create(int dirfd, struct error *err)
{
	int r = durable_mkdir(dirfd, SLOTS, 0755, err);

	for (enum slot slot = SLOT_A; r == 0 && slot < SLOT_MAX; slot++)
		r = durable_mkdir(dirfd, slot_dir_name(slot), 0755, err);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(files); i++)
		r = make_file(dirfd, files[i].name, files[i].size, files[i].mode, err);
	return r;
}

int layout_create_missing(int dirfd, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(files); i++)
		if (faccessat(dirfd, files[i].name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			r = make_file(dirfd, files[i].name, files[i].size, files[i].mode, err);
	return r;
}

/* One that is not there is tidy. */
static int tidy_below(int dirfd, const char *name, struct error *err)
{
	_cleanup_close_ int fd = fd_open_beneath(dirfd, name, O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0)
		return errno == ENOENT ? 0 : error_errno(err, "opening %s", name);
	return durable_tidy(fd, err);
}

/* A slot that somebody has removed, directory and all, is one to be filled; without slots/ that is for init. */
static int make_slot(int dirfd, enum slot slot, struct error *err)
{
	int r;

	if (faccessat(dirfd, slot_dir_name(slot), F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
	    faccessat(dirfd, SLOTS, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	r = durable_remove(dirfd, slot_seal_name(slot), err);
	return r < 0 ? r : durable_mkdir(dirfd, slot_dir_name(slot), 0755, err);
}

int layout_tidy(int dirfd, struct error *err)
{
	int r = durable_tidy(dirfd, err);

	if (r == 0)
		r = tidy_below(dirfd, SLOTS, err);
	for (enum slot slot = SLOT_A; r == 0 && slot < SLOT_MAX; slot++)
		r = make_slot(dirfd, slot, err);
	return r < 0 ? r : tidy_below(dirfd, LAYOUT_TRUST, err);
}

static int is_slot(int dirfd, enum slot slot, const struct stat *st)
{
	struct stat dir;

	return fstatat(dirfd, slot_dir_name(slot), &dir, AT_SYMLINK_NOFOLLOW) == 0 &&
	       dir.st_dev == st->st_dev && dir.st_ino == st->st_ino;
}

static int resolve(int dirfd, const char *name, enum slot *ret_slot, struct error *err)
{
	_cleanup_close_ int fd = fd_open_resolved(dirfd, name, O_PATH | O_DIRECTORY);
	struct stat st;

	if (fd < 0 && errno == ENOENT) {
		*ret_slot = SLOT_NONE;
		return LAYOUT_ABSENT;
	}
	if (fd < 0 && errno != EXDEV && errno != ELOOP && errno != ENOTDIR)
		return error_errno(err, "opening %s", name);
	for (enum slot slot = SLOT_A; fd >= 0 && slot < SLOT_MAX; slot++) {
		if (fstat(fd, &st) < 0)
			return error_errno(err, "looking at %s", name);
		if (is_slot(dirfd, slot, &st)) {
			*ret_slot = slot;
			return 0;
		}
	}
	return error_set(err, FAULT_CORRUPT, "%s leads to neither of the slots", name);
}

int layout_current(int dirfd, enum slot *ret_slot, struct error *err)
{
	return resolve(dirfd, LAYOUT_CURRENT, ret_slot, err);
}

int layout_previous(int dirfd, enum slot *ret_slot, struct error *err)
{
	return resolve(dirfd, LAYOUT_PREVIOUS, ret_slot, err);
}

int layout_open_slot(int dirfd, enum slot slot, int *ret_fd, struct error *err)
{
	int fd = fd_open_beneath(dirfd, slot_dir_name(slot), O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0)
		return error_errno(err, "opening the slot %s", slot_name(slot));
	*ret_fd = fd;
	return 0;
}

/* `previous` never decides anything: whatever it is now, it is made to name the slot. */
static int point_previous(int dirfd, enum slot slot, struct error *err)
{
	enum slot now = SLOT_NONE;

	if (layout_previous(dirfd, &now, NULL) == 0 && now == slot)
		return durable_sync_dir(dirfd, err);
	return durable_symlink(dirfd, slot_dir_name(slot), LAYOUT_PREVIOUS, err);
}

/* > 0: DURABLE_NO_EXCHANGE: the links are not each other's, or the file system cannot. */
static int exchange(int dirfd, enum slot now, enum slot slot, struct error *err)
{
	enum slot previous = SLOT_NONE;

	if (now != slot_other(slot) || layout_previous(dirfd, &previous, NULL) != 0 ||
	    previous != slot)
		return DURABLE_NO_EXCHANGE;
	return durable_exchange(dirfd, LAYOUT_CURRENT, LAYOUT_PREVIOUS, err);
}

/* A link that leads elsewhere is as good as none: it is replaced. What is no link may hold something. */
static int find_now(int dirfd, enum slot *ret_now, struct error *err)
{
	struct error damage = {};
	struct stat st;
	int r = layout_current(dirfd, ret_now, &damage);

	if (r >= 0)
		return 0;
	*ret_now = SLOT_NONE;
	if (fstatat(dirfd, LAYOUT_CURRENT, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "looking at " LAYOUT_CURRENT);
	if (S_ISLNK(st.st_mode))
		return 0;
	return error_set(err, damage.fault, "%s, and is no link: move it away", damage.text);
}

int layout_point_current(int dirfd, enum slot slot, struct error *err)
{
	_cleanup_close_ int fd = -1;
	enum slot now = SLOT_NONE;
	int r = layout_open_slot(dirfd, slot, &fd, err);

	if (r == 0)
		r = find_now(dirfd, &now, err);
	if (r < 0)
		return r;
	if (now != slot) {
		r = exchange(dirfd, now, slot, err);
		if (r != DURABLE_NO_EXCHANGE)
			return r;
		r = durable_symlink(dirfd, slot_dir_name(slot), LAYOUT_CURRENT, err);
		if (r < 0)
			return r;
	}
	return point_previous(dirfd, slot_other(slot), err);
}

int layout_remove_current(int dirfd, struct error *err)
{
	return durable_remove(dirfd, LAYOUT_CURRENT, err);
}

int layout_clear_slot(int dirfd, enum slot slot, struct error *err)
{
	_cleanup_close_ int fd = -1;
	enum slot now = SLOT_NONE;
	int r = layout_current(dirfd, &now, err);

	if (r < 0)
		return r;
	if (now == slot)
		return error_set(err, FAULT_INTERNAL, "the slot %s is the current one: not emptied",
				 slot_name(slot));
	r = durable_remove(dirfd, slot_seal_name(slot), err);
	if (r == 0)
		r = layout_open_slot(dirfd, slot, &fd, err);
	if (r == 0)
		r = sweep_directory(fd, err);
	if (r == 0 && fchmod(fd, 0755) < 0)
		r = error_errno(err, "setting the mode of the slot %s", slot_name(slot));
	return r;
}
