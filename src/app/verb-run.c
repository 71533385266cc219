#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>

#include "app/failure-log.h"
#include "app/metrics.h"
#include "app/report.h"
#include "app/trace.h"
#include "app/verbs.h"
#include "app/watchdog.h"
#include "base/fd.h"
#include "base/scope.h"
#include "base/spawn.h"
#include "deploy/caretaker.h"
#include "deploy/helpers.h"
#include "deploy/worker.h"

#define DESCRIPTORS 1024 /* what systemd lets a unit have, if nothing else is said */
#define TRIM	    (256 * 1024) /* bytes: what is free at the end of the heap */
#define MENDING_SEC 5
#define NOTIFY_USEC (2 * USEC_PER_SEC)

/* Where events go. */
struct channel {
	const struct config *config;
	struct report *report;
	bool complained; /* that there are no metrics */
};

/* Nothing depends on them; that they are missing is said once. */
static void write_metrics(struct channel *channel)
{
	struct error err = {};

	if (metrics_write(channel->config, &err) == 0 || channel->complained)
		return;
	channel->complained = true;
	report_complain(config_deploy(channel->config)->app, config_unit(channel->config),
			"metrics cannot be written ([Metrics] Textfile=)", &err);
}

/* Before journald rotates it away. */
static void keep_log(const struct channel *channel, const struct state_transaction *transaction)
{
	_cleanup_close_ int dirfd = -1;
	struct error err = {};

	if (!failure_log_is_due(transaction))
		return;
	if (config_open_root(channel->config, &dirfd, &err) < 0 ||
	    failure_log_keep(dirfd, transaction, &err) < 0)
		report_complain(config_deploy(channel->config)->app, config_unit(channel->config),
				"the log of the run that failed is not kept for `flipslot report`",
				&err);
}

/* Events on their way to the report also make STATUS= of the unit, and those that change them the metrics. */
static void handle(void *data, const struct event *event)
{
	struct channel *channel = data;
	const struct event_listener report = report_listener(channel->report);
	char sentence[EVENT_LINE_TEXT_MAX];
	struct event_line line;

	report.handle(report.data, event);
	if (event->kind == EVENT_OUTCOME)
		keep_log(channel, &event->state->transaction);
	if (event->kind == EVENT_PHASE || event->kind == EVENT_OUTCOME ||
	    event->kind == EVENT_HOLD || event->kind == EVENT_CHECK)
		write_metrics(channel);
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

static struct trace_places trace_places(void)
{
	return (struct trace_places){ .run = scope_dir(SCOPE_RUN),
				      .state = scope_dir(SCOPE_STATE) };
}

/* SCOPE_RUN/APP/mending: a worker said that the configuration is broken. This one could read it. */
static void leave_trace(const char *app, const char *root)
{
	const struct trace_places places = trace_places();
	struct error err = {};
	char path[1024];

	(void)snprintf(path, sizeof(path), "%s/%s/mending", places.run, app);
	(void)unlink(path);
	if (trace_leave(&places, app, root, &err) < 0)
		fprintf(stderr, "%s\n", err.text); /* nothing depends on it yet */
}

/* Whoever follows the transaction hears of it, once. */
static void tell(const char *app, const struct state *state, const char *text)
{
	_cleanup_(report_freep) struct report *report = NULL;
	_cleanup_close_ int fd = -1;
	struct event_listener listener;
	char path[1024];

	if (report_new(app, &report, NULL) < 0)
		return;
	(void)snprintf(path, sizeof(path), "%s/%s/mending", scope_dir(SCOPE_RUN), app);
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0 && errno == EEXIST)
		return;
	listener = report_listener(report);
	listener.handle(listener.data, &(struct event){ .kind = EVENT_WARNING,
							.app = app,
							.unit = state->transaction.unit,
							.state = state,
							.fault = FAULT_CONFIG,
							.text = text });
}

/* The unit keeps it when we are gone, for the command that waits for an answer. */
static void tell_why(const struct error *err)
{
	(void)sd_notifyf(0, "STATUS=%s", err->text);
	(void)sd_notify_barrier(0, NOTIFY_USEC);
}

/*
 * A configuration that was broken in mid-transaction: the unit gives up on exit status 3, and somebody must
 * stay in charge. This worker keeps the service running, waits and fails otherwise, so that the next one
 * looks again.
 */
static int wait_for_mending(const char *app, const struct error *broken)
{
	const struct trace_places places = trace_places();
	_cleanup_close_ int dirfd = trace_open(&places, app);
	char text[ERROR_TEXT_MAX + 128];
	struct error err = {};
	struct state state;
	bool started = false;
	int r;

	r = dirfd < 0 ? CARETAKER_IDLE : caretaker_run(dirfd, &state, &started, &err);
	if (r == CARETAKER_IDLE || (r < 0 && err.fault == FAULT_CONFIG)) { /* or no app at all */
		tell_why(broken);
		return cli_fail(broken);
	}
	if (r < 0)
		(void)cli_fail(&err);
	(void)snprintf(text, sizeof(text),
		       "the transaction goes on when the configuration is mended%s: %s",
		       started ? "; the service was found stopped and is started" : "",
		       broken->text);
	fprintf(stderr, "<3>%s: %s\n", app, text);
	if (r == 0)
		tell(app, &state, text);
	(void)sd_notifyf(0, "STATUS=%s", text);
	(void)sleep(MENDING_SEC);
	return fault_exit_status(FAULT_INTERNAL);
}

static int work(const char *app, struct error *err)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_(report_freep) struct report *report = NULL;
	_cleanup_close_ int stop_fd = -1;
	struct channel channel = {};
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
	fd_make_room(DESCRIPTORS);
	(void)mallopt(M_TRIM_THRESHOLD, TRIM);
	r = watchdog_start(err);
	if (r < 0)
		return r;
	channel = (struct channel){ .config = config, .report = report };
	metrics_tidy(config);
	r = worker_run(config_deploy(config),
		       &(struct event_listener){ .handle = handle, .data = &channel }, ready, NULL,
		       stop_fd, err);
	if (r != WORKER_BUSY)
		write_metrics(&channel);
	return r;
}

/* The one place where it is chosen who starts helpers: a unit without network says so in its environment. */
static void choose_spawner(const char *app)
{
	struct error err = {};

	spawn_through(getenv("FLIPSLOT_SPAWNER"));
	if (spawn_early() < 0 && helpers_mend(app, &err) < 0)
		fprintf(stderr, "<4>%s: nobody starts helpers: %s\n", app, err.text);
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
	choose_spawner(operands[0]);
	r = work(operands[0], &err);
	(void)sd_notify(0, "STOPPING=1");
	if (r < 0 && err.fault == FAULT_CONFIG)
		return wait_for_mending(operands[0], &err);
	if (r < 0) {
		tell_why(&err);
		return cli_fail(&err);
	}
	if (r == WORKER_BUSY)
		printf("another worker is at work on %s\n", operands[0]);
	return 0; /* WORKER_STOPPED too: the work goes on at the next start */
}
