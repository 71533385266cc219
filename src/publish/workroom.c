#include "publish/workroom.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

#define NAME	  ".flipslot-work"
#define FILE_NAME "file"
#define DEPTH	  3 /* the room, a folder in it, a file in that */

static int remove_tree(int dirfd, const char *name, int depth);

static int empty(int parent, const char *name, int depth)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int r = 0;

	if (!dir) {
		cleanup_close(&fd);
		return -1;
	}
	while (r == 0 && (entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = remove_tree(dirfd(dir), entry->d_name, depth - 1);
	(void)closedir(dir);
	return r;
}

/* 0, or -1 with errno. Nothing that we made is deeper. */
static int remove_tree(int dirfd, const char *name, int depth)
{
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if ((errno != EISDIR && errno != EPERM) || depth == 0)
		return -1;
	if (empty(dirfd, name, depth) < 0)
		return -1;
	return unlinkat(dirfd, name, AT_REMOVEDIR);
}

int workroom_clear(int dirfd, struct error *err)
{
	return remove_tree(dirfd, NAME, DEPTH) < 0 ? error_errno(err, "removing the folder " NAME) :
						     0;
}

int workroom_open(int dirfd, struct workroom *ret_workroom, struct error *err)
{
	int fd = -1;
	int r = workroom_clear(dirfd, err);

	if (r < 0)
		return r;
	if (mkdirat(dirfd, NAME, 0700) < 0)
		return error_errno(err, "making the folder " NAME);
	r = fd_open_dir(dirfd, NAME, &fd, err);
	if (r < 0)
		return r;
	*ret_workroom = (struct workroom){ .parent = dirfd, .dirfd = fd };
	return 0;
}

void workroom_close(struct workroom *workroom)
{
	if (workroom->dirfd < 0)
		return;
	(void)close(workroom->dirfd);
	(void)remove_tree(workroom->parent, NAME, DEPTH);
	*workroom = WORKROOM_NONE;
}

int workroom_file(const struct workroom *workroom, int *ret_fd, struct error *err)
{
	int fd = openat(workroom->dirfd, FILE_NAME,
			O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 || unlinkat(workroom->dirfd, FILE_NAME, 0) < 0) {
		int r = error_errno(err, "making a temporary file");

		cleanup_close(&fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

int workroom_folder(const struct workroom *workroom, const char *name, int *ret_fd,
		    struct error *err)
{
	workroom_remove(workroom, name);
	if (mkdirat(workroom->dirfd, name, 0700) < 0)
		return error_errno(err, "making a temporary folder");
	return fd_open_dir(workroom->dirfd, name, ret_fd, err);
}

void workroom_remove(const struct workroom *workroom, const char *name)
{
	(void)remove_tree(workroom->dirfd, name, DEPTH - 1);
}
