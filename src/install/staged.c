#include "install/staged.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "install/place.h"
#include "release/names.h"
#include "store/durable.h"
#include "store/layout.h"
#include "store/sweep.h"

static int complain(const char *doing, const char *name, struct error *err)
{
	if (errno == EPERM)
		return error_set(err, FAULT_INTERNAL,
				 "%s " LAYOUT_STAGING
				 "/%s is not permitted: is it immutable? See lsattr(1), chattr(1)",
				 doing, name);
	return error_errno(err, "%s " LAYOUT_STAGING "/%s", doing, name);
}

int staged_complain_of_others(const char *path, struct error *err)
{
	char shown[NAMES_SHOWN_MAX];

	return error_set(err, FAULT_BUSY, "%s: somebody else changes " LAYOUT_STAGING "/",
			 names_show(path, shown));
}

int staged_make_dir(int dirfd, int *ret_fd, struct error *err)
{
	int r = durable_mkdir(dirfd, LAYOUT_STAGING, 0700, err);

	return r < 0 ? r : fd_open_dir(dirfd, LAYOUT_STAGING, ret_fd, err);
}

int staged_open_dir(int dirfd, int *ret_fd, struct error *err)
{
	int fd = fd_open_inside(dirfd, LAYOUT_STAGING, O_RDONLY | O_DIRECTORY);

	if (fd < 0 && errno == ENOENT)
		return STAGED_ABSENT;
	if (fd < 0)
		return error_errno(err, "opening the directory " LAYOUT_STAGING);
	*ret_fd = fd;
	return 0;
}

/* ---- what is no file of ours ---- */

/* A content has a second name, and the mode of its place, while it moves from the slot to here, or from here to the slot. */
static bool is_ours(const char *name, const struct stat *st, uid_t owner)
{
	struct digest digest;

	if (!S_ISREG(st->st_mode) || st->st_uid != owner)
		return false;
	return digest_from_hex(name, &digest, NULL) == 0 ?
		       (st->st_mode & S_IRUSR) != 0 :
		       st->st_nlink == 1 && (st->st_mode & 0600) == 0600;
}

static int remove_directory(int staging_fd, const char *name, struct error *err)
{
	_cleanup_close_ int fd = fd_open_inside(staging_fd, name, O_RDONLY | O_DIRECTORY);
	int r;

	if (fd < 0)
		return complain("emptying", name, err);
	r = sweep_directory(fd, err);
	if (r < 0)
		return error_prefix(err, r, "emptying " LAYOUT_STAGING "/%s", name);
	return unlinkat(staging_fd, name, AT_REMOVEDIR) < 0 ? complain("removing", name, err) : 0;
}

static int remove_strange(int staging_fd, const char *name, struct error *err)
{
	if (unlinkat(staging_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno == EISDIR)
		return remove_directory(staging_fd, name, err);
	return complain("removing", name, err);
}

static int sort_out(DIR *dir, uid_t owner, staged_removed removed, void *data, struct error *err)
{
	const struct dirent *entry;
	struct stat st;
	int r = 0;

	while (r == 0 && (entry = readdir(dir))) {
		const char *name = entry->d_name;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
		    fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    is_ours(name, &st, owner))
			continue;
		r = remove_strange(dirfd(dir), name, err);
		if (r == 0)
			removed(data, name);
	}
	return r;
}

int staged_sort_out(int dirfd, staged_removed removed, void *data, struct error *err)
{
	_cleanup_close_ int fd = fd_open_inside(dirfd, LAYOUT_STAGING, O_RDONLY | O_DIRECTORY);
	struct stat st;
	DIR *dir;
	int r;

	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR) &&
	    unlinkat(dirfd, LAYOUT_STAGING, 0) == 0) {
		removed(data, ".");
		return 0;
	}
	if (fd < 0)
		return errno == ENOENT ? 0 :
					 error_errno(err, "opening the directory " LAYOUT_STAGING);
	dir = fstat(fd, &st) < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return error_errno(err, "listing " LAYOUT_STAGING);
	TAKE_FD(fd);
	r = sort_out(dir, st.st_uid, removed, data, err);
	(void)closedir(dir);
	return r;
}

/* ---- what is of no use any more ---- */

static bool is_of_use(const struct survey *survey, const struct digest *digest)
{
	/* contents are found by digest and size; the size is what the index says of that digest */
	for (uint32_t i = 0; survey && i < contents_count(survey->contents); i++)
		if (digest_equal(&contents_entry(survey->contents, i)->digest, digest))
			return survey->origins[i].origin == SURVEY_WANTED ||
			       survey->origins[i].origin == SURVEY_STAGING;
	return false;
}

static bool is_to_go(const struct survey *survey, const char *name)
{
	struct digest digest;

	if (strncmp(name, PLACE_TEMPORARY, strlen(PLACE_TEMPORARY)) == 0)
		return true;
	return digest_from_hex(name, &digest, NULL) == 0 && !is_of_use(survey, &digest);
}

/* One that was removed while listing is not listed twice; one that was passed over goes next time. */
int staged_tidy(int staging_fd, const struct survey *survey, struct error *err)
{
	_cleanup_close_ int fd = openat(staging_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int r = 0;

	if (!dir)
		return error_errno(err, "listing " LAYOUT_STAGING);
	TAKE_FD(fd);
	while (r == 0 && (entry = readdir(dir)))
		if (is_to_go(survey, entry->d_name) && unlinkat(staging_fd, entry->d_name, 0) < 0 &&
		    errno != ENOENT)
			r = error_errno(err, "removing " LAYOUT_STAGING "/%s", entry->d_name);
	(void)closedir(dir);
	return r;
}

/* ---- one content ---- */

static int remove_old(int staging_fd, const char *name, struct error *err)
{
	if (unlinkat(staging_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	return complain("removing", name, err);
}

static int link_into(int staging_fd, int slot_fd, const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *directory = strndup(path, slash ? (size_t)(slash - path) : 0);
	_cleanup_close_ int fd = -1;

	if (!directory)
		return -1;
	fd = fd_open_inside(slot_fd, slash ? directory : ".", O_PATH | O_DIRECTORY);
	return fd < 0 ? -1 : linkat(fd, slash ? slash + 1 : path, staging_fd, name, 0);
}

bool staged_is_as_found(const struct stat *st, const struct survey_stray *stray)
{
	return st->st_mtim.tv_sec == stray->modified.tv_sec &&
	       st->st_mtim.tv_nsec == stray->modified.tv_nsec;
}

int staged_adopt(int staging_fd, int slot_fd, const struct survey_stray *stray, struct error *err)
{
	char hex[DIGEST_HEX_MAX];
	char shown[NAMES_SHOWN_MAX];
	struct stat st;
	int r = remove_old(staging_fd, digest_to_hex(&stray->digest, hex), err);

	if (r < 0)
		return r;
	if (link_into(staging_fd, slot_fd, stray->path, hex) < 0) {
		if (errno == ENOENT || errno == ENOTDIR || errno == EPERM)
			return STAGED_ABSENT;
		return error_errno(err, "keeping %s", names_show(stray->path, shown));
	}
	if (fstatat(staging_fd, hex, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return complain("looking at", hex, err);
	if (st.st_ino == stray->inode && (uint64_t)st.st_size == stray->size && st.st_nlink == 2 &&
	    staged_is_as_found(&st, stray))
		return 0;
	r = remove_old(staging_fd, hex, err);
	return r < 0 ? r : STAGED_ABSENT;
}

int staged_create(int staging_fd, const struct digest *digest, int *ret_fd, struct error *err)
{
	char hex[DIGEST_HEX_MAX];
	int r = remove_old(staging_fd, digest_to_hex(digest, hex), err);

	if (r < 0)
		return r;
	*ret_fd = openat(staging_fd, hex, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return *ret_fd < 0 ? complain("creating", hex, err) : 0;
}

int staged_open(int staging_fd, const struct digest *digest, int flags, int *ret_fd,
		struct error *err)
{
	_cleanup_close_ int fd = -1;
	char hex[DIGEST_HEX_MAX];
	struct stat dir;
	struct stat st;

	digest_to_hex(digest, hex);
	if (fstatat(staging_fd, hex, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return STAGED_ABSENT;
	fd = openat(staging_fd, hex, flags | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 && (errno == ENOENT || errno == EACCES))
		return STAGED_ABSENT;
	if (fd < 0)
		return complain("opening", hex, err);
	if (fstat(fd, &st) < 0 || fstat(staging_fd, &dir) < 0)
		return complain("looking at", hex, err);
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 || st.st_uid != dir.st_uid)
		return STAGED_ABSENT;
	*ret_fd = TAKE_FD(fd);
	return 0;
}
