#include "unit/probe.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "base/scope.h"
#include "base/spawn.h"
#include "base/text.h"
#include "unit/exitcode.h"
#include "unit/probe-order.h"

#define DEFAULT_PERIOD_USEC	  (2 * USEC_PER_SEC)
#define DEFAULT_TIMEOUT_USEC	  (5 * USEC_PER_SEC)
#define DEFAULT_FAILURE_THRESHOLD 3
#define LOOK_MSEC		  500

static const char *const kind_names[] = {
	[PROBE_UNIT] = "unit",	     [PROBE_NOTIFY] = "notify", [PROBE_HTTP] = "http",
	[PROBE_TCP] = "tcp",	     [PROBE_UNIX] = "unix",	[PROBE_EXEC] = "exec",
	[PROBE_JOURNAL] = "journal", [PROBE_FILE] = "file",	[PROBE_HEALTH] = "health",
	[PROBE_ERRORS] = "errors",   [PROBE_LAST] = "last",
};

const char *probe_kind_name(enum probe_kind kind)
{
	return kind < PROBE_KIND_MAX ? kind_names[kind] : "unknown";
}

enum probe_kind probe_kind_from_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kind_names); i++)
		if (strcmp(name, kind_names[i]) == 0)
			return (enum probe_kind)i;
	return PROBE_KIND_MAX;
}

void probe_options_init(struct probe_options *options)
{
	*options = (struct probe_options){
		.kind = PROBE_UNIT,
		.required = true,
		.in_start = true,
		.in_watch = true,
		.period_usec = DEFAULT_PERIOD_USEC,
		.timeout_usec = DEFAULT_TIMEOUT_USEC,
		.success_threshold = 1,
		.failure_threshold = DEFAULT_FAILURE_THRESHOLD,
	};
}

void probe_options_done(struct probe_options *options)
{
	free(options->name);
	free(options->url);
	free(options->body);
	free(options->header);
	free(options->ca_file);
	free(options->address);
	free(options->path);
	parse_argv_free(options->command);
	free(options->match);
	free(options->reject);
	*options = (struct probe_options){};
}

/* ---- what the manager knows ---- */

bool probe_is_of_unit(enum probe_kind kind)
{
	return kind == PROBE_UNIT || kind == PROBE_NOTIFY;
}

/* Up, or a oneshot service that has done its work. */
static bool is_well(const struct unit *unit)
{
	if (strcmp(unit->active_state, "activating") == 0)
		return false;
	return unit_is_running(unit) ||
	       (strcmp(unit->active_state, "inactive") == 0 && strcmp(unit->type, "oneshot") == 0 &&
		strcmp(unit->result, "success") == 0 && unit->exec_main_code != 0);
}

static bool ask_unit(const struct probe_context *context, const struct unit *unit, char *ret_text,
		     size_t room)
{
	if (!is_well(unit)) {
		(void)unit_explain(unit, ret_text, room);
		return false;
	}
	if (unit->restarts > 0) {
		(void)snprintf(ret_text, room, "it ended and was restarted by systemd, %u times",
			       unit->restarts);
		return false;
	}
	if (context->invocation && context->invocation[0] &&
	    strcmp(context->invocation, unit->invocation) != 0) {
		(void)snprintf(ret_text, room, "it was restarted by somebody else");
		return false;
	}
	(void)snprintf(ret_text, room, "%s (%s)", unit->active_state, unit->sub_state);
	return true;
}

static bool ask_notify(const struct probe_options *options, const struct unit *unit, char *ret_text,
		       size_t room)
{
	char shown[PROBE_TEXT_MAX / 3];
	char wanted[PROBE_TEXT_MAX / 3];

	if (strncmp(unit->type, "notify", 6) != 0) {
		(void)snprintf(ret_text, room, "the unit has Type=%s, not notify", unit->type);
		return false;
	}
	text_escape(unit->status_text, strlen(unit->status_text), shown, sizeof(shown));
	if (options->match && !strstr(unit->status_text, options->match)) {
		text_escape(options->match, strlen(options->match), wanted, sizeof(wanted));
		(void)snprintf(ret_text, room, "its status is \"%s\", wanted \"%s\"", shown,
			       wanted);
		return false;
	}
	(void)snprintf(ret_text, room, "ready%s%s", shown[0] ? ": " : "", shown);
	return true;
}

void probe_ask_unit(const struct probe_options *options, const struct probe_context *context,
		    const struct unit *unit, struct probe_answer *ret_answer)
{
	assert(probe_is_of_unit(options->kind));
	*ret_answer = (struct probe_answer){};
	ret_answer->passed =
		ask_unit(context, unit, ret_answer->text, sizeof(ret_answer->text)) &&
		(options->kind == PROBE_UNIT ||
		 ask_notify(options, unit, ret_answer->text, sizeof(ret_answer->text)));
}

/* ---- a run in a child ---- */

struct probe_run {
	struct spawn spawn;
	int fd; /* what it answers */
	uint64_t began, timeout_usec;
	char line[PROBE_ANSWER_MAX];
	size_t size;
	char *transient; /* exec: the unit that it makes */
	struct manager *manager;
};

static int name_transient(struct probe_run *run, const struct probe_options *options,
			  const struct probe_context *context, struct error *err)
{
	uint64_t number;

	if (options->kind != PROBE_EXEC)
		return 0;
	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
		number = clock_monotonic_usec();
	if (asprintf(&run->transient, "flipslot-probe-%s-%016llx.service", context->app,
		     (unsigned long long)number) < 0) {
		run->transient = NULL;
		return error_code(err, -ENOMEM, "asking a probe");
	}
	return 0;
}

/* A file without a name, at its beginning: nobody has to wait for a reader. */
static int write_order(const struct probe_order *order, int *ret_fd, struct error *err)
{
	_cleanup_text_ struct text text = {};
	_cleanup_close_ int fd = -1;
	int r = probe_order_write(order, &text, err);

	if (r < 0)
		return r;
	fd = memfd_create("flipslot-probe", MFD_CLOEXEC);
	if (fd < 0 || fd_pwrite_full(fd, text.data, text.size, 0) < 0)
		return error_errno(err, "writing the orders of a probe");
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int start(struct probe_run *run, const struct probe_order *order, const char *helper,
		 struct error *err)
{
	_cleanup_close_ int order_fd = -1;
	_cleanup_close_ int answer_fd = -1;
	int fds[2];
	int r = write_order(order, &order_fd, err);

	if (r < 0)
		return r;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_errno(err, "asking a probe");
	run->fd = fds[0];
	answer_fd = fds[1];
	if (fcntl(run->fd, F_SETFL, O_NONBLOCK) < 0)
		return error_errno(err, "asking a probe");
	r = spawn_start(helper, "probe-helper", order_fd, answer_fd, &run->spawn, err);
	return r > 0 ? PROBE_UNASKED : r;
}

static uid_t owner_of(const struct probe_context *context)
{
	const struct owner *owner = context->manager ? manager_owner(context->manager) : NULL;

	return owner ? owner->uid : 0;
}

int probe_begin(const struct probe_options *options, const struct probe_context *context,
		struct probe_run **ret_run, struct error *err)
{
	_cleanup_(probe_run_freep) struct probe_run *run = calloc(1, sizeof(*run));
	struct probe_order order = { .options = *options, .context = *context };
	int r;

	if (!run)
		return error_code(err, -ENOMEM, "asking a probe");
	run->fd = -1;
	run->spawn = SPAWN_NONE;
	run->manager = context->manager;
	run->began = clock_monotonic_usec();
	run->timeout_usec = options->timeout_usec;
	r = name_transient(run, options, context, err);
	if (r < 0)
		return r;
	order.transient = run->transient;
	order.of_user = scope_is_user() || geteuid() != 0;
	order.owner = owner_of(context);
	r = start(run, &order, context->helper, err);
	if (r != 0)
		return r == PROBE_UNASKED ? PROBE_UNASKED : r;
	*ret_run = TAKE_PTR(run);
	return 0;
}

bool probe_is_unheard(const struct probe_run *run)
{
	return spawn_is_unheard(&run->spawn);
}

int probe_fd(const struct probe_run *run)
{
	return run->fd;
}

uint64_t probe_deadline(const struct probe_run *run)
{
	uint64_t limit = run->timeout_usec;

	return limit < USEC_INFINITY - run->began - PROBE_GRACE_USEC ?
		       run->began + limit + PROBE_GRACE_USEC :
		       USEC_INFINITY;
}

static void stop_transient(const char *transient, struct manager *manager)
{
	sd_bus *bus = manager_bus(manager);

	if (!bus)
		return;
	(void)sd_bus_call_method_async(bus, NULL, MANAGER_SERVICE, MANAGER_PATH, MANAGER_INTERFACE,
				       "StopUnit", NULL, NULL, "ss", transient, "replace");
	(void)sd_bus_flush(bus);
}

/* A killed helper cannot end the unit that it made, which is never one of another user's manager. Nobody waits for the reply. */
static void end_transient(struct probe_run *run)
{
	_cleanup_(manager_freep) struct manager *own = NULL;

	if (!run->transient || !run->manager)
		return;
	if (!manager_owner(run->manager))
		stop_transient(run->transient, run->manager);
	else if (manager_open(&own, NULL) >= 0)
		stop_transient(run->transient, own);
}

void probe_run_free(struct probe_run *run)
{
	struct spawn_end end;

	if (!run)
		return;
	if (run->spawn.fd >= 0) {
		(void)spawn_finish(&run->spawn, 0, &end);
		end_transient(run);
	}
	cleanup_close(&run->fd);
	free(run->transient);
	free(run);
}

/* Reads what is there. True: the line is complete, or nothing more will come. */
static bool read_line(struct probe_run *run)
{
	while (run->size < sizeof(run->line)) {
		ssize_t n = read(run->fd, run->line + run->size, sizeof(run->line) - run->size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno != EAGAIN;
		run->size += (size_t)n;
		if (n == 0 || memchr(run->line, '\n', run->size))
			return true;
	}
	return true;
}

/* No line: why not? */
static void explain_silence(const struct probe_run *run, bool late, const struct spawn_end *how,
			    struct probe_answer *ret_answer)
{
	char span[CLOCK_TEXT_MAX];
	char why[EXITCODE_TEXT_MAX];

	if (late)
		(void)snprintf(ret_answer->text, sizeof(ret_answer->text), "no answer in %s",
			       clock_format_span(run->timeout_usec, span));
	else
		(void)snprintf(ret_answer->text, sizeof(ret_answer->text),
			       "the helper of the probe gave no answer: it %s",
			       exitcode_explain(how->code, how->status, why, sizeof(why)));
}

/* Neither the service nor the helper had a say. */
static bool is_unasked(int finished, bool late, bool unheard, const struct spawn_end *how)
{
	return late ? unheard : finished == SPAWN_LOST || (how->code == 0 && how->status != 0);
}

static int explain_unasked(bool unheard, const struct spawn_end *how, struct error *err)
{
	if (unheard)
		(void)error_set(err, FAULT_UNIT, "nobody started the helper of a probe");
	else if (how->status != 0)
		(void)error_set(err, FAULT_UNIT, "the helper of a probe could not be started: %s",
				strerror(how->status));
	else
		(void)error_set(err, FAULT_UNIT, "the helper of a probe was lost with its spawner");
	return PROBE_UNASKED;
}

int probe_finish(struct probe_run *run, struct probe_answer *ret_answer, struct error *err)
{
	bool over = read_line(run);
	bool late = !over && clock_monotonic_usec() >= probe_deadline(run);
	struct probe_answer answer = {};
	const char *end;
	struct spawn_end how;
	bool unheard;
	int r;

	if (!over && !late)
		return PROBE_PENDING;
	unheard = late && spawn_is_unheard(&run->spawn);
	answer.took_usec = clock_monotonic_usec() - run->began;
	r = spawn_finish(&run->spawn, 0, &how);
	end = memchr(run->line, '\n', run->size);
	if (!end || !probe_order_read_answer(run->line, (size_t)(end - run->line), &answer)) {
		end_transient(run);
		if (is_unasked(r, late, unheard, &how))
			return explain_unasked(unheard, &how, err);
		explain_silence(run, late, &how, &answer);
	}
	*ret_answer = answer;
	return 0;
}

int probe_run_once(const struct probe_options *options, const struct probe_context *context,
		   struct probe_answer *ret_answer, struct error *err)
{
	_cleanup_(probe_run_freep) struct probe_run *run = NULL;
	int r = probe_begin(options, context, &run, err);

	if (r != 0)
		return r;
	assert(run);
	while ((r = probe_finish(run, ret_answer, err)) == PROBE_PENDING) {
		struct pollfd poll_fd = { .fd = probe_fd(run), .events = POLLIN };

		(void)poll(&poll_fd, 1, LOOK_MSEC);
	}
	return r;
}
