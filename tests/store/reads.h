/*
 * A disk that fails to read, once or for good. Needs -Wl,--wrap=fd_pread_full in the LDFLAGS of the test.
 */
#pragma once

#include "base/fd.h"
#include "../base/check.h"

static struct {
	int fail_at; /* this call is the first to fail; 0: none */
	int times; /* so many fail */
	int n; /* calls so far */
} reads;

ssize_t __real_fd_pread_full(int fd, void *buf, size_t size, off_t offset);
ssize_t __wrap_fd_pread_full(int fd, void *buf, size_t size, off_t offset);
ssize_t __wrap_fd_pread_full(int fd, void *buf, size_t size, off_t offset)
{
	reads.n++;
	if (reads.fail_at > 0 && reads.n >= reads.fail_at &&
	    reads.n < reads.fail_at + reads.times) {
		errno = EIO;
		return -1;
	}
	return __real_fd_pread_full(fd, buf, size, offset);
}

UNUSED static void reads_fail(int at, int times)
{
	reads.fail_at = at;
	reads.times = times;
	reads.n = 0;
}
