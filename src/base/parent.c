#include "base/parent.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"

void parent_forget(struct parent *parent)
{
	cleanup_close(&parent->fd);
	free(parent->path);
	*parent = PARENT_NONE;
}

static bool is_open(const struct parent *parent, int dirfd, const char *path, size_t size)
{
	return parent->fd >= 0 && parent->top == dirfd && strncmp(parent->path, path, size) == 0 &&
	       parent->path[size] == '\0';
}

int parent_open(struct parent *parent, int dirfd, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	size_t size = slash ? (size_t)(slash - path) : 0;

	*ret_name = slash ? slash + 1 : path;
	if (!slash)
		return dirfd;
	if (is_open(parent, dirfd, path, size))
		return parent->fd;
	parent_forget(parent);
	parent->path = strndup(path, size);
	if (!parent->path)
		return -1;
	parent->top = dirfd;
	parent->fd = fd_open_inside(dirfd, parent->path, O_PATH | O_DIRECTORY);
	return parent->fd;
}
