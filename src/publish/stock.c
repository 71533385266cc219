#include "publish/stock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "publish/measure.h"
#include "release/archive.h"
#include "release/directory.h"
#include "release/walk.h"

void stock_done(struct stock *stock)
{
	index_free(stock->index);
	cleanup_close(&stock->dirfd);
	*stock = STOCK_NONE;
}

static const struct archive_options limits = {
	.allow_setuid = true,
	.max_bytes = INT64_MAX,
	.max_files = PACK_FILES_MAX,
	.max_depth = WALK_DEPTH_MAX,
};

static int make(int dirfd, bool flat, struct index *index, struct stock *ret_stock,
		struct error *err)
{
	_cleanup_(index_freep) struct index *owned = index;
	_cleanup_close_ int fd = fcntl(dirfd, F_DUPFD_CLOEXEC, 3);
	int r = fd < 0 ? error_errno(err, "opening a tree") : index_sort(index, err);

	if (r < 0)
		return r;
	*ret_stock = (struct stock){ .index = TAKE_PTR(owned), .dirfd = TAKE_FD(fd), .flat = flat };
	return 0;
}

int stock_of_tree_consume(int tree_fd, struct index *index, struct stock *ret_stock,
			  struct error *err)
{
	return make(tree_fd, false, index, ret_stock, err);
}

int stock_measure(int tree_fd, const struct pack_options *options, struct stock *ret_stock,
		  struct error *err)
{
	struct index *index = NULL;
	int r = pack_measure(tree_fd, options, &index, err);

	return r < 0 ? r : make(tree_fd, false, index, ret_stock, err);
}

/* ---- unpacking ---- */

struct unpacking {
	struct measure *measure;
	int dirfd;
	int fd; /* of the file under way; -1: none */
	char name[DIGEST_HEX_MAX];
};

static void unpacking_done(const struct unpacking *unpacking)
{
	measure_free(unpacking->measure);
	cleanup_close(&unpacking->fd);
}

static int name_of(const char *path, char ret_name[static DIGEST_HEX_MAX], struct error *err)
{
	struct digest digest;
	int r = digest_of(path, strlen(path), &digest, err);

	if (r == 0)
		(void)digest_to_hex(&digest, ret_name);
	return r;
}

static int on_entry(void *data, const struct index_entry *entry, struct error *err)
{
	struct unpacking *unpacking = data;
	int r = measure_sink.entry(unpacking->measure, entry, err);

	if (r < 0 || entry->type != INDEX_FILE)
		return r;
	r = name_of(entry->path, unpacking->name, err);
	if (r < 0)
		return r;
	unpacking->fd = openat(unpacking->dirfd, unpacking->name,
			       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return unpacking->fd < 0 ? error_errno(err, "unpacking an older release") : 0;
}

static int on_content(void *data, const void *bytes, size_t size, uint64_t offset,
		      struct error *err)
{
	struct unpacking *unpacking = data;
	int r = measure_sink.content(unpacking->measure, bytes, size, offset, err);

	if (r == 0 && fd_pwrite_full(unpacking->fd, bytes, size, (off_t)offset) < 0)
		r = error_errno(err, "unpacking an older release");
	return r;
}

static int on_end(void *data, uint64_t size, struct error *err)
{
	struct unpacking *unpacking = data;
	_cleanup_close_ int fd = TAKE_FD(unpacking->fd);
	int r = measure_sink.end(unpacking->measure, size, err);

	if (r == 0 && ftruncate(fd, (off_t)size) < 0)
		r = error_errno(err, "unpacking an older release");
	return r;
}

static const struct archive_sink unpack_sink = {
	.entry = on_entry,
	.content = on_content,
	.end = on_end,
};

int stock_unpack(int dirfd, int blob_fd, const struct digest *digest, struct stock *ret_stock,
		 struct error *err)
{
	_cleanup_(unpacking_done) struct unpacking unpacking = { .dirfd = dirfd, .fd = -1 };
	_cleanup_(pieces_freep) struct pieces *pieces = NULL;
	struct index *index = NULL;
	int r = pieces_new(blob_fd, digest, INT64_MAX, NULL, NULL, &pieces, err);

	if (r == 0)
		r = measure_new(&unpacking.measure, err);
	if (r == 0)
		r = archive_read(pieces, &limits, &unpack_sink, &unpacking, NULL, NULL, err);
	if (r == 0)
		r = measure_finish(unpacking.measure, &index, err);
	return r < 0 ? r : make(dirfd, true, index, ret_stock, err);
}

/* ---- reading ---- */

int stock_open(const struct stock *stock, const struct index_entry *entry, int *ret_fd,
	       struct error *err)
{
	char name[DIGEST_HEX_MAX];
	int r = stock->flat ? name_of(entry->path, name, err) : 0;
	int fd;

	if (r < 0)
		return r;
	fd = fd_open_beneath(stock->dirfd, stock->flat ? name : entry->path,
			     O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0)
		return error_errno(err, "opening %s", entry->path);
	*ret_fd = fd;
	return 0;
}

int stock_read(const struct stock *stock, const struct index_entry *entry, uint8_t **ret_data,
	       struct error *err)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ uint8_t *data = NULL;
	ssize_t n;
	int r = stock_open(stock, entry, &fd, err);

	if (r < 0)
		return r;
	data = malloc(entry->size + 1);
	if (!data)
		return error_errno(err, "reading %s", entry->path);
	n = fd_read_full(fd, data, entry->size + 1);
	if (n < 0)
		return error_errno(err, "reading %s", entry->path);
	if ((uint64_t)n != entry->size)
		return error_set(err, FAULT_BUSY, "%s was changed meanwhile", entry->path);
	*ret_data = TAKE_PTR(data);
	return 0;
}
