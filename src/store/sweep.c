/*
 * Down by name, up by "..": only one directory is open at a time, however deep the tree is. The way
 * back is remembered as device and inode of each directory that was left downwards; a ".." that leads
 * elsewhere was moved by somebody, and nothing there is touched. A directory that became empty is
 * removed when its parent is listed again.
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

struct sweep {
	int fd; /* the directory that is being emptied */
	dev_t dev;
	ino_t *above; /* the directories on the way to it */
	size_t depth;
	size_t room;
};

static void sweep_done(struct sweep *sweep)
{
	cleanup_close(&sweep->fd);
	free(sweep->above);
}

static void closedirp(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
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
static int remove_entry(int dirfd, const char *name, struct error *err)
{
	if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0)
		return 0;
	if (errno == ENOTEMPTY || errno == EEXIST)
		return FULL;
	if (errno == ENOTDIR && unlinkat(dirfd, name, 0) == 0)
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

static int go_down(struct sweep *sweep, const char *name, struct error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat here;
	struct stat st;
	int r = reserve(sweep, err);

	if (r < 0)
		return r;
	fd = open_child(sweep->fd, name);
	if (fd < 0 || fstat(fd, &st) < 0 || fstat(sweep->fd, &here) < 0)
		return fail("opening the directory", name, err);
	if (st.st_dev != sweep->dev)
		return error_set(err, FAULT_INTERNAL, "a file system is mounted in what to remove");
	if ((st.st_mode & 0700) != 0700 && fchmod(fd, 0700) < 0)
		return fail("opening up the directory", name, err);
	assert(sweep->above);
	sweep->above[sweep->depth++] = here.st_ino;
	(void)close(sweep->fd);
	sweep->fd = TAKE_FD(fd);
	return 0;
}

static int go_up(struct sweep *sweep, struct error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	fd = openat(sweep->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0)
		return fail("going back to", "..", err);
	if (st.st_dev != sweep->dev || st.st_ino != sweep->above[sweep->depth - 1])
		return error_set(err, FAULT_INTERNAL, "a directory was moved while it was emptied");
	sweep->depth--;
	(void)close(sweep->fd);
	sweep->fd = TAKE_FD(fd);
	return 0;
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* One listing: counts what was removed. > 0: FULL, went down into a directory. */
static int pass(struct sweep *sweep, DIR *dir, size_t *removed, struct error *err)
{
	const struct dirent *entry;

	for (errno = 0; (entry = readdir(dir)); errno = 0) {
		int r;

		if (is_dots(entry->d_name))
			continue;
		r = remove_entry(sweep->fd, entry->d_name, err);
		if (r == FULL) {
			r = go_down(sweep, entry->d_name, err);
			return r < 0 ? r : FULL;
		}
		if (r < 0)
			return r;
		(*removed)++;
	}
	return errno == 0 ? 0 : error_errno(err, "listing a directory");
}

/* Empties the directory of all but directories with something in them: down into the first of them. */
static int empty(struct sweep *sweep, struct error *err)
{
	_cleanup_(closedirp) DIR *dir = NULL;
	size_t removed;
	int fd = openat(sweep->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return error_errno(err, "opening a directory to empty it");
	dir = fdopendir(fd);
	if (!dir) {
		r = error_errno(err, "listing a directory");
		(void)close(fd);
		return r;
	}
	do {
		removed = 0;
		rewinddir(dir); /* removing while listing may pass over some */
		r = pass(sweep, dir, &removed, err);
	} while (r == 0 && removed > 0);
	return r;
}

int sweep_directory(int fd, struct error *err)
{
	_cleanup_(sweep_done) struct sweep sweep = { .fd = -1 };
	struct stat st;
	int r;

	sweep.fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (sweep.fd < 0 || fstat(sweep.fd, &st) < 0)
		return error_errno(err, "opening a directory to empty it");
	sweep.dev = st.st_dev;
	for (;;) {
		r = empty(&sweep, err);
		if (r == 0 && sweep.depth == 0)
			return 0;
		if (r == 0)
			r = go_up(&sweep, err);
		if (r < 0)
			return r;
	}
}
