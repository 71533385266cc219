#include "deploy/partial.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "store/durable.h"
#include "store/layout.h"

#define HEADER BUNDLE_SHORT_SIZE

struct name {
	char text[32];
};

static struct name name_of(unsigned int number)
{
	struct name name;

	(void)snprintf(name.text, sizeof(name.text), "block.%u", number);
	return name;
}

static int open_file(int dirfd, unsigned int number, int flags)
{
	_cleanup_close_ int staging_fd = -1;

	if (fd_open_dir(dirfd, LAYOUT_STAGING, &staging_fd, NULL) < 0)
		return -1;
	return openat(staging_fd, name_of(number).text, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags,
		      0600);
}

static void load_one(int dirfd, struct partial *partial)
{
	struct stat st;

	partial->fd = open_file(dirfd, partial->number, 0);
	if (partial->fd < 0)
		return;
	if (fstat(partial->fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > HEADER &&
	    fd_pread_full(partial->fd, partial->name.bytes, HEADER, 0) == HEADER)
		partial->size = (size_t)st.st_size - HEADER;
}

void partial_load(int dirfd, struct partial partials[static PARTIAL_MAX])
{
	for (unsigned int i = 0; i < PARTIAL_MAX; i++) {
		partials[i] = (struct partial){ .fd = -1, .number = i };
		load_one(dirfd, &partials[i]);
	}
}

void partial_done(struct partial partials[static PARTIAL_MAX])
{
	for (size_t i = 0; i < PARTIAL_MAX; i++)
		cleanup_close(&partials[i].fd);
}

static bool is_of(const struct partial *partial, const struct bundle_block *block)
{
	return partial->size > 0 &&
	       memcmp(partial->name.bytes, block->packed.bytes, BUNDLE_SHORT_SIZE) == 0;
}

size_t partial_find(struct partial partials[static PARTIAL_MAX], size_t i,
		    const struct bundle_block *block)
{
	for (size_t j = 0; j < PARTIAL_MAX; j++) {
		struct partial found = partials[j];

		if (!is_of(&found, block) || found.size >= block->length)
			continue;
		partials[j] = partials[i];
		partials[i] = found;
		return found.size;
	}
	return 0;
}

bool partial_read(const struct partial *partial, void *bytes, size_t n)
{
	return fd_pread_full(partial->fd, bytes, n, HEADER) == (ssize_t)n;
}

/* The file becomes that block's, without any bytes yet. */
static bool begin(int dirfd, struct partial *partial, const struct bundle_block *block)
{
	partial->size = 0;
	if (partial->fd < 0)
		partial->fd = open_file(dirfd, partial->number, O_CREAT | O_TRUNC);
	if (partial->fd < 0 || ftruncate(partial->fd, 0) < 0)
		return false;
	partial->name = block->packed;
	return fd_pwrite_full(partial->fd, block->packed.bytes, HEADER, 0) == 0;
}

static bool append(struct partial *partial, const void *bytes, size_t n)
{
	if (n > partial->size &&
	    fd_pwrite_full(partial->fd, (const char *)bytes + partial->size, n - partial->size,
			   (off_t)(HEADER + partial->size)) < 0)
		return false;
	partial->size = n;
	return true;
}

bool partial_save(int dirfd, struct partial *partial, const struct bundle_block *block,
		  const void *bytes, size_t n, bool last)
{
	uint64_t now = clock_monotonic_usec();
	bool fresh = !is_of(partial, block) || partial->size > n;

	if (partial->block != block)
		partial->saved = now;
	partial->block = block;
	if (!last && now - partial->saved < PARTIAL_PERIOD_USEC)
		return false;
	partial->saved = now;
	if ((!fresh || begin(dirfd, partial, block)) && append(partial, bytes, n))
		return true;
	partial->size = 0;
	return false;
}

void partial_clear(struct partial *partial, const struct bundle_block *block)
{
	if (is_of(partial, block) && ftruncate(partial->fd, 0) == 0)
		partial->size = 0;
}

int partial_drop(int dirfd, struct error *err)
{
	_cleanup_close_ int staging_fd = -1;
	int r = 0;

	if (fd_open_dir(dirfd, LAYOUT_STAGING, &staging_fd, NULL) < 0)
		return 0;
	for (unsigned int i = 0; i < PARTIAL_MAX && r == 0; i++) {
		struct name name = name_of(i);

		if (faccessat(staging_fd, name.text, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			r = durable_remove(staging_fd, name.text, err);
	}
	return r;
}
