#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bulk.h"
#include "base/cleanup.h"

#define FIRST_ROOM    4096
#define OPENAT2_TRIES 128
#define PIECE	      (64 * 1024)

int fd_open_dir(int dirfd, const char *name, int *ret_fd, struct error *err)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return error_errno(err, "opening the directory %s", name);
	*ret_fd = fd;
	return 0;
}

/* EAGAIN: somebody renames on the way, so that the kernel cannot be sure. It says: try again. */
static int open_how(int dirfd, const char *path, const struct open_how *how)
{
	long fd = -1;

	for (int i = 0; i < OPENAT2_TRIES; i++) {
		fd = syscall(SYS_openat2, dirfd, path, how, sizeof(*how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return (int)fd;
}

int fd_open_beneath(int dirfd, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC | O_NOFOLLOW),
		.mode = flags & (O_CREAT | __O_TMPFILE) ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	return open_how(dirfd, path, &how);
}

int fd_open_inside(int dirfd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC | O_NOFOLLOW),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			   RESOLVE_NO_XDEV,
	};

	return open_how(dirfd, path, &how);
}

int fd_open_unseen(int dirfd, const char *path, int flags)
{
	int fd = fd_open_inside(dirfd, path, flags | O_NOATIME);

	return fd < 0 && errno == EPERM ? fd_open_inside(dirfd, path, flags) : fd;
}

int fd_open_resolved(int dirfd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};

	return open_how(dirfd, path, &how);
}

int fd_open_nameless(int dirfd, mode_t mode)
{
	return openat(dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
}

int fd_give_name(int fd, int dirfd, const char *name)
{
	char link[40];

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, link, dirfd, name, AT_SYMLINK_FOLLOW);
}

ssize_t fd_read_full(int fd, void *buf, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, (char *)buf + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

ssize_t fd_pread_full(int fd, void *buf, size_t size, off_t offset)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pread(fd, (char *)buf + done, size - done, offset + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* A write that takes nothing and says no error would be retried for ever: it is one. */
static int count_written(ssize_t n, size_t *done)
{
	if (n < 0)
		return errno == EINTR ? 0 : -1;
	if (n == 0) {
		errno = EIO;
		return -1;
	}
	*done += (size_t)n;
	return 0;
}

int fd_write_full(int fd, const void *buf, size_t size)
{
	size_t done = 0;

	while (done < size)
		if (count_written(write(fd, (const char *)buf + done, size - done), &done) < 0)
			return -1;
	return 0;
}

int fd_pwrite_full(int fd, const void *buf, size_t size, off_t offset)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pwrite(fd, (const char *)buf + done, size - done, offset + (off_t)done);

		if (count_written(n, &done) < 0)
			return -1;
	}
	return 0;
}

static bool is_zero(const char *bytes, size_t size)
{
	return bytes[0] == '\0' && memcmp(bytes, bytes + 1, size - 1) == 0;
}

int fd_pwrite_sparse(int fd, const void *buf, size_t size, off_t offset)
{
	const char *bytes = buf;
	bool hole = false;
	int r = 0;

	for (size_t done = 0, n; r == 0 && done < size; done += n) {
		n = size - done < PIECE ? size - done : PIECE;
		hole = n == PIECE && is_zero(bytes + done, n);
		if (!hole)
			r = fd_pwrite_full(fd, bytes + done, n, offset + (off_t)done);
	}
	return r == 0 && hole ? ftruncate(fd, offset + (off_t)size) : r;
}

/* Reads to the end, if that comes within max bytes; the room grows: files in /proc tell no size. */
static int read_to_end(int fd, const char *name, size_t max, char **ret_data, size_t *ret_size,
		       struct error *err)
{
	_cleanup_free_ char *data = NULL;
	size_t room = FIRST_ROOM;
	size_t size = 0;

	for (;;) {
		char *more = realloc(data, room);
		ssize_t n;

		if (!more)
			return error_errno(err, "reading %s", name);
		data = more;
		n = fd_read_full(fd, data + size, room - 1 - size);
		if (n < 0)
			return error_errno(err, "reading %s", name);
		size += (size_t)n;
		if (size > max)
			return error_set(err, FAULT_CORRUPT, "%s has more than %zu bytes", name,
					 max);
		if (size < room - 1)
			break;
		room *= 2;
	}
	data[size] = '\0';
	*ret_data = TAKE_PTR(data);
	if (ret_size)
		*ret_size = size;
	return 0;
}

/* O_NONBLOCK: a FIFO of that name must not hold us up; it has no effect on regular files. > 0: FD_ABSENT. */
static int open_to_read(int dirfd, const char *name, int *ret_fd, struct stat *ret_stat,
			struct error *err)
{
	_cleanup_close_ int fd =
		openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 && errno == ENOENT)
		return FD_ABSENT;
	if (fd < 0)
		return error_errno(err, "opening %s", name);
	if (fstat(fd, ret_stat) < 0)
		return error_errno(err, "looking at %s", name);
	if (!S_ISREG(ret_stat->st_mode))
		return error_set(err, FAULT_CORRUPT, "%s is not a regular file", name);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int fd_read_file(int dirfd, const char *name, size_t max, char **ret_data, size_t *ret_size,
		 struct error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st = {};
	int r = open_to_read(dirfd, name, &fd, &st, err);

	return r != 0 ? r : read_to_end(fd, name, max, ret_data, ret_size, err);
}

int fd_read_bulk(int dirfd, const char *name, size_t max, char **ret_data, size_t *ret_size,
		 struct error *err)
{
	_cleanup_bulk_ char *data = NULL;
	_cleanup_close_ int fd = -1;
	struct stat st = {};
	ssize_t n;
	int r = open_to_read(dirfd, name, &fd, &st, err);

	if (r != 0)
		return r;
	if ((uint64_t)st.st_size > max)
		return error_set(err, FAULT_CORRUPT, "%s has more than %zu bytes", name, max);
	data = bulk_alloc((size_t)st.st_size + 1, 1);
	n = data ? fd_read_full(fd, data, (size_t)st.st_size) : -1;
	if (n < 0)
		return error_errno(err, "reading %s", name);
	*ret_data = TAKE_PTR(data);
	*ret_size = (size_t)n;
	return 0;
}

void fd_make_room(int count)
{
	_cleanup_close_ int fd = open("/", O_PATH | O_CLOEXEC);
	_cleanup_close_ int last = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, count - 1);

	(void)last;
}

void fd_close_all_but(const int *keep, size_t n_keep)
{
	unsigned int first = 3;

	for (;;) {
		unsigned int next = UINT32_MAX; /* the lowest to keep from `first` on */

		for (size_t i = 0; i < n_keep; i++)
			if (keep[i] >= 0 && (unsigned int)keep[i] >= first &&
			    (unsigned int)keep[i] < next)
				next = (unsigned int)keep[i];
		if (next > first)
			(void)close_range(first, next == UINT32_MAX ? next : next - 1, 0);
		if (next == UINT32_MAX)
			return;
		first = next + 1;
	}
}
