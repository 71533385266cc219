/*
 * The system calls by which store changes a disk, each of which can fail, or be the last one of the
 * process. Needs the comment "LDFLAGS: @tests/store/calls.flags" on the first line of the test.
 *
 * A test of "fail call N" or "kill before call N" runs N = 1, 2, … until the operation makes fewer calls.
 */
#pragma once

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../base/check.h"

#define CALLS_KILLED 99

static struct {
	bool on;
	int n; /* calls so far */
	int fail_at; /* this one fails with `error` */
	int error;
	int kill_at; /* the process ends before this one */
	size_t torn; /* but if it is a write, so many bytes of it are done */
	bool no_exchange; /* renameat2 fails with EINVAL */
	bool no_tmpfile; /* O_TMPFILE fails with EOPNOTSUPP */
	bool unsynced; /* fsync, fdatasync and syncfs are counted, but not done: a kill does not need them */
	char log[4096]; /* their names, each with a blank behind */
	ino_t synced; /* what the last fsync was of */
} calls;

UNUSED static void calls_begin(int fail_at, int error, int kill_at)
{
	calls.n = 0;
	calls.fail_at = fail_at;
	calls.error = error;
	calls.kill_at = kill_at;
	calls.log[0] = '\0';
	calls.on = true;
}

/* How many calls there were. */
UNUSED static int calls_end(void)
{
	calls.on = false;
	return calls.n;
}

static bool calls_fail(const char *name)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	size_t size;
	bool fails;

	if (!calls.on)
		return false;
	pthread_mutex_lock(&mutex);
	calls.n++;
	size = strlen(calls.log);
	(void)snprintf(calls.log + size, sizeof(calls.log) - size, "%s ", name);
	if (calls.n == calls.kill_at)
		_exit(CALLS_KILLED);
	fails = calls.n == calls.fail_at;
	pthread_mutex_unlock(&mutex);
	errno = calls.error;
	return fails;
}

#define CALLS_WRAP(name, parameters, arguments)                          \
	int __real_##name parameters;                                    \
	int __wrap_##name parameters;                                    \
	int __wrap_##name parameters                                     \
	{                                                                \
		return calls_fail(#name) ? -1 : __real_##name arguments; \
	}

CALLS_WRAP(mkdirat, (int dirfd, const char *name, mode_t mode), (dirfd, name, mode))
CALLS_WRAP(unlinkat, (int dirfd, const char *name, int flags), (dirfd, name, flags))
CALLS_WRAP(renameat, (int fd, const char *from, int to_fd, const char *to), (fd, from, to_fd, to))
CALLS_WRAP(symlinkat, (const char *target, int dirfd, const char *name), (target, dirfd, name))
#define CALLS_WRAP_SYNC(name)                                  \
	int __real_##name(int fd);                             \
	int __wrap_##name(int fd);                             \
	int __wrap_##name(int fd)                              \
	{                                                      \
		if (calls_fail(#name))                         \
			return -1;                             \
		return calls.unsynced ? 0 : __real_##name(fd); \
	}

CALLS_WRAP_SYNC(fdatasync)
CALLS_WRAP_SYNC(syncfs)
CALLS_WRAP(fchmod, (int fd, mode_t mode), (fd, mode))

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	struct stat st = {};

	(void)fstat(fd, &st);
	calls.synced = st.st_ino;
	if (calls_fail("fsync"))
		return -1;
	return calls.unsynced ? 0 : __real_fsync(fd);
}

int __real_renameat2(int fd, const char *from, int to_fd, const char *to, unsigned int flags);
int __wrap_renameat2(int fd, const char *from, int to_fd, const char *to, unsigned int flags);
int __wrap_renameat2(int fd, const char *from, int to_fd, const char *to, unsigned int flags)
{
	if (calls.on && calls.no_exchange) {
		errno = EINVAL;
		return -1;
	}
	return calls_fail("renameat2") ? -1 : __real_renameat2(fd, from, to_fd, to, flags);
}

int __real_openat(int dirfd, const char *name, int flags, ...);
int __wrap_openat(int dirfd, const char *name, int flags, ...);
int __wrap_openat(int dirfd, const char *name, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (flags & (O_CREAT | __O_TMPFILE)) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if (calls.on && calls.no_tmpfile && (flags & O_TMPFILE) == O_TMPFILE) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return calls_fail("openat") ? -1 : __real_openat(dirfd, name, flags, mode);
}

/* What fortified code calls when there is no mode. */
int __wrap___openat_2(int dirfd, const char *name, int flags);
int __wrap___openat_2(int dirfd, const char *name, int flags)
{
	return __wrap_openat(dirfd, name, flags);
}

ssize_t __real_write(int fd, const void *buf, size_t size);
ssize_t __wrap_write(int fd, const void *buf, size_t size);
ssize_t __wrap_write(int fd, const void *buf, size_t size)
{
	if (calls.on && calls.torn > 0 && calls.n + 1 == calls.kill_at)
		(void)__real_write(fd, buf, calls.torn < size ? calls.torn : size);
	return calls_fail("write") ? -1 : __real_write(fd, buf, size);
}

ssize_t __real_pwrite(int fd, const void *buf, size_t size, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *buf, size_t size, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *buf, size_t size, off_t offset)
{
	if (calls.on && calls.torn > 0 && calls.n + 1 == calls.kill_at)
		(void)__real_pwrite(fd, buf, calls.torn < size ? calls.torn : size, offset);
	return calls_fail("pwrite") ? -1 : __real_pwrite(fd, buf, size, offset);
}

/* Runs act(data) in a child that is killed before call n: whether it came that far. */
UNUSED static bool calls_killed(int n, int (*act)(void *data), void *data)
{
	pid_t pid = fork();
	int status = -1;

	assert_true(pid >= 0);
	if (pid == 0) {
		calls_begin(0, 0, n);
		_exit(act(data) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == CALLS_KILLED);
	return WEXITSTATUS(status) == CALLS_KILLED;
}
