#include "transfer/fetch-process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

int fetch_process_start(const char *helper, struct fetch_process *ret_process, struct error *err)
{
	_cleanup_(close_pipes) struct pipes pipes = { -1, -1, -1, -1 };
	int r;

	r = open_pipes(&pipes, err);
	if (r < 0)
		return r;
	r = spawn_start(helper, "fetch-helper", pipes.orders_in, pipes.answers_out,
			&ret_process->spawn, err);
	if (r != 0)
		return r == SPAWN_NOBODY ? FETCH_PROCESS_NOBODY : r;
	ret_process->orders = TAKE_FD(pipes.orders);
	ret_process->answers = TAKE_FD(pipes.answers);
	return 0;
}

/* ---- end ---- */

static void say_how(const struct spawn_end *end, char *ret_how)
{
	if (end->code == CLD_EXITED)
		(void)snprintf(ret_how, FETCH_PROCESS_TEXT_MAX, "exited with %d", end->status);
	else if (end->code != 0)
		(void)snprintf(ret_how, FETCH_PROCESS_TEXT_MAX, "was killed by signal %d",
			       end->status);
	else if (end->status != 0)
		(void)snprintf(ret_how, FETCH_PROCESS_TEXT_MAX, "could not be started: %s",
			       strerror(end->status));
}

void fetch_process_end(struct fetch_process *process, int grace_msec,
		       char ret_how[static FETCH_PROCESS_TEXT_MAX])
{
	struct spawn_end end;

	ret_how[0] = '\0';
	if (process->spawn.fd < 0)
		return;
	(void)close(process->orders);
	(void)close(process->answers);
	if (spawn_finish(&process->spawn, grace_msec, &end) == SPAWN_LOST)
		(void)snprintf(ret_how, FETCH_PROCESS_TEXT_MAX, "was lost with its spawner");
	else if (!end.by_us)
		say_how(&end, ret_how);
	*process = FETCH_PROCESS_NONE;
}
