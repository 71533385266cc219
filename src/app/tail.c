#include "app/tail.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "app/stream.h"
#include "base/text.h"

#define READ_SIZE 16384
#define LINE_MAX  65536 /* what is longer is no line of ours */

struct tail {
	char *dir;
	char *path;
	int notify_fd;
	int watch; /* -1: the directory is not there yet */
	int fd; /* -1: the file is not there yet */
	struct text buffer; /* what was read and is no complete line yet, from `used` on */
	size_t used;
	char *line; /* the one that was handed out */
};

static void watch_dir(struct tail *tail)
{
	if (tail->watch < 0)
		tail->watch = inotify_add_watch(tail->notify_fd, tail->dir,
						IN_MODIFY | IN_CREATE | IN_ONLYDIR);
}

static void forget(struct tail *tail)
{
	text_done(&tail->buffer);
	tail->buffer = (struct text){};
	tail->used = 0;
}

/* The file of that name, if it is another one than that which is open. */
static bool open_newer(struct tail *tail)
{
	_cleanup_close_ int fd = open(tail->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat now, before;

	if (fd < 0 || fstat(fd, &now) < 0 || !S_ISREG(now.st_mode))
		return false;
	if (tail->fd >= 0 && fstat(tail->fd, &before) == 0 && before.st_ino == now.st_ino &&
	    before.st_dev == now.st_dev)
		return false;
	cleanup_close(&tail->fd);
	tail->fd = TAKE_FD(fd);
	forget(tail);
	return true;
}

int tail_new(const char *parent, const char *app, enum tail_from from, struct tail **ret_tail,
	     struct error *err)
{
	_cleanup_(tail_freep) struct tail *tail = calloc(1, sizeof(*tail));

	if (!tail)
		return error_errno(err, "following the events");
	tail->fd = -1;
	tail->watch = -1;
	tail->notify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (tail->notify_fd < 0)
		return error_errno(err, "following the events");
	if (asprintf(&tail->dir, "%s/%s", parent, app) < 0 ||
	    asprintf(&tail->path, "%s/%s", tail->dir, STREAM_FILE) < 0)
		return error_code(err, -ENOMEM, "following the events");
	watch_dir(tail);
	if (open_newer(tail) && from == TAIL_END && lseek(tail->fd, 0, SEEK_END) < 0)
		return error_errno(err, "following %s", tail->path);
	*ret_tail = TAKE_PTR(tail);
	return 0;
}

void tail_free(struct tail *tail)
{
	if (!tail)
		return;
	cleanup_close(&tail->fd);
	cleanup_close(&tail->notify_fd);
	text_done(&tail->buffer);
	free(tail->line);
	free(tail->path);
	free(tail->dir);
	free(tail);
}

int tail_fd(const struct tail *tail)
{
	return tail->notify_fd;
}

/* Reads more of the file; false at its end. */
static bool read_more(struct tail *tail)
{
	char bytes[READ_SIZE];
	ssize_t n = tail->fd < 0 ? 0 : read(tail->fd, bytes, sizeof(bytes));

	if (n <= 0)
		return false;
	text_add_bytes(&tail->buffer, bytes, (size_t)n);
	return true;
}

/* Takes a complete line out of the buffer; false: there is none. */
static bool take_line(struct tail *tail)
{
	struct text *buffer = &tail->buffer;
	const char *start = buffer->data + tail->used;
	const char *end =
		buffer->size > tail->used ? memchr(start, '\n', buffer->size - tail->used) : NULL;

	if (!end && buffer->size - tail->used > LINE_MAX)
		forget(tail);
	if (!end)
		return false;
	free(tail->line);
	tail->line = strndup(start, (size_t)(end - start) + 1);
	tail->used = (size_t)(end - buffer->data) + 1;
	if (tail->used == buffer->size)
		forget(tail);
	return true;
}

static void drain(int fd)
{
	char events[4096];

	while (read(fd, events, sizeof(events)) > 0)
		;
}

int tail_next(struct tail *tail, struct event_line *ret_line, const char **ret_json,
	      struct error *err)
{
	drain(tail->notify_fd);
	watch_dir(tail);
	for (;;) {
		if (take_line(tail)) {
			if (!tail->line)
				return error_code(err, -ENOMEM, "following the events");
			if (event_line_decode(tail->line, ret_line, NULL) < 0)
				continue;
			if (ret_json)
				*ret_json = tail->line;
			return 0;
		}
		if (!read_more(tail) && !open_newer(tail))
			return TAIL_EMPTY;
	}
}
