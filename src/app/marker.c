#include "app/marker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "deploy/data.h"

#define EVENTS_ROOM 4096

static const char *const names[] = { MARKER_NAME, MARKER_NAME ".new" };

void marker_done(struct marker *marker)
{
	cleanup_close(&marker->watch_fd);
}

/* The one that is in the data, or NULL. */
static const char *find(int dirfd)
{
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (fstatat(dirfd, names[i], &st, AT_SYMLINK_NOFOLLOW) == 0)
			return names[i];
	return NULL;
}

static int open_data(const char *path, int *ret_fd, ino_t *ret_inode, struct error *err)
{
	int r = fd_open_dir(AT_FDCWD, path, ret_fd, NULL);
	struct stat st;

	if (r < 0)
		return error_set(err, FAULT_CONFIG, "[Data] Path=: there is no directory %s", path);
	if (fstat(*ret_fd, &st) < 0)
		return error_errno(err, "[Data] Path=%s", path);
	*ret_inode = st.st_ino;
	return 0;
}

int marker_init(struct marker *marker, const struct deploy_options *options, struct error *err)
{
	_cleanup_close_ int fd = -1;
	const char *there;
	int r;

	*marker = (struct marker){ .watch_fd = -1, .data = options->data.path };
	if (!data_is_kept(options))
		return error_set(
			err, FAULT_CONFIG,
			"no data is kept aside, so there is nothing to rehearse: set Path= "
			"and Snapshot=copy in [Data] of %s",
			options->conf_file);
	if (snprintf(marker->path, sizeof(marker->path), "%s/" MARKER_NAME, marker->data) >=
	    (int)sizeof(marker->path))
		return error_set(err, FAULT_CONFIG, "[Data] Path= is too long for this drill: %s",
				 marker->data);
	r = open_data(marker->data, &fd, &marker->inode, err);
	if (r < 0)
		return r;
	there = find(fd);
	if (there)
		return error_set(err, FAULT_CONFIG,
				 "%s/%s is there already, and is not overwritten: remove it",
				 marker->data, there);
	marker->watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (marker->watch_fd < 0 ||
	    inotify_add_watch(marker->watch_fd, marker->data,
			      IN_MOVED_TO | IN_ONLYDIR | IN_DONT_FOLLOW) < 0)
		return error_errno(err, "watching %s", marker->data);
	return 0;
}

/* Where more has happened than is kept in mind, it is believed. */
static bool was_written(const struct marker *marker)
{
	_Alignas(struct inotify_event) char events[EVENTS_ROOM];
	ssize_t size = read(marker->watch_fd, events, sizeof(events));

	for (; size > 0; size = read(marker->watch_fd, events, sizeof(events))) {
		const struct inotify_event *event;

		for (const char *at = events; at < events + size;
		     at += sizeof(*event) + event->len) {
			event = (const struct inotify_event *)at;
			if ((event->mask & IN_Q_OVERFLOW) ||
			    (event->len > 0 && strcmp(event->name, MARKER_NAME) == 0))
				return true;
		}
	}
	return false;
}

int marker_judge(const struct marker *marker, struct error *err)
{
	_cleanup_close_ int fd = -1;
	const char *left;
	ino_t inode = 0;
	int r = open_data(marker->data, &fd, &inode, err);

	if (r < 0)
		return r;
	left = find(fd);
	if (left)
		return error_set(err, FAULT_UNHEALTHY,
				 "%s/%s is still there after the rollback: the data was not put "
				 "back; remove it, and look at [Data]",
				 marker->data, left);
	if (!was_written(marker))
		return error_set(
			err, FAULT_CONFIG,
			"nothing was written into %s, so its way back was not rehearsed: may "
			"the service write there?",
			marker->data);
	if (inode == marker->inode)
		return error_set(err, FAULT_UNHEALTHY,
				 "%s is the directory that the broken release wrote into: the data "
				 "was not put back",
				 marker->data);
	return 0;
}
