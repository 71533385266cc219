/*
 * A piece is a head, and behind it the caller's bytes. Small ones are malloc's, the others are mapped:
 *
 *     +------+-----------------
 *     | head | bytes …
 *     +------+-----------------
 */
#include "base/bulk.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/scratch.h"

#define MAPPED_MIN ((size_t)64 * 1024)
#define ROOM_PART  4 /* of what is free on the disk, that a piece may take at most */

struct head {
	struct scratch *scratch; /* NULL: malloc's */
	size_t size; /* with the head */
	_Alignas(max_align_t) uint8_t bytes[];
};

static struct {
	pthread_mutex_t mutex;
	int dirfd;
	size_t own; /* bytes of pieces that are mapped, and in no file */
	size_t claimed;
} bulk = { .mutex = PTHREAD_MUTEX_INITIALIZER, .dirfd = -1 };

void bulk_settle(int dirfd)
{
	int copy = dirfd >= 0 ? fcntl(dirfd, F_DUPFD_CLOEXEC, 3) : -1;

	pthread_mutex_lock(&bulk.mutex);
	cleanup_close(&bulk.dirfd);
	bulk.dirfd = copy;
	pthread_mutex_unlock(&bulk.mutex);
}

static struct head *head_of(void *bytes)
{
	return (struct head *)((uint8_t *)bytes - offsetof(struct head, bytes));
}

bool bulk_has_files(void)
{
	struct scratch *scratch = NULL;
	bool has = false;

	pthread_mutex_lock(&bulk.mutex);
	if (bulk.dirfd >= 0 && scratch_new(bulk.dirfd, 1, &scratch, NULL) == 0)
		has = scratch_is_file(scratch);
	scratch_free(scratch);
	pthread_mutex_unlock(&bulk.mutex);
	return has;
}

/* With the head; 0: more than there can be. */
static size_t whole_size(size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes) ||
	    __builtin_add_overflow(bytes, sizeof(struct head), &bytes) || bytes > PTRDIFF_MAX) {
		errno = ENOMEM;
		return 0;
	}
	return bytes;
}

/* ---- what is mapped; under the mutex ---- */

static bool has_room(size_t size)
{
	struct statvfs st;

	return bulk.dirfd >= 0 && fstatvfs(bulk.dirfd, &st) == 0 &&
	       (uint64_t)st.f_bavail * st.f_frsize / ROOM_PART >= size;
}

static bool is_left(size_t size)
{
	return size <= BULK_ALL && bulk.own + bulk.claimed <= BULK_ALL - size;
}

static bool may_own(size_t size)
{
	return size <= BULK_OWN && bulk.own <= BULK_OWN - size && is_left(size);
}

static void *fill_head(struct scratch *scratch, size_t size)
{
	struct head *head = (struct head *)scratch_bytes(scratch);

	head->scratch = scratch;
	head->size = size;
	return head->bytes;
}

static void *map(size_t size)
{
	struct scratch *scratch = NULL;

	if (!may_own(size) && has_room(size))
		(void)scratch_new(bulk.dirfd, size, &scratch, NULL);
	if (!scratch && scratch_new(-1, size, &scratch, NULL) < 0) {
		errno = ENOMEM;
		return NULL;
	}
	bulk.own += scratch_is_file(scratch) ? 0 : size;
	return fill_head(scratch, size);
}

/* In its place, if it may stay what it is. */
static void *grow(const struct head *head, size_t size)
{
	struct scratch *scratch = head->scratch;
	size_t more = size - head->size;
	bool file = scratch_is_file(scratch);

	if (!(file ? has_room(more) : may_own(more)) || scratch_grow(scratch, size, NULL) < 0)
		return NULL;
	bulk.own += file ? 0 : more;
	return fill_head(scratch, size);
}

static void unmap(const struct head *head)
{
	bulk.own -= scratch_is_file(head->scratch) ? 0 : head->size;
	scratch_free(head->scratch);
}

/* ---- pieces ---- */

void *bulk_alloc(size_t n, size_t size)
{
	size_t whole = whole_size(n, size);
	struct head *head;
	void *bytes;

	if (whole == 0)
		return NULL;
	if (whole < MAPPED_MIN) {
		head = calloc(1, whole);
		if (!head)
			return NULL;
		head->size = whole;
		return head->bytes;
	}
	pthread_mutex_lock(&bulk.mutex);
	bytes = map(whole);
	pthread_mutex_unlock(&bulk.mutex);
	return bytes;
}

static void *move(void *bytes, size_t n, size_t size)
{
	size_t old = head_of(bytes)->size - sizeof(struct head);
	void *moved = bulk_alloc(n, size);

	if (!moved)
		return NULL;
	memcpy(moved, bytes, old < n * size ? old : n * size);
	bulk_free(bytes);
	return moved;
}

void *bulk_resize(void *bytes, size_t n, size_t size)
{
	size_t whole = whole_size(n, size);
	struct head *head = bytes ? head_of(bytes) : NULL;
	void *grown = NULL;

	if (whole == 0)
		return NULL;
	if (!head)
		return bulk_alloc(n, size);
	if (!head->scratch && whole < MAPPED_MIN) {
		struct head *more = realloc(head, whole);

		if (!more)
			return NULL;
		more->size = whole;
		return more->bytes;
	}
	if (head->scratch && whole > head->size) {
		pthread_mutex_lock(&bulk.mutex);
		grown = grow(head, whole);
		pthread_mutex_unlock(&bulk.mutex);
	}
	return grown ? grown : move(bytes, n, size);
}

void bulk_free(void *bytes)
{
	struct head *head = bytes ? head_of(bytes) : NULL;

	if (!head)
		return;
	if (!head->scratch) {
		free(head);
		return;
	}
	pthread_mutex_lock(&bulk.mutex);
	unmap(head);
	pthread_mutex_unlock(&bulk.mutex);
}

bool bulk_claim(size_t size)
{
	bool may;

	pthread_mutex_lock(&bulk.mutex);
	may = is_left(size);
	bulk.claimed += may ? size : 0;
	pthread_mutex_unlock(&bulk.mutex);
	return may;
}

void bulk_return(size_t size)
{
	pthread_mutex_lock(&bulk.mutex);
	bulk.claimed -= size;
	pthread_mutex_unlock(&bulk.mutex);
}
