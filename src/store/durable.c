#include "store/durable.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

#define TEMPORARY_PREFIX ".flipslot-"
#define TEMPORARY_MAX	 32
#define ZEROES_SIZE	 4096

/* Where a name lives: the directory to work in and to sync, and the last part of the name. */
struct place {
	int dirfd;
	int owned; /* to close; -1 if dirfd is the caller's */
	const char *name;
};

static void place_done(const struct place *place)
{
	cleanup_close(&place->owned);
}

static int place_find(int dirfd, const char *name, struct place *ret_place, struct error *err)
{
	const char *slash = strrchr(name, '/');
	char parent[PATH_MAX];

	*ret_place = (struct place){ .dirfd = dirfd, .owned = -1, .name = name };
	if (!slash)
		return 0;
	if (slash - name >= PATH_MAX)
		return error_code(err, -ENAMETOOLONG, "%s", name);
	(void)snprintf(parent, sizeof(parent), "%.*s", (int)(slash - name), name);
	ret_place->owned = fd_open_beneath(dirfd, parent, O_RDONLY | O_DIRECTORY, 0);
	if (ret_place->owned < 0)
		return error_errno(err, "opening the directory %s", parent);
	ret_place->dirfd = ret_place->owned;
	ret_place->name = slash + 1;
	return 0;
}

static int temporary_name(char ret_name[static TEMPORARY_MAX], struct error *err)
{
	uint64_t random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return error_errno(err, "getting random bytes");
	(void)snprintf(ret_name, TEMPORARY_MAX, TEMPORARY_PREFIX "%016" PRIx64, random);
	return 0;
}

int durable_sync_dir(int dirfd, struct error *err)
{
	return fsync(dirfd) < 0 ? error_errno(err, "syncing a directory") : 0;
}

int durable_sync_fs(int fd, struct error *err)
{
	return syncfs(fd) < 0 ? error_errno(err, "syncing the file system") : 0;
}

static void discard(int dirfd, const char *temporary)
{
	if (unlinkat(dirfd, temporary, 0) < 0)
		(void)unlinkat(dirfd, temporary, AT_REMOVEDIR);
}

/* Renames the temporary name to the one that is wanted; if that fails, it is gone. */
static int publish(const struct place *place, const char *temporary, struct error *err)
{
	/* commit point */
	if (renameat(place->dirfd, temporary, place->dirfd, place->name) < 0) {
		int r = error_errno(err, "renaming to %s", place->name);

		discard(place->dirfd, temporary);
		return r;
	}
	return durable_sync_dir(place->dirfd, err);
}

/*
 * Btrfs writes anew what is overwritten, and so needs free blocks for it, unless the file says otherwise, which only an
 * empty one can. Other file systems do not know the flag.
 */
static void overwrite_in_place(int fd)
{
	int flags = 0;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		return;
	flags |= FS_NOCOW_FL;
	(void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

static int write_zeroes(int fd, size_t size)
{
	static const char zeroes[ZEROES_SIZE];

	for (size_t done = 0; done < size; done += ZEROES_SIZE) {
		size_t left = size - done;

		if (fd_write_full(fd, zeroes, left < ZEROES_SIZE ? left : ZEROES_SIZE) < 0)
			return -1;
	}
	return 0;
}

static int fill(int fd, const void *data, size_t size, mode_t mode)
{
	int r;

	if (!data)
		overwrite_in_place(fd);
	r = data ? fd_write_full(fd, data, size) : write_zeroes(fd, size);
	if (r == 0)
		r = fchmod(fd, mode);
	return r == 0 ? fsync(fd) : r;
}

/* The file with these bytes, or zeroes if data is NULL. */
static int replace(int dirfd, const char *name, const void *data, size_t size, mode_t mode,
		   struct error *err)
{
	_cleanup_(place_done) struct place place = { .owned = -1 };
	_cleanup_close_ int fd = -1;
	char temporary[TEMPORARY_MAX];
	int r = place_find(dirfd, name, &place, err);

	if (r < 0)
		return r;
	r = temporary_name(temporary, err);
	if (r < 0)
		return r;
	fd = openat(place.dirfd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		    0600);
	if (fd < 0)
		return error_errno(err, "creating %s", name);
	if (fill(fd, data, size, mode) < 0) {
		r = error_errno(err, "writing %s", name);
		discard(place.dirfd, temporary);
		return r;
	}
	return publish(&place, temporary, err);
}

int durable_replace(int dirfd, const char *name, const void *data, size_t size, mode_t mode,
		    struct error *err)
{
	return replace(dirfd, name, data ? data : "", size, mode, err);
}

int durable_publish(int dirfd, const char *name, const void *data, size_t size, mode_t mode,
		    struct error *err)
{
	_cleanup_close_ int fd = -1;
	char temporary[TEMPORARY_MAX];
	int r = temporary_name(temporary, err);

	if (r < 0)
		return r;
	fd = openat(dirfd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_errno(err, "creating %s", name);
	if (fd_write_full(fd, data, size) < 0 || fchmod(fd, mode) < 0 ||
	    renameat(dirfd, temporary, dirfd, name) < 0) {
		r = error_errno(err, "writing %s", name);
		discard(dirfd, temporary);
		return r;
	}
	return 0;
}

int durable_remove(int dirfd, const char *name, struct error *err)
{
	_cleanup_(place_done) struct place place = { .owned = -1 };
	int r = place_find(dirfd, name, &place, err);

	if (r < 0)
		return r;
	if (unlinkat(place.dirfd, place.name, 0) < 0 && errno != ENOENT)
		return error_errno(err, "removing %s", name);
	return durable_sync_dir(place.dirfd, err);
}

/* A directory with that mode and a temporary name, synced. */
static int make_temporary_dir(int dirfd, const char *temporary, mode_t mode)
{
	_cleanup_close_ int fd = -1;

	if (mkdirat(dirfd, temporary, 0700) < 0)
		return -1;
	fd = openat(dirfd, temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 || fchmod(fd, mode) < 0 || fsync(fd) < 0 ? -1 : 0;
}

/* By a temporary name too: mkdir and chmod are two steps, and a crash between them would be final. */
int durable_mkdir(int dirfd, const char *name, mode_t mode, struct error *err)
{
	_cleanup_(place_done) struct place place = { .owned = -1 };
	_cleanup_close_ int there = -1;
	char temporary[TEMPORARY_MAX];
	int r = place_find(dirfd, name, &place, err);

	if (r < 0)
		return r;
	there = openat(place.dirfd, place.name, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (there >= 0)
		return durable_sync_dir(place.dirfd, err);
	if (errno != ENOENT)
		return error_errno(err, "opening the directory %s", name);
	r = temporary_name(temporary, err);
	if (r < 0)
		return r;
	if (make_temporary_dir(place.dirfd, temporary, mode) < 0) {
		r = error_errno(err, "making the directory %s", name);
		discard(place.dirfd, temporary);
		return r;
	}
	return publish(&place, temporary, err);
}

int durable_symlink(int dirfd, const char *target, const char *name, struct error *err)
{
	_cleanup_(place_done) struct place place = { .owned = -1 };
	char temporary[TEMPORARY_MAX];
	int r = place_find(dirfd, name, &place, err);

	if (r < 0)
		return r;
	r = temporary_name(temporary, err);
	if (r < 0)
		return r;
	if (symlinkat(target, place.dirfd, temporary) < 0)
		return error_errno(err, "making the link %s", name);
	return publish(&place, temporary, err);
}

int durable_exchange(int dirfd, const char *a, const char *b, struct error *err)
{
	/* commit point */
	if (renameat2(dirfd, a, dirfd, b, RENAME_EXCHANGE) < 0) {
		if (errno == EINVAL || errno == ENOSYS)
			return DURABLE_NO_EXCHANGE;
		return error_errno(err, "exchanging %s and %s", a, b);
	}
	return durable_sync_dir(dirfd, err);
}

int durable_preallocate(int dirfd, const char *name, size_t size, mode_t mode, struct error *err)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			return error_errno(err, "looking at %s", name);
		return replace(dirfd, name, NULL, size, mode, err);
	}
	if (!S_ISREG(st.st_mode) || (uintmax_t)st.st_size != size)
		return error_set(err, FAULT_CORRUPT, "%s is not a regular file of %zu bytes", name,
				 size);
	return durable_sync_dir(dirfd, err);
}

int durable_overwrite(int fd, const void *data, size_t size, off_t offset, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_errno(err, "looking at a preallocated file");
	if (offset < 0 || offset > st.st_size || (uintmax_t)(st.st_size - offset) < size)
		return error_set(err, FAULT_INTERNAL,
				 "a write would go beyond the end of a preallocated file");
	if (fd_pwrite_full(fd, data, size, offset) < 0 || fdatasync(fd) < 0)
		return error_errno(err, "overwriting a preallocated file");
	return 0;
}

int durable_tidy(int dirfd, struct error *err)
{
	_cleanup_close_ int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *entry;
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (!dir)
		return error_errno(err, "listing a directory");
	TAKE_FD(fd);
	while ((entry = readdir(dir)))
		if (strncmp(entry->d_name, TEMPORARY_PREFIX, strlen(TEMPORARY_PREFIX)) == 0)
			discard(dirfd, entry->d_name);
	(void)closedir(dir);
	return 0;
}
