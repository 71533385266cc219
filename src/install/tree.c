#include "install/tree.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "install/hasher.h"
#include "release/names.h"
#include "release/treecheck.h"

#define CHUNK (64 * 1024)
#define PUSH  (8 * 1024 * 1024)
#define SMALL ((uint64_t)64 * 1024) /* up to here the hasher's thread writes a file */

struct tree {
	int dirfd;
	struct index *index;
	struct hasher *hasher; /* its thread writes into the index: ends before it */
	int parent_fd; /* the directory that was used last, and its path */
	char *parent;
	int fd; /* the file under way; -1: none */
	bool is_small; /* as it was announced */
	struct index_entry *file;
	uint64_t reached; /* bytes of it that were written and given to the hasher */
	uint64_t pushed; /* bytes of it that the disk was asked to begin with */
};

int tree_new(int dirfd, struct tree **ret_tree, struct error *err)
{
	_cleanup_(tree_freep) struct tree *tree = calloc(1, sizeof(*tree));
	int r;

	if (!tree)
		return error_errno(err, "writing a tree");
	tree->dirfd = dirfd;
	tree->parent_fd = -1;
	tree->fd = -1;
	r = index_new(&tree->index, err);
	if (r == 0)
		r = hasher_new(&tree->hasher, err);
	if (r == 0)
		*ret_tree = TAKE_PTR(tree);
	return r;
}

void tree_free(struct tree *tree)
{
	if (!tree)
		return;
	hasher_free(tree->hasher); /* which may write still */
	cleanup_close(&tree->parent_fd);
	cleanup_close(&tree->fd);
	free(tree->parent);
	index_free(tree->index);
	free(tree);
}

/* The errno of a path that does not lead straight down says more than "I/O error" about the archive. */
static int complain(const char *path, struct error *err)
{
	int code = -errno;
	char shown[NAMES_SHOWN_MAX];

	names_show(path, shown);
	if (code == -ELOOP || code == -ENOTDIR || code == -EXDEV)
		return error_set(err, FAULT_CORRUPT,
				 "%s: lies below something that is no directory", shown);
	if (code == -EEXIST)
		return error_set(err, FAULT_CORRUPT, "%s: something else is there already", shown);
	return error_code(err, code, "writing %s", shown);
}

/* ---- directories ---- */

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Remembers the directory, which it takes over. */
static int consume_parent(struct tree *tree, const char *path, int fd, struct error *err)
{
	char *copy = strdup(path);

	if (!copy) {
		cleanup_close(&fd);
		return error_code(err, -ENOMEM, "writing a tree");
	}
	cleanup_close(&tree->parent_fd);
	free(tree->parent);
	tree->parent_fd = fd;
	tree->parent = copy;
	return 0;
}

/* Makes the directory of the entry, whose parent is at hand, and remembers it. */
static int make_directory(struct tree *tree, int parent_fd, const struct index_entry *entry,
			  struct error *err)
{
	const struct index_entry *there = index_find(tree->index, entry->path);
	const char *name = last_part(entry->path);
	_cleanup_close_ int fd = -1;
	int r;

	if (mkdirat(parent_fd, name, 0755) < 0 &&
	    (errno != EEXIST || !there || there->type != INDEX_DIRECTORY))
		return complain(entry->path, err);
	fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, entry->mode) < 0)
		return complain(entry->path, err);
	r = index_add(tree->index, entry, NULL, err);
	return r < 0 ? r : consume_parent(tree, entry->path, TAKE_FD(fd), err);
}

/* The directory that holds `path`, without making anything. */
static int open_above(const struct tree *tree, const char *path)
{
	size_t size = (size_t)(last_part(path) - path);
	_cleanup_free_ char *parent = strndup(path, size > 0 ? size - 1 : 0);

	if (!parent)
		return -1;
	return fd_open_beneath(tree->dirfd, size > 0 ? parent : ".", O_PATH | O_DIRECTORY, 0);
}

/* Makes the directory `path` and those above it that an archive left out. */
static int make_left_out(struct tree *tree, const char *path, struct error *err)
{
	for (size_t n = strcspn(path, "/");; n += 1 + strcspn(path + n + 1, "/")) {
		_cleanup_free_ char *part = strndup(path, n);
		_cleanup_close_ int fd = -1;
		struct index_entry entry = {
			.type = INDEX_DIRECTORY,
			.mode = 0755,
			.path = part,
		};
		int r = 0;

		if (!part)
			return error_errno(err, "writing a tree");
		if (!index_find(tree->index, part)) {
			fd = open_above(tree, part);
			r = fd < 0 ? complain(part, err) : make_directory(tree, fd, &entry, err);
		}
		if (r < 0 || path[n] == '\0')
			return r;
	}
}

static int enter(struct tree *tree, const char *parent, struct error *err)
{
	int fd;
	int r;

	if (tree->parent && strcmp(tree->parent, parent) == 0)
		return 0;
	if (!index_find(tree->index, parent)) {
		r = make_left_out(tree, parent, err);
		if (r < 0)
			return r;
	}
	fd = fd_open_beneath(tree->dirfd, parent, O_PATH | O_DIRECTORY, 0);
	return fd < 0 ? complain(parent, err) : consume_parent(tree, parent, fd, err);
}

/* *ret_fd is the directory that the path lies in, borrowed until the next call. */
static int open_parent(struct tree *tree, const char *path, int *ret_fd, struct error *err)
{
	size_t size = (size_t)(last_part(path) - path);
	_cleanup_free_ char *parent = strndup(path, size > 0 ? size - 1 : 0);
	int r = 0;

	if (!parent)
		return error_errno(err, "writing a tree");
	if (size > 0)
		r = enter(tree, parent, err);
	if (r == 0)
		*ret_fd = size > 0 ? tree->parent_fd : tree->dirfd;
	return r;
}

/* ---- entries ---- */

/* With the mode that most files have in the end, lest each is given it by a call of its own. */
static int create_file(int parent_fd, const char *name, mode_t mode)
{
	return openat(parent_fd, name,
		      O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY,
		      mode & 0777 & ~022);
}

static int begin_file(struct tree *tree, int parent_fd, const struct index_entry *entry,
		      struct error *err)
{
	int r;

	assert(tree->fd < 0);
	tree->fd = create_file(parent_fd, last_part(entry->path), entry->mode);
	if (tree->fd < 0)
		return complain(entry->path, err);
	tree->reached = 0;
	tree->pushed = 0;
	tree->is_small = entry->size > 0 && entry->size <= SMALL;
	r = index_add(tree->index, entry, &tree->file, err);
	if (r == 0)
		hasher_begin(tree->hasher, tree->file);
	return r;
}

static int make_link(struct tree *tree, int parent_fd, const struct index_entry *entry,
		     struct error *err)
{
	const char *name = last_part(entry->path);
	_cleanup_close_ int fd = -1;

	if (entry->type == INDEX_SYMLINK) {
		if (symlinkat(entry->target, parent_fd, name) < 0)
			return complain(entry->path, err);
		return index_add(tree->index, entry, NULL, err);
	}
	fd = open_above(tree, entry->target);
	if (fd < 0 || linkat(fd, last_part(entry->target), parent_fd, name, 0) < 0)
		return complain(entry->path, err);
	return index_add(tree->index, entry, NULL, err);
}

/* A file or symlink of ours that comes a second time: the first one goes, it is not written to. */
static int remove_first(const struct tree *tree, int parent_fd, const struct index_entry *entry,
			struct error *err)
{
	const struct index_entry *first = index_find(tree->index, entry->path);
	int r;

	if (!first || first->type != entry->type || entry->type == INDEX_DIRECTORY)
		return 0;
	r = hasher_settle(tree->hasher, err); /* the digest of the first one may be under way */
	if (r < 0)
		return r;
	return unlinkat(parent_fd, last_part(entry->path), 0) < 0 ? complain(entry->path, err) : 0;
}

static int on_entry(void *data, const struct index_entry *entry, struct error *err)
{
	struct tree *tree = data;
	int parent_fd = -1;
	int r = open_parent(tree, entry->path, &parent_fd, err);

	if (r == 0)
		r = remove_first(tree, parent_fd, entry, err);
	if (r < 0)
		return r;
	switch (entry->type) {
	case INDEX_DIRECTORY:
		return make_directory(tree, parent_fd, entry, err);
	case INDEX_FILE:
		return begin_file(tree, parent_fd, entry, err);
	default:
		return make_link(tree, parent_fd, entry, err);
	}
}

/* ---- content ---- */

/*
 * Lets the disk begin with a large file while we go on: less is left for the sync at the end. (What is
 * dirty is written and stays in memory.) Only a hint, which says nothing of what is durable.
 */
static void push(struct tree *tree)
{
	if (tree->reached - tree->pushed < PUSH)
		return;
	(void)posix_fadvise(tree->fd, (off_t)tree->pushed, (off_t)(tree->reached - tree->pushed),
			    POSIX_FADV_DONTNEED);
	tree->pushed = tree->reached;
}

static int on_content(void *data, const void *bytes, size_t size, uint64_t offset,
		      struct error *err)
{
	struct tree *tree = data;

	assert(tree->fd >= 0 && offset >= tree->reached);
	hasher_add_zeroes(tree->hasher, offset - tree->reached); /* as a reader will see a hole */
	hasher_add(tree->hasher, bytes, size, tree->is_small ? tree->fd : -1, offset);
	if (!tree->is_small && fd_pwrite_full(tree->fd, bytes, size, (off_t)offset) < 0)
		return complain(tree->file->path, err);
	tree->reached = offset + size;
	push(tree);
	return 0;
}

static int hash_clone(struct tree *tree, struct error *err)
{
	_cleanup_free_ uint8_t *buffer = malloc(CHUNK);
	ssize_t n;

	if (!buffer)
		return error_errno(err, "writing a tree");
	while ((n = fd_pread_full(tree->fd, buffer, CHUNK, (off_t)tree->reached)) > 0) {
		hasher_add(tree->hasher, buffer, (size_t)n, -1, 0);
		tree->reached += (uint64_t)n;
	}
	return n < 0 ? complain(tree->file->path, err) : 0;
}

/* What is hashed is our own copy: nobody else writes to that. */
static int on_clone(void *data, int fd, struct error *err)
{
	struct tree *tree = data;

	assert(tree->fd >= 0 && tree->reached == 0);
	if (ioctl(tree->fd, FICLONE, fd) == 0)
		return hash_clone(tree, err);
	if (errno == ENOSPC || errno == EDQUOT || errno == EIO)
		return complain(tree->file->path, err);
	return SINK_NO_CLONE;
}

static int on_end(void *data, uint64_t size, struct error *err)
{
	struct tree *tree = data;
	_cleanup_close_ int fd = TAKE_FD(tree->fd);

	if (tree->reached > size)
		return error_set(err, FAULT_BUSY, "%s grew while it was being copied",
				 last_part(tree->file->path));
	hasher_add_zeroes(tree->hasher, size - tree->reached);
	tree->file->size = size;
	if (tree->reached < size && ftruncate(fd, (off_t)size) < 0)
		return complain(tree->file->path, err);
	hasher_end_consume(tree->hasher, TAKE_FD(fd));
	return hasher_check(tree->hasher, err);
}

const struct archive_sink tree_sink = {
	.entry = on_entry,
	.content = on_content,
	.end = on_end,
	.clone = on_clone,
};

/* ---- the end ---- */

/* Only those that the archive gave a time; writing into the others made them what they are. */
static int set_directory_time(const struct tree *tree, const struct index_entry *entry,
			      struct error *err)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = entry->mtime } };
	_cleanup_close_ int fd = -1;

	if (entry->type != INDEX_DIRECTORY || entry->mtime == 0)
		return 0;
	fd = fd_open_beneath(tree->dirfd, entry->path, O_RDONLY | O_DIRECTORY, 0);
	return fd < 0 || futimens(fd, times) < 0 ? complain(entry->path, err) : 0;
}

int tree_finish(struct tree *tree, struct index **ret_index, struct error *err)
{
	int r = hasher_settle(tree->hasher, err);

	if (r == 0)
		r = treecheck_run(tree->index, err);
	for (size_t i = 0; r == 0 && i < index_count(tree->index); i++)
		r = set_directory_time(tree, index_at(tree->index, i), err);
	if (r == 0)
		*ret_index = TAKE_PTR(tree->index);
	return r;
}
