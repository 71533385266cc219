#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "store/revive.h"

#define POLL_USEC (20 * USEC_PER_MSEC)
#define TRIES	  16

/* Is the file that is locked still the one of that name? (somebody may have made it anew meanwhile) */
static bool is_that_file(int dirfd, const char *name, int fd)
{
	struct stat locked;
	struct stat named;

	return fstat(fd, &locked) == 0 && fstatat(dirfd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       locked.st_dev == named.st_dev && locked.st_ino == named.st_ino;
}

static int try_once(int dirfd, const char *name, int *ret_fd, struct error *err)
{
	_cleanup_close_ int fd =
		openat(dirfd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 && errno == ENOENT)
		return revive_complain(dirfd, name, err);
	if (fd < 0)
		return error_errno(err, "opening %s", name);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? LOCK_TAKEN : error_errno(err, "locking %s", name);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int lock_take(int dirfd, const char *name, int *ret_fd, struct error *err)
{
	for (int i = 0; i < TRIES; i++) {
		_cleanup_close_ int fd = -1;
		int r = try_once(dirfd, name, &fd, err);

		if (r != 0)
			return r;
		if (is_that_file(dirfd, name, fd)) {
			*ret_fd = TAKE_FD(fd);
			return 0;
		}
	}
	return error_set(err, FAULT_BUSY, "%s is replaced again and again", name);
}

int lock_wait(int dirfd, const char *name, unsigned long long timeout_usec, int *ret_fd,
	      struct error *err)
{
	static const struct timespec pause = { .tv_nsec = POLL_USEC * 1000 };
	uint64_t began = clock_monotonic_usec();
	int r;

	while ((r = lock_take(dirfd, name, ret_fd, err)) == LOCK_TAKEN) {
		if (clock_monotonic_usec() - began >= timeout_usec)
			break;
		(void)nanosleep(&pause, NULL);
	}
	return r;
}
