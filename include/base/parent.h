/*
 * The directory that a path lies in, kept open for the next path: who works through a tree in its order walks to each directory once, not once for each
 * file. For one thread.
 */
#pragma once

struct parent {
	int top; /* borrowed: below which `fd` was opened */
	int fd; /* -1: none is open */
	char *path; /* its path below `top` */
};

#define PARENT_NONE ((struct parent){ .top = -1, .fd = -1 })

/*
 * The directory below dirfd that holds `path`, opened with O_PATH as fd_open_inside does, or dirfd itself; borrowed until the next
 * call. -1 with errno set. *ret_name is the last part of the path. It stays the same directory, whatever has become of its name.
 */
int parent_open(struct parent *parent, int dirfd, const char *path, const char **ret_name);

/* Closes what is open: before its file system is unmounted, or `top` closed. Harmless to repeat. */
void parent_forget(struct parent *parent);
