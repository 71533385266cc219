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

static int complain(const char *doing, const char *name, struct error *err)
{
	return error_errno(err, "%s " LAYOUT_STAGING "/%s", doing, name);
}

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
	if (st.st_ino == stray->inode && (uint64_t)st.st_size == stray->size && st.st_nlink == 2)
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
	if (fd < 0 && errno == ENOENT)
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
