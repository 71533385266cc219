#include "deploy/data-helper.h"

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

#include "base/clock.h"
#include "base/confine.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/text.h"
#include "store/sweep.h"

#define FROM_FD	    3
#define TO_FD	    4
#define ANSWER_MAX  1024
#define LOOK_MSEC   500
#define DESCRIPTORS 256

/*
 * Orders, one line on descriptor 0:    ERRAND UID GID SHARE MAX
 * The answer, one line on 1:           "ok BYTES COPIED ENTRIES" or "no FAULT TEXT", FAULT by number
 */

/* ---- the child ---- */

struct orders {
	uint64_t errand, uid, gid, share, max;
};

/* Exactly n numbers with one blank between. */
static bool take_numbers(char *line, uint64_t *ret_values, size_t n)
{
	size_t i = 0;

	for (const char *word = strsep(&line, " "); word; word = strsep(&line, " "))
		if (i == n || parse_u64(word, 0, UINT64_MAX, &ret_values[i++], NULL) < 0)
			return false;
	return i == n;
}

static int read_orders(struct orders *ret_orders, struct error *err)
{
	char line[128] = "";
	uint64_t values[5] = {};
	ssize_t n = fd_read_full(STDIN_FILENO, line, sizeof(line) - 1);
	bool whole = n > 0 && line[n - 1] == '\n';

	if (whole)
		line[n - 1] = '\0';
	if (!whole || !take_numbers(line, values, ARRAY_SIZE(values)) ||
	    values[0] >= DATA_ERRAND_MAX || values[1] > UINT32_MAX || values[2] > UINT32_MAX)
		return error_set(err, FAULT_INTERNAL, "the helper got no orders");
	*ret_orders = (struct orders){ values[0], values[1], values[2], values[3], values[4] };
	return 0;
}

static int become(const struct orders *orders, struct error *err)
{
	char user[16], group[16];

	(void)snprintf(user, sizeof(user), "%" PRIu64, orders->uid);
	(void)snprintf(group, sizeof(group), "%" PRIu64, orders->gid);
	return confine_become(user, group, NULL, err);
}

static int serve(struct shadow_figures *figures, struct error *err)
{
	struct orders orders = {};
	struct shadow_limits limits;
	int r = read_orders(&orders, err);

	if (r == 0)
		r = become(&orders, err);
	if (r < 0)
		return r;
	limits = (struct shadow_limits){ .max_copied = orders.max, .must_share = orders.share > 0 };
	switch ((enum data_errand)orders.errand) {
	case DATA_MEASURE:
		return shadow_measure(FROM_FD, figures, err);
	case DATA_COPY:
		return shadow_copy(FROM_FD, TO_FD, &limits, figures, err);
	default:
		return sweep_directory(FROM_FD, err);
	}
}

int data_helper_main(void)
{
	static const int kept[] = { FROM_FD, TO_FD };
	struct shadow_figures figures = {};
	struct error err = {};
	char answer[ANSWER_MAX];
	int r;

	fd_close_all_but(kept, 2);
	r = serve(&figures, &err);
	if (r == 0)
		(void)snprintf(answer, sizeof(answer), "ok %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
			       figures.bytes, figures.copied, figures.entries);
	else
		(void)snprintf(answer, sizeof(answer), "no %d %s\n", (int)err.fault, err.text);
	return fd_write_full(STDOUT_FILENO, answer, strlen(answer)) < 0 || r < 0;
}

/* ---- who starts it ---- */

struct child {
	pid_t pid; /* 0: none */
	int orders, answers; /* our ends */
	char answer[ANSWER_MAX];
	size_t size;
};

static void child_end(struct child *child)
{
	if (child->pid > 0) {
		(void)kill(child->pid, SIGKILL);
		while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	cleanup_close(&child->orders);
	cleanup_close(&child->answers);
}

/* Out of the way of the numbers that the child expects. */
static int move_up(int fd)
{
	return fd < 0 ? open("/dev/null", O_RDONLY | O_CLOEXEC) : fcntl(fd, F_DUPFD_CLOEXEC, 16);
}

static int spawn(const char *helper, const int fds[static 4], pid_t *ret_pid)
{
	char *argv[] = { (char[]){ "flipslot" }, (char[]){ "data-helper" }, NULL };
	char *environment[] = { NULL };
	posix_spawn_file_actions_t actions;
	int r = posix_spawn_file_actions_init(&actions);

	if (r != 0)
		return r;
	r = posix_spawn_file_actions_adddup2(&actions, fds[0], STDIN_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, fds[2], FROM_FD);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, fds[3], TO_FD);
	if (r == 0)
		r = posix_spawn(ret_pid, helper, &actions, NULL, argv, environment);
	(void)posix_spawn_file_actions_destroy(&actions);
	return r;
}

static int start(const struct data_run *run, struct child *child, struct error *err)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, fds[4];
	int r = 0;

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		r = errno;
	child->orders = in[1];
	child->answers = out[0];
	fds[0] = move_up(in[0]);
	fds[1] = move_up(out[1]);
	fds[2] = move_up(run->from_fd);
	fds[3] = move_up(run->to_fd);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (fds[i] < 0)
			r = errno;
	if (r == 0)
		r = spawn(run->helper, fds, &child->pid);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		cleanup_close(&fds[i]);
	cleanup_close(&in[0]);
	cleanup_close(&out[1]);
	return r == 0 ? 0 : error_code(err, -r, "starting the data helper %s", run->helper);
}

static int send_orders(const struct data_run *run, struct child *child, struct error *err)
{
	char line[128];

	(void)snprintf(line, sizeof(line), "%d %u %u %d %" PRIu64 "\n", (int)run->errand, run->uid,
		       run->gid, run->limits.must_share, run->limits.max_copied);
	if (fd_write_full(child->orders, line, strlen(line)) < 0)
		return error_errno(err, "asking the data helper");
	(void)close(child->orders);
	child->orders = -1;
	return 0;
}

/* > 0: DATA_INTERRUPTED */
static int listen_to(const struct data_run *run, struct child *child, struct error *err)
{
	uint64_t end = clock_monotonic_usec() + run->timeout_usec;
	ssize_t n = 1;

	while (n != 0 && child->size < sizeof(child->answer) - 1) {
		struct pollfd fds[] = {
			{ .fd = child->answers, .events = POLLIN },
			{ .fd = run->wake_fd, .events = POLLIN },
		};
		(void)poll(fds, 2, LOOK_MSEC);
		if (run->interrupt && run->interrupt(run->data) > 0)
			return DATA_INTERRUPTED;
		if (clock_monotonic_usec() > end)
			return error_set(err, FAULT_UNHEALTHY, "it took too long");
		if (!fds[0].revents)
			continue;
		n = read(child->answers, child->answer + child->size,
			 sizeof(child->answer) - 1 - child->size);
		if (n < 0 && errno != EINTR)
			return error_errno(err, "hearing the data helper");
		child->size += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* It runs as the data's owner, who may have had a hand in what it says. */
static int understand(struct child *child, struct shadow_figures *ret_figures, struct error *err)
{
	uint64_t values[3] = {};
	uint64_t fault = 0;
	char shown[300];
	char *rest = child->answer;
	const char *word;

	child->answer[child->size] = '\0';
	child->answer[strcspn(child->answer, "\n")] = '\0';
	word = strsep(&rest, " ");
	if (strcmp(word, "ok") == 0 && rest && take_numbers(rest, values, ARRAY_SIZE(values))) {
		*ret_figures = (struct shadow_figures){ .bytes = values[0],
							.copied = values[1],
							.entries = values[2] };
		return 0;
	}
	if (strcmp(word, "no") == 0)
		word = strsep(&rest, " ");
	if (!word || !rest || parse_u64(word, 0, FAULT_MAX, &fault, NULL) < 0)
		return error_set(err, FAULT_UNHEALTHY, "the helper died");
	return error_set(err, fault == FAULT_NO_SPACE ? FAULT_NO_SPACE : FAULT_CONFIG, "%s",
			 text_escape(rest, strlen(rest), shown, sizeof(shown)));
}

int data_helper_run(const struct data_run *run, struct shadow_figures *ret_figures,
		    struct error *err)
{
	_cleanup_(child_end) struct child child = { .orders = -1, .answers = -1 };
	int r = start(run, &child, err);

	if (r == 0)
		r = send_orders(run, &child, err);
	if (r == 0)
		r = listen_to(run, &child, err);
	if (r != 0)
		return r;
	return understand(&child, ret_figures, err);
}
