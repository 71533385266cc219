#include "install/attributes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>

#define CAPABILITY "security.capability"
#define LARGE	   65536 /* bytes: of smaller ones the kernel makes fewer, longer requests by itself */

/* Nothing waits for it, and nothing depends on it: only less is left to the sync at the end. */
static void begin_write_out(int fd, const struct index_entry *file)
{
	if (file->size >= LARGE)
		(void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

int attributes_set(int fd, const struct index_entry *file)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = file->mtime } };
	struct stat st;

	/* most files have it from the beginning, and to look costs little beside setting it */
	if (fstat(fd, &st) < 0 ||
	    ((st.st_mode & 07777) != file->mode && fchmod(fd, file->mode) < 0))
		return -1;
	if (file->capability_size > 0 &&
	    fsetxattr(fd, CAPABILITY, file->capability, file->capability_size, 0) < 0)
		return -1;
	if (futimens(fd, times) < 0)
		return -1;
	begin_write_out(fd, file);
	return 0;
}

int attributes_has_capability(int fd, const struct index_entry *file)
{
	char is[INDEX_CAPABILITY_MAX + 1];
	ssize_t n = fgetxattr(fd, CAPABILITY, is, sizeof(is));

	if (n < 0 && errno == ERANGE)
		return 0;
	if (n < 0 && errno != ENODATA && errno != ENOTSUP)
		return -1;
	if (n < 0)
		n = 0;
	return (size_t)n == file->capability_size && memcmp(is, file->capability, (size_t)n) == 0;
}

/* Only what is there is removed: a user without rights may not even try (EPERM). */
int attributes_mend(int fd, const struct index_entry *file)
{
	if (file->capability_size == 0) {
		int none = attributes_has_capability(fd, file);

		if (none < 0 || (none == 0 && fremovexattr(fd, CAPABILITY) < 0))
			return -1;
	}
	return attributes_set(fd, file);
}

bool attributes_match(int fd, const struct stat *st, const struct index_entry *file)
{
	return (st->st_mode & 07777) == file->mode && st->st_mtim.tv_sec == file->mtime &&
	       attributes_has_capability(fd, file) > 0;
}
