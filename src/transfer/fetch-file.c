#include "transfer/fetch-file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "transfer/url.h"

#define CHUNK (32 * 1024) /* bytes */

int fetch_file_open_root(const char *file_root, int *ret_fd, struct error *err)
{
	int fd = open(file_root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_set(err, FAULT_CONFIG, "%s: %s", file_root, strerrordesc_np(errno));
	*ret_fd = fd;
	return 0;
}

/* What stands behind the root in the path of the URL; NULL: it is not below it. */
static const char *below(const char *path, const char *root)
{
	size_t size = strlen(root);

	while (size > 0 && root[size - 1] == '/')
		size--;
	if (strncmp(path, root, size) != 0 || path[size] != '/')
		return NULL;
	path += size;
	return path + strspn(path, "/");
}

static int end(struct fetch_stream *stream, enum fetch_class class, const char *why)
{
	fetch_stream_end(stream, class, 0, 0, why);
	return -1;
}

static int end_errno(struct fetch_stream *stream)
{
	if (errno == ENOENT || errno == ENOTDIR)
		return end(stream, FETCH_ABSENT, "no such file");
	if (errno == EXDEV)
		return end(stream, FETCH_LOCAL, "it leads out of the folder");
	return end(stream, FETCH_LOCAL, strerrordesc_np(errno));
}

/* The file has so many bytes: do they do for what is wanted? */
static int begin_body(struct fetch_stream *stream, int fd, uint64_t size)
{
	const struct wire_get *want = &stream->want;
	uint64_t length = want->length > 0 ? want->length : size;
	char why[96];

	(void)snprintf(why, sizeof(why), "%" PRIu64 " bytes, longer than %" PRIu64 " bytes", length,
		       want->cap);
	if (length > want->cap)
		return end(stream, FETCH_TOO_LONG, why);
	if (want->length > 0 && (want->first > size || size - want->first < want->length))
		return end(stream, FETCH_TRUNCATED, "the file ends before the range does");
	if (lseek(fd, want->length > 0 ? (off_t)want->first : 0, SEEK_SET) < 0)
		return end_errno(stream);
	fetch_stream_begin(stream, length);
	return 0;
}

/* O_NONBLOCK: a FIFO of that name must not hold us up; it has no effect on regular files. */
static int open_below(struct fetch_stream *stream, int root_fd, const char *name)
{
	_cleanup_close_ int fd =
		fd_open_resolved(root_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return end_errno(stream);
	if (!S_ISREG(st.st_mode))
		return end(stream, FETCH_LOCAL, "not a regular file");
	if (begin_body(stream, fd, (uint64_t)st.st_size) < 0)
		return -1;
	return TAKE_FD(fd);
}

int fetch_file_begin(struct fetch_stream *stream, const char *file_root, int root_fd)
{
	_cleanup_free_ char *path = NULL;
	struct error err = {};
	const char *name;

	if (url_file_path(stream->url, &path, &err) < 0)
		return end(stream, FETCH_CONFIG, err.text);
	name = file_root ? below(path, file_root) : NULL;
	if (!name || !name[0])
		return end(stream, FETCH_CONFIG, "no file of the folder that may be read");
	return open_below(stream, root_fd, name);
}

void fetch_file_step(struct fetch_stream *stream, int fd, uint64_t now)
{
	uint64_t left = stream->length - stream->sent;
	size_t size = left < CHUNK ? (size_t)left : CHUNK;
	char buf[CHUNK];
	ssize_t n;

	if (!fetch_stream_may_send(stream, size, now))
		return;
	n = fd_read_full(fd, buf, size);
	if (n < 0)
		(void)end_errno(stream);
	else if (n > 0 && !fetch_stream_send(stream, buf, (size_t)n))
		return;
	else if ((size_t)n < size || stream->sent == stream->length)
		fetch_stream_end(stream, FETCH_OK, 0, 0, "");
}
