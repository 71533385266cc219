#include "install/shadow.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/text.h"

#define NAMES_MAX (64 * 1024) /* bytes of names of attributes of a file */
#define VALUE_MAX (64 * 1024)

/* The way through the tree: to_fd of -1 only measures. */
struct shadow {
	const struct shadow_limits *limits;
	struct shadow_figures figures;
	uint64_t mount;
	uid_t owner;
	int shares; /* -1: not known yet */
	unsigned int depth;
	char path[1024]; /* of what is looked at, for messages */
};

static int refuse(const struct shadow *shadow, const char *why, struct error *err)
{
	char shown[400];

	return error_set(err, FAULT_CONFIG, "%s in the data %s",
			 text_escape(shadow->path, strlen(shadow->path), shown, sizeof(shown)),
			 why);
}

static int fail(const struct shadow *shadow, const char *what, struct error *err)
{
	char shown[400];

	return error_errno(err, "%s %s of the data", what,
			   text_escape(shadow->path, strlen(shadow->path), shown, sizeof(shown)));
}

/* ---- attributes ---- */

/* Those that its owner may set: others are the kernel's, or root's. */
static bool is_users(const char *name)
{
	return strncmp(name, "user.", 5) == 0 || strncmp(name, "system.posix_acl_", 17) == 0;
}

static int copy_attribute(int from_fd, int to_fd, const char *name, char *value)
{
	ssize_t size = fgetxattr(from_fd, name, value, VALUE_MAX);

	return size < 0 ? -1 : fsetxattr(to_fd, name, value, (size_t)size, 0);
}

static int copy_attributes(int from_fd, int to_fd)
{
	_cleanup_free_ char *names = malloc(NAMES_MAX);
	_cleanup_free_ char *value = malloc(VALUE_MAX);
	ssize_t size;

	if (!names || !value)
		return -1;
	size = flistxattr(from_fd, names, NAMES_MAX);
	if (size < 0)
		return errno == ENOTSUP ? 0 : -1;
	for (const char *name = names; name < names + size; name += strlen(name) + 1)
		if (is_users(name) && copy_attribute(from_fd, to_fd, name, value) < 0)
			return -1;
	return 0;
}

/* In this order: an ACL is part of the mode, and both would change the time. */
static int copy_metadata(int from_fd, int to_fd, const struct stat *st)
{
	const struct timespec times[] = { st->st_atim, st->st_mtim };
	struct stat now;

	if (fstat(to_fd, &now) < 0)
		return -1;
	if (now.st_gid != st->st_gid && fchown(to_fd, (uid_t)-1, st->st_gid) < 0)
		return -1;
	if (copy_attributes(from_fd, to_fd) < 0 || fchmod(to_fd, st->st_mode & 07777) < 0)
		return -1;
	return futimens(to_fd, times);
}

/* ---- content ---- */

static int copy_range(int from_fd, int to_fd, off_t at, off_t end)
{
	while (at < end) {
		off_t to = at;
		ssize_t n = copy_file_range(from_fd, &at, to_fd, &to, (size_t)(end - at), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -1 : 0; /* it has become shorter */
	}
	return 0;
}

/* Holes stay holes. */
static int copy_content(int from_fd, int to_fd, off_t size)
{
	off_t at = 0;

	if (ftruncate(to_fd, size) < 0)
		return -1;
	while (at < size) {
		off_t begin = lseek(from_fd, at, SEEK_DATA);
		off_t end;

		if (begin < 0)
			return errno == ENXIO ? 0 : -1;
		end = lseek(from_fd, begin, SEEK_HOLE);
		if (end < 0 || copy_range(from_fd, to_fd, begin, end) < 0)
			return -1;
		at = end;
	}
	return 0;
}

static uint64_t content_of(const struct stat *st)
{
	uint64_t blocks = (uint64_t)st->st_blocks * 512;
	uint64_t size = (uint64_t)st->st_size;

	return blocks < size ? blocks : size;
}

static int fill_file(struct shadow *shadow, int from_fd, int to_fd, const struct stat *st,
		     struct error *err)
{
	if (shadow->shares != 0 && ioctl(to_fd, FICLONE, from_fd) == 0) {
		shadow->shares = 1;
		return 0;
	}
	shadow->shares = 0;
	if (shadow->limits->must_share)
		return refuse(shadow, "cannot be shared: the file system has no reflinks", err);
	shadow->figures.copied += content_of(st);
	if (shadow->figures.copied > shadow->limits->max_copied)
		return error_set(err, FAULT_NO_SPACE, "the data is more than MaxCopy=");
	return copy_content(from_fd, to_fd, st->st_size) < 0 ? fail(shadow, "copying", err) : 0;
}

/* Would a copy be shared? Asked once, with a file that never gets a name. */
static void try_sharing(struct shadow *shadow, int dirfd, int from_fd)
{
	_cleanup_close_ int fd = -1;

	if (shadow->shares >= 0)
		return;
	fd = openat(dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	shadow->shares = fd >= 0 && ioctl(fd, FICLONE, from_fd) == 0;
}

static int take_file(struct shadow *shadow, int from_dir, int to_dir, const char *name,
		     struct error *err)
{
	_cleanup_close_ int from_fd = -1;
	_cleanup_close_ int to_fd = -1;
	struct stat st;
	int r;

	from_fd = openat(from_dir, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (from_fd < 0 || fstat(from_fd, &st) < 0)
		return fail(shadow, "reading", err);
	if (!S_ISREG(st.st_mode) || st.st_uid != shadow->owner)
		return refuse(shadow, "changed while it was looked at", err);
	shadow->figures.bytes += content_of(&st);
	if (to_dir < 0) {
		try_sharing(shadow, from_dir, from_fd);
		return 0;
	}
	to_fd = openat(to_dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to_fd < 0)
		return fail(shadow, "making", err);
	r = fill_file(shadow, from_fd, to_fd, &st, err);
	if (r < 0)
		return r;
	return copy_metadata(from_fd, to_fd, &st) < 0 ? fail(shadow, "copying", err) : 0;
}

static int take_link(const struct shadow *shadow, int from_dir, int to_dir, const char *name,
		     const struct stat *st, struct error *err)
{
	const struct timespec times[] = { st->st_atim, st->st_mtim };
	char target[4096];
	ssize_t size = readlinkat(from_dir, name, target, sizeof(target) - 1);

	if (size < 0)
		return fail(shadow, "reading", err);
	target[size] = '\0';
	if (to_dir >= 0 && (symlinkat(target, to_dir, name) < 0 ||
			    utimensat(to_dir, name, times, AT_SYMLINK_NOFOLLOW) < 0))
		return fail(shadow, "making", err);
	return 0;
}

static int take_fifo(const struct shadow *shadow, int to_dir, const char *name,
		     const struct stat *st, struct error *err)
{
	if (to_dir >= 0 && (mkfifoat(to_dir, name, 0600) < 0 ||
			    fchmodat(to_dir, name, st->st_mode & 07777, 0) < 0))
		return fail(shadow, "making", err);
	return 0;
}

/* ---- the tree ---- */

static int take_directory(struct shadow *shadow, int from_fd, int to_fd, struct error *err);

static int take_subdirectory(struct shadow *shadow, int from_dir, int to_dir, const char *name,
			     struct error *err)
{
	_cleanup_close_ int from_fd = -1;
	_cleanup_close_ int to_fd = -1;
	int r;

	if (shadow->depth >= SHADOW_DEPTH_MAX)
		return refuse(shadow, "lies too deep", err);
	from_fd = openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (from_fd < 0)
		return fail(shadow, "reading", err);
	if (to_dir >= 0) {
		if (mkdirat(to_dir, name, 0700) < 0)
			return fail(shadow, "making", err);
		to_fd = openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (to_fd < 0)
			return fail(shadow, "making", err);
	}
	shadow->depth++;
	r = take_directory(shadow, from_fd, to_fd, err);
	shadow->depth--;
	return r;
}

/* Not by st_dev, which an overlay or a subvolume changes. 0: the kernel (before 5.8) does not say. */
static uint64_t mount_of(int fd, const char *name)
{
	struct statx x = {};

	if (statx(fd, name, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_MNT_ID,
		  &x) < 0)
		return 0;
	return x.stx_mask & STATX_MNT_ID ? x.stx_mnt_id : 0;
}

static int take_entry(struct shadow *shadow, int from_fd, int to_fd, const char *name,
		      struct error *err)
{
	struct stat st;

	if (fstatat(from_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(shadow, "looking at", err);
	if (mount_of(from_fd, name) != shadow->mount)
		return refuse(shadow, "is a mount of its own", err);
	if (st.st_uid != shadow->owner)
		return refuse(shadow, "belongs to somebody else than the directory", err);
	shadow->figures.entries++;
	switch (st.st_mode & S_IFMT) {
	case S_IFDIR:
		return take_subdirectory(shadow, from_fd, to_fd, name, err);
	case S_IFREG:
		return take_file(shadow, from_fd, to_fd, name, err);
	case S_IFLNK:
		return take_link(shadow, from_fd, to_fd, name, &st, err);
	case S_IFIFO:
		return take_fifo(shadow, to_fd, name, &st, err);
	case S_IFSOCK:
		return 0; /* of a process; the next one makes it anew */
	default:
		return refuse(shadow, "is a device", err);
	}
}

static int take_entries(struct shadow *shadow, DIR *dir, int to_fd, struct error *err)
{
	size_t size = strlen(shadow->path);
	int r = 0;

	while (r == 0) {
		const struct dirent *entry;

		errno = 0;
		entry = readdir(dir);
		if (!entry && errno != 0)
			return fail(shadow, "reading", err);
		if (!entry)
			break;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		(void)snprintf(shadow->path + size, sizeof(shadow->path) - size, "%s%s",
			       size > 0 ? "/" : "", entry->d_name);
		r = take_entry(shadow, dirfd(dir), to_fd, entry->d_name, err);
		shadow->path[size] = '\0';
	}
	return r;
}

static int take_directory(struct shadow *shadow, int from_fd, int to_fd, struct error *err)
{
	_cleanup_closedir_ DIR *dir = NULL;
	int fd = openat(from_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	int r;

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		r = fail(shadow, "reading", err);
		if (fd >= 0)
			(void)close(fd);
		return r;
	}
	if (fstat(fd, &st) < 0)
		return fail(shadow, "looking at", err);
	r = take_entries(shadow, dir, to_fd, err);
	if (r == 0 && to_fd >= 0 && copy_metadata(from_fd, to_fd, &st) < 0)
		return fail(shadow, "copying", err);
	return r;
}

static int run(struct shadow *shadow, int from_fd, int to_fd, struct shadow_figures *ret_figures,
	       struct error *err)
{
	struct stat st;
	int r;

	if (fstat(from_fd, &st) < 0)
		return error_errno(err, "looking at the data");
	shadow->mount = mount_of(from_fd, "");
	shadow->owner = st.st_uid;
	shadow->shares = -1;
	r = take_directory(shadow, from_fd, to_fd, err);
	if (r == 0 && to_fd < 0 && shadow->shares != 1)
		shadow->figures.copied = shadow->figures.bytes;
	if (r == 0)
		*ret_figures = shadow->figures;
	return r;
}

int shadow_measure(int fd, struct shadow_figures *ret_figures, struct error *err)
{
	struct shadow shadow = {};

	return run(&shadow, fd, -1, ret_figures, err);
}

int shadow_copy(int from_fd, int to_fd, const struct shadow_limits *limits,
		struct shadow_figures *ret_figures, struct error *err)
{
	struct shadow shadow = { .limits = limits };

	return run(&shadow, from_fd, to_fd, ret_figures, err);
}
