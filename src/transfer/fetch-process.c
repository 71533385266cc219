#include "transfer/fetch-process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define REAP_MSEC 2000
#define PIPE_ROOM (1024 * 1024) /* bytes: all windows fit in, so the helper need not wait for us */

/* Ours, and theirs, which is closed as soon as the helper has it. */
struct pipes {
	int orders_in, orders, answers, answers_out;
};

static void close_pipes(const struct pipes *pipes)
{
	cleanup_close(&pipes->orders_in);
	cleanup_close(&pipes->orders);
	cleanup_close(&pipes->answers);
	cleanup_close(&pipes->answers_out);
}

static int open_pipe(int *ret_read, int *ret_write)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	*ret_read = fds[0];
	*ret_write = fds[1];
	return 0;
}

static int open_pipes(struct pipes *pipes, struct error *err)
{
	if (open_pipe(&pipes->orders_in, &pipes->orders) < 0 ||
	    open_pipe(&pipes->answers, &pipes->answers_out) < 0 ||
	    fcntl(pipes->orders, F_SETFL, O_NONBLOCK) < 0 ||
	    fcntl(pipes->answers, F_SETFL, O_NONBLOCK) < 0)
		return error_errno(err, "making pipes for the fetch helper");
	(void)fcntl(pipes->answers, F_SETPIPE_SZ, PIPE_ROOM); /* a smaller one is only slower */
	return 0;
}

/* ---- start ---- */

static int set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none, all;
	int r;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	r = posix_spawnattr_setsigmask(attributes, &none);
	if (r == 0)
		r = posix_spawnattr_setsigdefault(attributes, &all);
	if (r == 0)
		r = posix_spawnattr_setflags(attributes,
					     POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	return r;
}

/* What the helper says on its stderr is not ours to show. */
static int set_actions(posix_spawn_file_actions_t *actions, const struct pipes *pipes)
{
	int r;

	r = posix_spawn_file_actions_adddup2(actions, pipes->orders_in, STDIN_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(actions, pipes->answers_out, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null", O_WRONLY,
						     0);
	return r;
}

static int spawn(const char *helper, const struct pipes *pipes, pid_t *ret_pid)
{
	char *argv[] = { (char *)helper, (char[]){ "fetch-helper" }, NULL };
	char *environment[] = { NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int r;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return ENOMEM;
	r = posix_spawnattr_init(&attributes);
	if (r != 0) {
		(void)posix_spawn_file_actions_destroy(&actions);
		return r;
	}
	r = set_actions(&actions, pipes);
	if (r == 0)
		r = set_attributes(&attributes);
	if (r == 0)
		r = posix_spawn(ret_pid, helper, &actions, &attributes, argv, environment);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&actions);
	return r;
}

int fetch_process_start(const char *helper, struct fetch_process *ret_process, struct error *err)
{
	_cleanup_(close_pipes) struct pipes pipes = { -1, -1, -1, -1 };
	pid_t pid = 0;
	int r;

	r = open_pipes(&pipes, err);
	if (r < 0)
		return r;
	r = spawn(helper, &pipes, &pid);
	if (r > 0)
		return error_code(err, -r, "starting the fetch helper %s", helper);
	ret_process->pid = pid;
	ret_process->orders = TAKE_FD(pipes.orders);
	ret_process->answers = TAKE_FD(pipes.answers);
	return 0;
}

/* ---- end ---- */

/* Reaps it if it ends within msec. */
static bool reap(pid_t pid, int msec, int *ret_status)
{
	_cleanup_close_ int pidfd = pidfd_open(pid, 0);
	struct pollfd pollfd = { .fd = pidfd, .events = POLLIN };

	if (pidfd >= 0)
		while (poll(&pollfd, 1, msec) < 0 && errno == EINTR)
			;
	return waitpid(pid, ret_status, WNOHANG) == pid;
}

static void say_how(int status, char *ret_how)
{
	if (WIFSIGNALED(status))
		(void)snprintf(ret_how, FETCH_PROCESS_TEXT_MAX, "was killed by signal %d",
			       WTERMSIG(status));
	else
		(void)snprintf(ret_how, FETCH_PROCESS_TEXT_MAX, "exited with %d",
			       WEXITSTATUS(status));
}

void fetch_process_end(struct fetch_process *process, int grace_msec,
		       char ret_how[static FETCH_PROCESS_TEXT_MAX])
{
	int status = 0;

	ret_how[0] = '\0';
	if (process->pid <= 0)
		return;
	(void)close(process->orders);
	(void)close(process->answers);
	if (reap(process->pid, grace_msec, &status)) {
		say_how(status, ret_how);
	} else {
		(void)kill(process->pid, SIGKILL);
		(void)reap(process->pid, REAP_MSEC, &status);
	}
	*process = (struct fetch_process){ .orders = -1, .answers = -1 };
}
