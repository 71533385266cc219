#include "install/local.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "base/fd.h"
#include "base/parent.h"

#define CHUNK LOCAL_SHORT
#define PUSH  (8 * 1024 * 1024)

struct local {
	local_progress progress;
	void *data;
	struct digester *digester;
	char *buffer;
	struct parent parent; /* of the file that was opened last */
	bool shares_nothing;
};

int local_new(local_progress progress, void *data, struct local **ret_local, struct error *err)
{
	_cleanup_(local_freep) struct local *local = calloc(1, sizeof(*local));
	int r;

	if (!local)
		return error_errno(err, "reading files");
	local->parent = PARENT_NONE;
	local->progress = progress;
	local->data = data;
	local->buffer = malloc(CHUNK);
	if (!local->buffer)
		return error_errno(err, "reading files");
	r = digester_new(&local->digester, err);
	if (r == 0)
		*ret_local = TAKE_PTR(local);
	return r;
}

void local_share_nothing(struct local *local)
{
	local->shares_nothing = true;
}

void local_free(struct local *local)
{
	if (!local)
		return;
	parent_forget(&local->parent);
	digester_free(local->digester);
	free(local->buffer);
	free(local);
}

static int tell(const struct local *local, uint64_t bytes, struct error *err)
{
	return local->progress ? local->progress(local->data, bytes, err) : 0;
}

static int take(const struct local *local, size_t size, struct error *err)
{
	int r = digester_update(local->digester, local->buffer, size, err);

	return r < 0 ? r : tell(local, size, err);
}

int local_open(int dirfd, const char *path, struct stat *ret_stat)
{
	_cleanup_close_ int fd = -1;

	if (fstatat(dirfd, path, ret_stat, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	if (S_ISREG(ret_stat->st_mode)) {
		fd = fd_open_unseen(dirfd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
		if (fd < 0 || fstat(fd, ret_stat) < 0)
			return -1;
	}
	if (S_ISREG(ret_stat->st_mode))
		return TAKE_FD(fd);
	errno = EBADF;
	return -1;
}

bool local_is_file(int dirfd, const char *path, const struct stat *st)
{
	_cleanup_close_ int fd = dirfd < 0 ? -1 : fd_open_inside(dirfd, path, O_PATH);
	struct stat own;

	return fd >= 0 && fstat(fd, &own) == 0 && own.st_ino == st->st_ino &&
	       own.st_dev == st->st_dev;
}

int local_digest(struct local *local, int fd, struct digest *ret_digest, uint64_t *ret_size,
		 struct error *err)
{
	uint64_t size = 0;
	ssize_t n;
	int r = digester_reset(local->digester, err);

	if (r < 0)
		return r;
	while ((n = fd_pread_full(fd, local->buffer, CHUNK, (off_t)size)) > 0) {
		r = take(local, (size_t)n, err);
		if (r < 0)
			return r;
		size += (uint64_t)n;
	}
	if (n < 0)
		return LOCAL_UNREADABLE;
	*ret_size = size;
	return digester_finish(local->digester, ret_digest, err);
}

/* ---- copying ---- */

struct copy {
	struct local *local;
	int from;
	int to;
	uint64_t size;
	uint64_t done;
	uint64_t pushed; /* bytes that the disk was asked to begin with */
	bool sparse;
};

/* A hole is hashed as the zeroes that a reader will see. */
static int hash_hole(struct copy *copy, uint64_t end, struct error *err)
{
	static const char zeroes[64 * 1024];

	while (copy->done < end) {
		uint64_t left = end - copy->done;
		size_t n = left < sizeof(zeroes) ? (size_t)left : sizeof(zeroes);
		int r = digester_update(copy->local->digester, zeroes, n, err);

		if (r == 0)
			r = tell(copy->local, n, err);
		if (r < 0)
			return r;
		copy->done += n;
	}
	return 0;
}

/* The next stretch of data, from copy->done on. */
static void find_data(const struct copy *copy, uint64_t *ret_begin, uint64_t *ret_end)
{
	off_t begin = copy->sparse ? lseek(copy->from, (off_t)copy->done, SEEK_DATA) :
				     (off_t)copy->done;
	off_t end = copy->sparse ? -1 : (off_t)copy->size;

	if (begin < 0 && errno == ENXIO)
		begin = end = (off_t)copy->size;
	else if (begin < 0)
		begin = (off_t)copy->done;
	else if (end < 0)
		end = lseek(copy->from, begin, SEEK_HOLE);
	*ret_begin = (uint64_t)begin < copy->size ? (uint64_t)begin : copy->size;
	*ret_end = end >= begin && (uint64_t)end < copy->size ? (uint64_t)end : copy->size;
}

/* Lets the disk begin with a large file while we go on: less is left for the sync at the end. */
static void push(struct copy *copy)
{
	if (copy->done - copy->pushed < PUSH)
		return;
	(void)posix_fadvise(copy->to, (off_t)copy->pushed, (off_t)(copy->done - copy->pushed),
			    POSIX_FADV_DONTNEED);
	copy->pushed = copy->done;
}

/* > 0: LOCAL_UNREADABLE; LOCAL_DIFFERS, it ended too early. */
static int copy_data(struct copy *copy, uint64_t end, struct error *err)
{
	struct local *local = copy->local;

	while (copy->done < end) {
		uint64_t left = end - copy->done;
		size_t want = left < CHUNK ? (size_t)left : CHUNK;
		ssize_t n = fd_pread_full(copy->from, local->buffer, want, (off_t)copy->done);
		int r;

		if (n < 0 || (size_t)n < want)
			return n < 0 ? LOCAL_UNREADABLE : LOCAL_DIFFERS;
		if (fd_pwrite_sparse(copy->to, local->buffer, want, (off_t)copy->done) < 0)
			return error_errno(err, "writing a copy");
		r = take(local, want, err);
		if (r < 0)
			return r;
		copy->done += want;
		push(copy);
	}
	return 0;
}

static int copy_bytes(struct copy *copy, struct error *err)
{
	uint64_t begin;
	uint64_t end;
	int r = digester_reset(copy->local->digester, err);

	while (r == 0 && copy->done < copy->size) {
		find_data(copy, &begin, &end);
		r = hash_hole(copy, begin, err);
		if (r == 0)
			r = copy_data(copy, end, err);
	}
	if (r == 0 && copy->sparse && ftruncate(copy->to, (off_t)copy->size) < 0)
		return error_errno(err, "writing a copy");
	return r;
}

/* > 0: as copy_data. What is hashed is what is in our own copy: nobody else writes to that. */
static int clone_bytes(struct copy *copy, struct digest *ret_digest, struct error *err)
{
	uint64_t size;
	int r;

	bool cloned = !copy->local->shares_nothing && ioctl(copy->to, FICLONE, copy->from) == 0;

	if (cloned) {
		r = local_digest(copy->local, copy->to, ret_digest, &size, err);
		return r == 0 && size != copy->size ? LOCAL_DIFFERS : r;
	}
	if (!copy->local->shares_nothing && (errno == ENOSPC || errno == EDQUOT))
		return error_errno(err, "writing a copy");
	r = copy_bytes(copy, err);
	return r != 0 ? r : digester_finish(copy->local->digester, ret_digest, err);
}

/* > 0: LOCAL_UNREADABLE, LOCAL_DIFFERS. */
static int open_source(int dirfd, const char *path, uint64_t size, struct copy *copy,
		       const char **ret_why)
{
	const char *name;
	int parent_fd = parent_open(&copy->local->parent, dirfd, path, &name);
	struct stat st;

	copy->from = parent_fd < 0 ? -1 : local_open(parent_fd, name, &st);
	if (copy->from < 0) {
		*ret_why = errno == ENOENT ? "missing" :
			   errno == EBADF  ? "another kind of file" :
					     "cannot be opened";
		return LOCAL_UNREADABLE;
	}
	*ret_why = "size differs";
	if ((uint64_t)st.st_size != size)
		return LOCAL_DIFFERS;
	copy->size = size;
	copy->sparse = (uint64_t)st.st_blocks * 512 < size;
	return 0;
}

static int copy_verified(struct copy *copy, const struct digest *wanted, const char **ret_why,
			 struct error *err)
{
	struct digest digest;
	int r = clone_bytes(copy, &digest, err);

	if (r == 0 && !digest_equal(&digest, wanted)) {
		*ret_why = "content differs";
		return LOCAL_DIFFERS;
	}
	*ret_why = r == LOCAL_UNREADABLE ? "cannot be read" : "ends too early";
	return r;
}

int local_copy(struct local *local, int dirfd, const char *path, const struct index_entry *entry,
	       int fd, const char **ret_why, struct error *err)
{
	struct copy copy = { .local = local, .from = -1, .to = fd };
	int r = open_source(dirfd, path, entry->size, &copy, ret_why);

	if (r == 0)
		r = copy_verified(&copy, &entry->digest, ret_why, err);
	cleanup_close(&copy.from);
	return r;
}

/* > 0: LOCAL_UNREADABLE, LOCAL_DIFFERS. */
static int read_verified(const struct copy *copy, const struct digest *wanted, const char **ret_why,
			 struct error *err)
{
	struct local *local = copy->local;
	struct digest digest;
	ssize_t n = fd_pread_full(copy->from, local->buffer, copy->size, 0);
	int r;

	*ret_why = n < 0 ? "cannot be read" : "ends too early";
	if (n < 0 || (size_t)n < copy->size)
		return n < 0 ? LOCAL_UNREADABLE : LOCAL_DIFFERS;
	*ret_why = "content differs";
	r = digester_reset(local->digester, err);
	if (r == 0)
		r = take(local, copy->size, err);
	if (r == 0)
		r = digester_finish(local->digester, &digest, err);
	return r == 0 && !digest_equal(&digest, wanted) ? LOCAL_DIFFERS : r;
}

int local_read(struct local *local, int dirfd, const char *path, const struct index_entry *entry,
	       const void **ret_bytes, const char **ret_why, struct error *err)
{
	struct copy copy = { .local = local, .from = -1, .to = -1 };
	int r;

	assert(entry->size <= LOCAL_SHORT);
	r = open_source(dirfd, path, entry->size, &copy, ret_why);
	if (r == 0)
		r = copy.sparse ? LOCAL_SPARSE : read_verified(&copy, &entry->digest, ret_why, err);
	cleanup_close(&copy.from);
	if (r == 0)
		*ret_bytes = local->buffer;
	return r;
}

bool local_can_reflink(int dirfd)
{
	_cleanup_close_ int from =
		openat(dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
	_cleanup_close_ int to =
		openat(dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);

	return from >= 0 && to >= 0 && ioctl(to, FICLONE, from) == 0;
}
