#include "app/ticket.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "app/cli.h"
#include "app/config-read.h"
#include "app/doctor.h"
#include "app/failure-log.h"
#include "app/redact.h"
#include "app/status-json.h"
#include "app/status-text.h"
#include "base/fd.h"
#include "base/scope.h"

#define COMMAND_MAX  (256 * 1024) /* bytes of what a command says */
#define COMMAND_MSEC 10000
#define WORDS_MAX    16
#define HISTORY_MAX  20

struct ticket {
	const char *app;
	const struct redact *redact;
	struct text *text;
};

static void begin(struct ticket *ticket, const char *what)
{
	text_add(ticket->text, "\n==== %s ====\n\n", what);
}

static void add(struct ticket *ticket, const struct text *text)
{
	if (text->failed)
		ticket->text->failed = true;
	else if (text->size > 0)
		redact_add(ticket->redact, text->data, ticket->text);
}

/* ---- what other programs know ---- */

static void read_all(int fd, struct text *text)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	char bytes[4096];

	while (text->size < COMMAND_MAX && poll(&pollfd, 1, COMMAND_MSEC) > 0) {
		ssize_t n = read(fd, bytes, sizeof(bytes));

		if (n <= 0)
			break;
		text_add_bytes(text, bytes, (size_t)n);
	}
}

static int spawn(char **argv, int out_fd, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	int r = posix_spawn_file_actions_init(&actions);

	if (r != 0)
		return r;
	r = posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, out_fd, STDERR_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY,
						     0);
	if (r == 0)
		r = posix_spawnp(ret_pid, argv[0], &actions, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	return r;
}

static void run(struct ticket *ticket, char **argv)
{
	_cleanup_text_ struct text said = {};
	_cleanup_close_ int in = -1, out = -1;
	pid_t pid = 0;
	int fds[2];
	int r;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return;
	in = fds[0];
	out = fds[1];
	r = spawn(argv, out, &pid);
	cleanup_close(&out);
	out = -1;
	if (r != 0) {
		text_add(ticket->text, "%s: %s\n", argv[0], strerrordesc_np(r));
		return;
	}
	read_all(in, &said);
	(void)kill(pid, SIGKILL); /* it has said all, or is late */
	(void)waitpid(pid, NULL, 0);
	add(ticket, &said);
}

/* Words end with NULL; those that are empty are left out. */
static void add_command(struct ticket *ticket, const char *const *words)
{
	_cleanup_text_ struct text line = {};
	char *argv[WORDS_MAX] = {};
	size_t n = 0;

	for (; *words; words++) {
		if (!(*words)[0])
			continue;
		assert(n < WORDS_MAX - 1);
		argv[n++] = (char *)*words;
		text_add(&line, "%s%s", n > 1 ? " " : "", *words);
	}
	if (!line.failed)
		begin(ticket, line.data);
	run(ticket, argv);
}

static void add_commands(struct ticket *ticket, const char *unit)
{
	static const char properties[] =
		"Id,LoadState,UnitFileState,ActiveState,SubState,Result,ExecMainStatus,ExecMainCode,"
		"NRestarts,InvocationID,MainPID,ActiveEnterTimestamp,FragmentPath,DropInPaths,Type,"
		"Restart,User,TimeoutStartUSec,TimeoutStopUSec,WatchdogUSec,MemoryCurrent";
	const char *whose = scope_is_user() ? "--user" : "";
	char worker[CLI_UNIT_MAX], timer[CLI_UNIT_MAX];

	(void)cli_worker_unit(ticket->app, worker);
	(void)snprintf(timer, sizeof(timer), "flipslot@%s.timer", ticket->app);
	add_command(ticket, (const char *[]){ "systemctl", whose, "--no-pager", "show", unit, "-p",
					      properties, NULL });
	add_command(ticket,
		    (const char *[]){ "systemctl", whose, "--no-pager", "cat", unit, NULL });
	add_command(ticket, (const char *[]){ "systemctl", whose, "--no-pager", "list-timers",
					      "--all", timer, NULL });
	add_command(ticket, (const char *[]){ "journalctl", whose, "--no-pager", "-q", "-n", "200",
					      "-o", "short-iso", "-u", worker, NULL });
}

/* ---- what we know ---- */

static void add_versions(struct ticket *ticket)
{
	_cleanup_free_ char *release = NULL;
	_cleanup_text_ struct text text = {};
	char now[CLOCK_TEXT_MAX];
	struct utsname name = {};
	size_t size;

	begin(ticket, "versions");
	(void)uname(&name);
	text_add(&text, "flipslot %s (%s)\n%s %s %s\n%s\n", FLIPSLOT_VERSION,
		 scope_is_user() ? "a user's" : "the machine's", name.sysname, name.release,
		 name.machine, clock_format(clock_realtime_usec(), now));
	if (fd_read_file(AT_FDCWD, "/etc/os-release", 65536, &release, &size, NULL) == 0)
		text_add(&text, "%.*s", (int)size, release);
	add(ticket, &text);
}

static void add_status(struct ticket *ticket, struct status *status)
{
	_cleanup_text_ struct text text = {};
	_cleanup_free_ char *json = NULL;
	json_t *object = status_json(status);

	begin(ticket, "flipslot status");
	status_text(status, &text);
	add(ticket, &text);
	text_done(&text);
	text = (struct text){};
	begin(ticket, "flipslot status --json");
	json = object ? json_dumps(object, JSON_INDENT(2)) : NULL;
	json_decref(object);
	if (json)
		text_add(&text, "%s\n", json);
	add(ticket, &text);
}

static void add_history(struct ticket *ticket, int dirfd)
{
	_cleanup_free_ struct history_entry *entries = NULL;
	struct error err = {};
	size_t n = 0;

	begin(ticket, "flipslot history, the newest first");
	if (history_load(dirfd, HISTORY_MAX, &entries, &n, &err) < 0)
		text_add(ticket->text, "%s\n", err.text);
	for (size_t i = 0; i < n; i++) {
		const struct history_entry *it = &entries[i];
		_cleanup_text_ struct text text = {};
		char ended[CLOCK_TEXT_MAX], took[CLOCK_TEXT_MAX], down[CLOCK_TEXT_MAX];

		text_add(&text, "%s  %s  %s %s -> %s: %s%s%s%s%s; took %s, down %s\n",
			 clock_format(it->ended, ended), it->id, verb_name(it->verb),
			 it->from_version, it->to_version, outcome_name(it->outcome),
			 it->why[0] ? "; " : "", it->why, it->reason[0] ? "; " : "", it->reason,
			 clock_format_span(it->ended > it->began ? it->ended - it->began : 0, took),
			 clock_format_span(it->downtime, down));
		add(ticket, &text);
	}
}

static void take_finding(void *data, const struct doctor_finding *finding)
{
	struct ticket *ticket = data;
	_cleanup_text_ struct text text = {};

	text_add(&text, "%s%s\n", finding->warning ? "note: " : "", finding->text);
	add(ticket, &text);
}

static void add_doctor(struct ticket *ticket)
{
	struct error err = {};
	unsigned int n = 0;

	begin(ticket, "flipslot doctor");
	if (doctor_run(ticket->app, false,
		       &(struct doctor_listener){ .handle = take_finding, .data = ticket }, &n,
		       &err) < 0)
		text_add(ticket->text, "%s\n", err.text);
	else if (n == 0)
		text_add(ticket->text, "no problems\n");
}

static void take_mistake(void *data, const char *mistake)
{
	struct ticket *ticket = data;

	text_add(ticket->text, "%s\n", mistake);
}

static void add_config(struct ticket *ticket)
{
	struct config_findings findings = { .tell = take_mistake, .data = ticket };
	_cleanup_config_read_ struct config_read files = {};
	const char *section = "";
	struct error err = {};

	begin(ticket, "configuration, as merged; secrets are taken out");
	if (config_read_files(config_own_places(), ticket->app, NULL, &findings, &files, &err) < 0)
		text_add(ticket->text, "%s\n", err.text);
	for (size_t i = 0; i < files.n_entries; i++) {
		const struct config_entry *entry = &files.entries[i];
		_cleanup_text_ struct text text = {};

		if (strcmp(section, entry->section) != 0)
			text_add(&text, "[%s]\n", entry->section);
		section = entry->section;
		text_add(&text, "%s=%s\n", entry->key, entry->value);
		add(ticket, &text);
	}
}

static void add_failure(struct ticket *ticket, int dirfd)
{
	_cleanup_free_ char *log = NULL;
	struct error err = {};
	size_t size = 0;
	int r;

	begin(ticket, "the log of the run that failed, as it was kept then");
	r = fd_read_file(dirfd, FAILURE_LOG, FAILURE_LOG_MAX, &log, &size, &err);
	if (r == FD_ABSENT)
		text_add(ticket->text, "none: no release has failed here\n");
	else if (r < 0)
		text_add(ticket->text, "%s\n", err.text);
	else
		redact_add(ticket->redact, log, ticket->text);
}

int ticket_write(const char *app, struct text *text, struct error *err)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_(redact_freep) struct redact *redact = NULL;
	_cleanup_close_ int dirfd = -1;
	struct ticket ticket = { .app = app, .text = text };
	struct error problem = {};
	struct status status;
	int r = redact_new(&redact, err);

	if (r >= 0)
		r = cli_open_rough(app, &config, &dirfd, &problem, err);
	if (r >= 0)
		r = status_gather(app, &status, err);
	if (r < 0)
		return r;
	ticket.redact = redact;
	text_add(text, "flipslot report: %s\n", app);
	add_versions(&ticket);
	add_status(&ticket, &status);
	add_history(&ticket, dirfd);
	add_failure(&ticket, dirfd);
	add_doctor(&ticket);
	add_config(&ticket);
	add_commands(&ticket, status.unit_name);
	return text_check(text, err);
}
