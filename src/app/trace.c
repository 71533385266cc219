#include "app/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "store/durable.h"

static bool leads_to(int dirfd, const char *name, const char *root)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dirfd, name, target, sizeof(target) - 1);

	return n >= 0 && (size_t)n == strlen(root) && memcmp(target, root, (size_t)n) == 0;
}

static int leave_in_state(const char *state, const char *app, const char *root, struct error *err)
{
	_cleanup_close_ int dirfd = -1;
	char name[NAME_MAX], own[PATH_MAX];
	int r;

	(void)snprintf(name, sizeof(name), "%s.root", app);
	(void)snprintf(own, sizeof(own), "%s/%s", state, app);
	dirfd = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return error_errno(err, "opening %s", state);
	if (strcmp(root, own) == 0)
		r = faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 ?
			    0 :
			    durable_remove(dirfd, name, err);
	else
		r = leads_to(dirfd, name, root) ? 0 : durable_symlink(dirfd, root, name, err);
	return r < 0 ? error_prefix(err, r, "%s", state) : 0;
}

int trace_leave(const struct trace_places *places, const char *app, const char *root,
		struct error *err)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s/root", places->run, app);
	(void)unlink(path);
	if (symlink(root, path) < 0)
		return error_errno(err, "%s", path);
	return leave_in_state(places->state, app, root, err);
}

static int open_way(const char *dir, const char *app, const char *tail, int flags)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s%s", dir, app, tail);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
}

int trace_open(const struct trace_places *places, const char *app)
{
	int fd = open_way(places->run, app, "/root", 0);

	if (fd < 0)
		fd = open_way(places->state, app, ".root", 0);
	return fd < 0 ? open_way(places->state, app, "", O_NOFOLLOW) : fd;
}
