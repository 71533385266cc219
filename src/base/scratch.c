#include "base/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PIECE \
	((size_t)256 * 1024) /* that is given back at once; a multiple of each machine's page */

struct scratch {
	int fd; /* -1: memory of the process */
	uint8_t *bytes;
	size_t size;
	size_t spent; /* whole pieces */
};

static int map(struct scratch *scratch, size_t size, struct error *err)
{
	int flags = scratch->fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
	void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, scratch->fd, 0);

	if (bytes == MAP_FAILED)
		return error_errno(err, "making room to unpack");
	scratch->bytes = bytes;
	scratch->size = size;
	return 0;
}

/* So that no write into the mapping can find the disk full. */
static int take_blocks(const struct scratch *scratch, size_t size, struct error *err)
{
	int code = scratch->fd >= 0 ? posix_fallocate(scratch->fd, 0, (off_t)size) : 0;

	return code == 0 ? 0 : error_code(err, -code, "making room to unpack");
}

int scratch_new(int dirfd, size_t size, struct scratch **ret_scratch, struct error *err)
{
	_cleanup_(scratch_freep) struct scratch *scratch = calloc(1, sizeof(*scratch));
	int r;

	if (!scratch)
		return error_errno(err, "making room to unpack");
	scratch->fd =
		dirfd > 0 ? openat(dirfd, ".", O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600) : -1;
	r = take_blocks(scratch, size, err);
	if (r == 0)
		r = map(scratch, size, err);
	if (r == 0)
		*ret_scratch = TAKE_PTR(scratch);
	return r;
}

void scratch_free(struct scratch *scratch)
{
	if (!scratch)
		return;
	if (scratch->bytes)
		(void)munmap(scratch->bytes, scratch->size);
	cleanup_close(&scratch->fd);
	free(scratch);
}

uint8_t *scratch_bytes(const struct scratch *scratch)
{
	return scratch->bytes;
}

bool scratch_is_file(const struct scratch *scratch)
{
	return scratch->fd >= 0;
}

size_t scratch_size(const struct scratch *scratch)
{
	return scratch->size;
}

int scratch_grow(struct scratch *scratch, size_t size, struct error *err)
{
	void *bytes;
	int r = take_blocks(scratch, size, err);

	if (r < 0)
		return r;
	bytes = mremap(scratch->bytes, scratch->size, size, MREMAP_MAYMOVE);
	if (bytes == MAP_FAILED)
		return error_errno(err, "making room to unpack");
	scratch->bytes = bytes;
	scratch->size = size;
	return 0;
}

/* Memory of the process has no blocks. */
void scratch_spend(struct scratch *scratch, const void *end)
{
	const uint8_t *at = end;
	size_t reached;

	if (at < scratch->bytes || at > scratch->bytes + scratch->size)
		return;
	reached = (size_t)(at - scratch->bytes) / PIECE * PIECE;
	if (reached <= scratch->spent)
		return;
	(void)madvise(scratch->bytes + scratch->spent, reached - scratch->spent,
		      scratch->fd >= 0 ? MADV_REMOVE : MADV_DONTNEED);
	scratch->spent = reached;
}
