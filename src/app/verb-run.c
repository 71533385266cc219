#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>

#include "app/report.h"
#include "app/verbs.h"
#include "app/watchdog.h"
#include "deploy/worker.h"

#define MENDING_SEC 5

/* Events on their way to the report also make STATUS= of the unit. */
static void handle(void *data, const struct event *event)
{
	const struct event_listener *report = data;
	char sentence[EVENT_LINE_TEXT_MAX];
	struct event_line line;

	report->handle(report->data, event);
	if (event->kind != EVENT_PHASE && event->kind != EVENT_NOTE && event->kind != EVENT_OUTCOME)
		return;
	event_line_of(event, 0, &line);
	(void)sd_notifyf(0, "STATUS=%s", event_line_describe(&line, sentence, sizeof(sentence)));
}

static void ready(void *data)
{
	(void)data;
	(void)sd_notify(0, "READY=1");
}

/* The worker lets go where it is, with the transaction on disk. */
static int catch_stop(int *ret_fd, struct error *err)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return error_errno(err, "catching signals");
	*ret_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (*ret_fd < 0)
		return error_errno(err, "catching signals");
	return 0;
}

/*
 * The link CONFIG_RUN/APP/root leads to the app's directory, for a worker that finds its configuration
 * broken: it must know whether a transaction waits for it.
 */
static void leave_trace(const char *app, const char *root)
{
	char path[256];

	(void)snprintf(path, sizeof(path), CONFIG_RUN "/%s/root", app);
	(void)unlink(path);
	if (symlink(root, path) < 0)
		fprintf(stderr, "%s: %s\n", path,
			strerrordesc_np(errno)); /* nothing depends on it yet */
}

static bool is_under_way(const char *app)
{
	_cleanup_close_ int dirfd = -1;
	struct state state;
	char path[256];

	(void)snprintf(path, sizeof(path), CONFIG_RUN "/%s/root", app);
	dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0) {
		(void)snprintf(path, sizeof(path), CONFIG_ROOT "/%s", app);
		dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	}
	return dirfd >= 0 && state_load(dirfd, &state, NULL) >= 0 && state.phase != PHASE_IDLE;
}

/*
 * A configuration that was broken in mid-transaction: the unit gives up on exit status 3, and somebody must
 * stay in charge. This worker waits and fails otherwise, so that the next one looks again.
 */
static int wait_for_mending(const char *app, const struct error *err)
{
	char text[ERROR_TEXT_MAX + 64];

	(void)snprintf(text, sizeof(text),
		       "a transaction waits for the configuration to be mended: %s", err->text);
	fprintf(stderr, "<3>%s: %s\n", app, text);
	(void)sd_notifyf(0, "STATUS=%s", text);
	(void)sleep(MENDING_SEC);
	return fault_exit_status(FAULT_INTERNAL);
}

static int work(const char *app, struct error *err)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_(report_freep) struct report *report = NULL;
	_cleanup_close_ int stop_fd = -1;
	struct event_listener reporting;
	int r;

	r = cli_load(app, &config, err);
	if (r < 0)
		return r;
	r = report_new(app, &report, err);
	if (r < 0)
		return r;
	leave_trace(app, config_root(config));
	r = catch_stop(&stop_fd, err);
	if (r < 0)
		return r;
	r = watchdog_start(err);
	if (r < 0)
		return r;
	reporting = report_listener(report);
	return worker_run(config_deploy(config),
			  &(struct event_listener){ .handle = handle, .data = &reporting }, ready,
			  NULL, stop_fd, err);
}

int verb_run(const struct cli_verb *verb, int argc, char **argv)
{
	static const struct cli_option options[] = { {} };
	struct error err = {};
	char **operands;
	int r;

	r = cli_begin(verb, options, 1, 1, argc, argv, &operands);
	if (r != CLI_GO)
		return r;
	r = cli_need_root(verb);
	if (r != CLI_GO)
		return r;
	r = work(operands[0], &err);
	(void)sd_notify(0, "STOPPING=1");
	if (r < 0 && err.fault == FAULT_CONFIG && is_under_way(operands[0]))
		return wait_for_mending(operands[0], &err);
	if (r < 0)
		return cli_fail(&err);
	if (r == WORKER_BUSY)
		printf("another worker is at work on %s\n", operands[0]);
	return 0; /* WORKER_STOPPED too: the work goes on at the next start */
}
