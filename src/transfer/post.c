#include "transfer/post.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"

#define OVERTIME_USEC (2 * USEC_PER_SEC) /* for the helper to end by itself */
#define OUTPUT_MAX    4096 /* that is looked at; the rest is read and forgotten */

struct child {
	pid_t pid;
	int orders, output; /* ours */
};

static int add_lines(struct text *text, const char *key, const char *const *lines,
		     struct error *err)
{
	for (size_t i = 0; lines && lines[i]; i++) {
		char name[32];

		if (i >= POST_LINES_MAX || strlen(lines[i]) >= POST_LINE_MAX)
			return error_set(err, FAULT_CONFIG, "too much for one message: %s", key);
		(void)snprintf(name, sizeof(name), "%s.%zu", key, i);
		text_add_field(text, name, lines[i]);
	}
	return 0;
}

static int write_order(const struct post_order *order, struct text *text, struct error *err)
{
	int r;

	text_add_field(text, "user", order->user);
	text_add(text, "timeout=%" PRIu64 "\n", order->timeout_usec);
	if (order->url)
		text_add_field(text, "url", order->url);
	r = add_lines(text, "header", order->headers, err);
	if (r == 0)
		r = add_lines(text, "word", order->command, err);
	if (r == 0)
		r = add_lines(text, "variable", order->variables, err);
	if (r < 0)
		return r;
	text_add_field(text, "body", order->body);
	if (strlen(order->body) >= POST_BODY_MAX || text->size > POST_ORDER_MAX)
		return error_set(err, FAULT_CONFIG, "too much for one message");
	return text_check(text, err);
}

/* ---- the child ---- */

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
		r = posix_spawnattr_setpgroup(attributes, 0);
	if (r == 0)
		r = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK |
								 POSIX_SPAWN_SETSIGDEF |
								 POSIX_SPAWN_SETPGROUP);
	return r;
}

static int spawn(const char *helper, int in, int out, pid_t *ret_pid)
{
	char *argv[] = { (char *)helper, (char[]){ "post-helper" }, NULL };
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
	r = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
	if (r == 0)
		r = set_attributes(&attributes);
	if (r == 0)
		r = posix_spawn(ret_pid, helper, &actions, &attributes, argv, environment);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&actions);
	return r;
}

static int start(const char *helper, struct child *ret_child, struct error *err)
{
	_cleanup_close_ int in = -1;
	_cleanup_close_ int out = -1;
	int orders[2], output[2];
	int r;

	if (pipe2(orders, O_CLOEXEC) < 0)
		return error_errno(err, "making a pipe for the message");
	in = orders[0];
	ret_child->orders = orders[1];
	if (pipe2(output, O_CLOEXEC) < 0)
		return error_errno(err, "making a pipe for the answer");
	out = output[1];
	ret_child->output = output[0];
	(void)fcntl(ret_child->orders, F_SETPIPE_SZ, POST_ORDER_MAX);
	r = spawn(helper, in, out, &ret_child->pid);
	return r > 0 ? error_code(err, -r, "starting %s post-helper", helper) : 0;
}

/* Until it closes its output or time is up. False: it is. */
static bool read_output(int fd, uint64_t deadline, char ret_output[static OUTPUT_MAX])
{
	size_t size = 0;
	ssize_t n = 1;

	ret_output[0] = '\0';
	while (n > 0) {
		struct pollfd pollfd = { .fd = fd, .events = POLLIN };
		uint64_t now = clock_monotonic_usec();
		char block[512];

		if (now >= deadline)
			return false;
		if (poll(&pollfd, 1, (int)((deadline - now) / USEC_PER_MSEC) + 1) <= 0)
			continue;
		n = read(fd, block, sizeof(block));
		if (n > 0 && size + (size_t)n < OUTPUT_MAX) {
			memcpy(ret_output + size, block, (size_t)n);
			size += (size_t)n;
			ret_output[size] = '\0';
		}
	}
	return true;
}

/* Ends whatever is left of it. */
static int reap(struct child *child)
{
	int status = -1;

	if (child->pid > 0) {
		(void)kill(-child->pid, SIGKILL);
		while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	cleanup_close(&child->orders);
	cleanup_close(&child->output);
	return status;
}

static void judge(int status, bool in_time, const struct post_order *order, const char *output,
		  struct post_answer *ret_answer)
{
	char line[POST_TEXT_MAX - 64];
	bool exited = in_time && WIFEXITED(status);

	(void)text_escape(output, strcspn(output, "\n"), line, sizeof(line));
	ret_answer->delivered = exited && WEXITSTATUS(status) == 0;
	if (!in_time)
		(void)snprintf(ret_answer->text, POST_TEXT_MAX, "no answer in time");
	else if (order->url && line[0])
		(void)snprintf(ret_answer->text, POST_TEXT_MAX, "%s", line);
	else if (exited)
		(void)snprintf(ret_answer->text, POST_TEXT_MAX, "exit status %d%s%s",
			       WEXITSTATUS(status), line[0] ? ": " : "", line);
	else
		(void)snprintf(ret_answer->text, POST_TEXT_MAX, "killed by signal %d",
			       WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

/* It has ended, or is about to: its output is closed. */
static bool await(pid_t pid, uint64_t deadline)
{
	siginfo_t info = {};

	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == 0) {
		if (clock_monotonic_usec() >= deadline)
			return false;
		(void)usleep(2000);
	}
	return true;
}

int post_run(const char *helper, const struct post_order *order, struct post_answer *ret_answer,
	     struct error *err)
{
	uint64_t deadline = clock_monotonic_usec() + order->timeout_usec + OVERTIME_USEC;
	struct child child = { .orders = -1, .output = -1 };
	_cleanup_text_ struct text text = {};
	char output[OUTPUT_MAX];
	bool in_time = false;
	int r = write_order(order, &text, err);
	int status;

	if (r == 0)
		r = start(helper, &child, err);
	if (r == 0) {
		/* one that has ended says so by its exit status */
		(void)fd_write_full(child.orders, text.data, text.size);
		(void)close(TAKE_FD(child.orders));
		in_time = read_output(child.output, deadline, output) && await(child.pid, deadline);
	}
	status = reap(&child);
	if (r == 0)
		judge(status, in_time, order, output, ret_answer);
	return r;
}
