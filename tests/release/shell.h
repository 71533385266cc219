/*
 * Other programs at work in the test's directory, to make what is to be read.
 */
#pragma once

#include "../base/check.h"

#include <errno.h>
#include <sys/wait.h>

/* Runs a program in the directory; its exit status. */
UNUSED static int shell_run(int dirfd, const char *const *argv)
{
	int status = -1;
	pid_t pid;

	assert_non_null(argv[0]);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (fchdir(dirfd) == 0)
			(void)execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* Each command of the script must succeed. */
#define shell(dirfd, script) \
	assert_int_equal(shell_run(dirfd, (const char *const[]){ "sh", "-euc", script, NULL }), 0)

UNUSED static int shell_open(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}
