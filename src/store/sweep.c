/*
 * Down by name, up by "..": however deep the tree is, only the listings of the first few levels stay
 * open (so that a wide directory is not listed anew for each one in it). The way back from deeper ones
 * is remembered as their inodes; a ".." that leads elsewhere was moved by somebody, and nothing there
 * is touched. A directory that became empty is removed by the next listing of its parent.
 */
#include "store/sweep.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/text.h"

#define FIRST_ROOM 64
#define SHOWN_MAX  128
#define KEPT	   8 /* levels */
#define IDLE_MAX   100

struct sweep {
	DIR *dir; /* the directory that is being emptied */
	size_t removed; /* in it, since its listing began */
	size_t idle; /* directories that were left since something was removed */
	dev_t dev;
	DIR *kept[KEPT]; /* the first directories on the way to it */
	ino_t *above; /* the directories on the way to it */
	size_t depth;
	size_t room;
};

static void close_listing(DIR *dir)
{
	if (dir)
		(void)closedir(dir);
}

static void sweep_done(struct sweep *sweep)
{
	close_listing(sweep->dir);
	for (size_t i = 0; i < KEPT; i++)
		close_listing(sweep->kept[i]);
	free(sweep->above);
}

static int fail(const char *doing, const char *name, struct error *err)
{
	int code = -errno;
	char shown[SHOWN_MAX];

	return error_code(err, code, "%s %s", doing,
			  text_escape(name, strlen(name), shown, sizeof(shown)));
}

/* > 0: FULL, it is a directory with something in it. */
enum { FULL = 1 };
static int remove_entry(int dirfd, const char *name, bool may_be_dir, struct error *err)
{
	if (may_be_dir && unlinkat(dirfd, name, AT_REMOVEDIR) == 0)
		return 0;
	if (may_be_dir && (errno == ENOTEMPTY || errno == EEXIST))
		return FULL;
	if ((!may_be_dir || errno == ENOTDIR) && unlinkat(dirfd, name, 0) == 0)
		return 0;
	return errno == ENOENT ? 0 : fail("removing", name, err);
}

/* Makes room for one more inode on the way back. */
static int reserve(struct sweep *sweep, struct error *err)
{
	size_t room = sweep->room > 0 ? 2 * sweep->room : FIRST_ROOM;
	ino_t *above;

	if (sweep->depth < sweep->room)
		return 0;
	above = reallocarray(sweep->above, room, sizeof(*above));
	if (!above)
		return error_errno(err, "emptying a directory");
	sweep->above = above;
	sweep->room = room;
	return 0;
}

static int open_child(int dirfd, const char *name)
{
	int fd = fd_open_beneath(dirfd, name, O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0 && errno == EACCES && fchmodat(dirfd, name, 0700, AT_SYMLINK_NOFOLLOW) == 0)
		fd = fd_open_beneath(dirfd, name, O_RDONLY | O_DIRECTORY, 0);
	return fd;
}

/* Leaves the directory downwards or for good, and lists fd from its beginning. */
static int list_consume(struct sweep *sweep, int fd, bool keep, struct error *err)
{
	DIR *dir = fdopendir(fd);

	if (!dir) {
		int r = error_errno(err, "listing a directory");

		(void)close(fd);
		return r;
	}
	if (keep)
		sweep->kept[sweep->depth] = sweep->dir;
	else
		close_listing(sweep->dir);
	sweep->dir = dir;
	return 0;
}

static int go_down(struct sweep *sweep, const char *name, struct error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat here;
	struct stat st;
	int r = reserve(sweep, err);

	if (r < 0)
		return r;
	fd = open_child(dirfd(sweep->dir), name);
	if (fd < 0 || fstat(fd, &st) < 0 || fstat(dirfd(sweep->dir), &here) < 0)
		return fail("opening the directory", name, err);
	if (st.st_dev != sweep->dev)
		return error_set(err, FAULT_INTERNAL, "a file system is mounted in what to remove");
	if ((st.st_mode & 0700) != 0700 && fchmod(fd, 0700) < 0)
		return fail("opening up the directory", name, err);
	r = list_consume(sweep, TAKE_FD(fd), sweep->depth < KEPT, err);
	if (r < 0)
		return r;
	assert(sweep->above);
	sweep->above[sweep->depth++] = here.st_ino;
	sweep->removed = 0;
	return 0;
}

static int list_parent(struct sweep *sweep, struct error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	fd = openat(dirfd(sweep->dir), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0)
		return fail("going back to", "..", err);
	if (st.st_dev != sweep->dev || st.st_ino != sweep->above[sweep->depth])
		return error_set(err, FAULT_INTERNAL, "a directory was moved while it was emptied");
	return list_consume(sweep, TAKE_FD(fd), false, err);
}

/* Goes on with the parent, which has an empty directory in it now. */
static int go_up(struct sweep *sweep, struct error *err)
{
	sweep->depth--;
	sweep->removed = 1;
	if (++sweep->idle > IDLE_MAX)
		return error_set(err, FAULT_INTERNAL,
				 "directories that list nothing cannot be removed");
	if (sweep->depth >= KEPT)
		return list_parent(sweep, err);
	close_listing(sweep->dir);
	sweep->dir = TAKE_PTR(sweep->kept[sweep->depth]);
	return 0;
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Removes what the listing names, up to a directory with something in it: goes down into that. */
static int pass(struct sweep *sweep, struct error *err)
{
	const struct dirent *entry;

	assert(sweep->dir);
	for (errno = 0; (entry = readdir(sweep->dir)); errno = 0) {
		int r;

		if (is_dots(entry->d_name))
			continue;
		r = remove_entry(dirfd(sweep->dir), entry->d_name,
				 entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN, err);
		if (r == FULL) {
			r = go_down(sweep, entry->d_name, err);
			return r < 0 ? r : FULL;
		}
		if (r < 0)
			return r;
		sweep->removed++;
		sweep->idle = 0;
	}
	return errno == 0 ? 0 : error_errno(err, "listing a directory");
}

int sweep_directory(int fd, struct error *err)
{
	_cleanup_(sweep_done) struct sweep sweep = {};
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	int r;

	if (copy < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "opening a directory to empty it");
	sweep.dev = st.st_dev;
	r = list_consume(&sweep, copy, false, err);
	while (r >= 0) {
		r = pass(&sweep, err);
		if (r != 0)
			continue;
		if (sweep.removed > 0) { /* removing while listing may have passed over some */
			sweep.removed = 0;
			rewinddir(sweep.dir);
			continue;
		}
		if (sweep.depth == 0)
			return 0;
		r = go_up(&sweep, err);
	}
	return r;
}
