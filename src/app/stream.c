#include "app/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"

struct stream {
	int dirfd;
	int fd;
	off_t size;
	bool torn; /* the last line was cut: no room */
};

static int check_owner(int fd, const char *name, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_errno(err, "looking at %s", name);
	if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return error_set(err, FAULT_CONFIG,
				 "%s is somebody else's, or others may write it: "
				 "not used",
				 name);
	return 0;
}

/* Whatever the umask is, those who follow must be able to get there. */
static int make_dir(int dirfd, const char *name, int *ret_fd, struct error *err)
{
	_cleanup_close_ int fd = -1;
	bool made = mkdirat(dirfd, name, 0755) == 0;
	int r;

	if (!made && errno != EEXIST)
		return error_errno(err, "making %s", name);
	r = fd_open_dir(dirfd, name, &fd, err);
	if (r < 0)
		return r;
	r = check_owner(fd, name, err);
	if (r < 0)
		return r;
	if (made && fchmod(fd, 0755) < 0)
		return error_errno(err, "opening %s to readers", name);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int begin_anew(struct stream *stream, struct error *err)
{
	_cleanup_close_ int fd = -1;

	if (unlinkat(stream->dirfd, STREAM_FILE, 0) < 0 && errno != ENOENT)
		return error_errno(err, "removing the old event stream");
	fd = openat(stream->dirfd, STREAM_FILE,
		    O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0 || fchmod(fd, 0644) < 0)
		return error_errno(err, "making the event stream");
	cleanup_close(&stream->fd);
	stream->fd = TAKE_FD(fd);
	stream->size = 0;
	stream->torn = false;
	return 0;
}

static int open_existing(struct stream *stream, struct error *err)
{
	struct stat st;

	stream->fd = openat(stream->dirfd, STREAM_FILE,
			    O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (stream->fd < 0 || fstat(stream->fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_uid != geteuid())
		return begin_anew(stream, err);
	stream->size = st.st_size;
	return 0;
}

int stream_new(const char *parent, const char *app, struct stream **ret_stream, struct error *err)
{
	_cleanup_(stream_freep) struct stream *stream = calloc(1, sizeof(*stream));
	_cleanup_close_ int parent_fd = -1;
	int r;

	if (!stream)
		return error_errno(err, "making the event stream");
	stream->dirfd = -1;
	stream->fd = -1;
	r = make_dir(AT_FDCWD, parent, &parent_fd, err);
	if (r < 0)
		return r;
	r = make_dir(parent_fd, app, &stream->dirfd, err);
	if (r < 0)
		return error_prefix(err, r, "%s", parent);
	r = open_existing(stream, err);
	if (r < 0)
		return r;
	*ret_stream = TAKE_PTR(stream);
	return 0;
}

void stream_free(struct stream *stream)
{
	if (!stream)
		return;
	cleanup_close(&stream->fd);
	cleanup_close(&stream->dirfd);
	free(stream);
}

int stream_write(struct stream *stream, const char *line, struct error *err)
{
	size_t size = strlen(line);
	int r;

	if (stream->size > 0 && (size_t)stream->size + size + 1 > STREAM_MAX) {
		r = begin_anew(stream, err);
		if (r < 0)
			return r;
	}
	if (stream->torn && fd_write_full(stream->fd, "\n", 1) < 0)
		return error_errno(err, "writing the event stream");
	stream->torn = fd_write_full(stream->fd, line, size) < 0;
	if (stream->torn)
		return error_errno(err, "writing the event stream");
	stream->size += (off_t)size;
	return 0;
}
