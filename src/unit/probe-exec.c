#include "unit/probe-exec.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "unit/job.h"

#define LINE_MAX_SHOWN 160

/* The last line that the command wrote. */
struct output {
	int fd; /* -1: closed */
	char line[LINE_MAX_SHOWN];
	size_t size;
	bool is_over; /* the line is complete: what comes next replaces it */
};

static void take_byte(struct output *output, char byte)
{
	if (byte == '\n') {
		output->is_over = true;
		return;
	}
	if (output->is_over)
		output->size = 0;
	output->is_over = false;
	if (output->size + 1 < sizeof(output->line))
		output->line[output->size++] = byte ? byte : ' ';
}

/* All that is there at the moment. */
static void drain(struct output *output)
{
	char bytes[4096];
	ssize_t n = 1;

	while (output->fd >= 0 && (n = read(output->fd, bytes, sizeof(bytes))) > 0)
		for (ssize_t i = 0; i < n; i++)
			take_byte(output, bytes[i]);
	if (output->fd >= 0 && (n == 0 || (errno != EAGAIN && errno != EINTR))) {
		(void)close(output->fd);
		output->fd = -1;
	}
}

static int open_pipe(struct output *output, int *ret_write_fd, struct error *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_errno(err, "making a pipe");
	if (fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0) {
		(void)close(fds[0]);
		(void)close(fds[1]);
		return error_errno(err, "making a pipe");
	}
	output->fd = fds[0];
	*ret_write_fd = fds[1];
	return 0;
}

/* ---- the call ---- */

static int add_string(sd_bus_message *call, const char *name, const char *value)
{
	return value[0] ? sd_bus_message_append(call, "(sv)", name, "s", value) : 0;
}

static int add_true(sd_bus_message *call, const char *name)
{
	return sd_bus_message_append(call, "(sv)", name, "b", 1);
}

/* As the service itself, but with nothing to write to and nothing to gain. */
static int add_sandbox(sd_bus_message *call)
{
	static const char *const names[] = {
		"PrivateTmp",	     "RestrictSUIDSGID", "ProtectKernelTunables",
		"ProtectKernelLogs", "ProtectClock",	 "ProtectKernelModules",
		"ProtectHostname",   "LockPersonality",	 "ProtectControlGroups",
	};
	int r = sd_bus_message_append(call, "(sv)(sv)", "ProtectSystem", "s", "strict",
				      "ProtectHome", "s", "read-only");

	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(names); i++)
		r = add_true(call, names[i]);
	return r;
}

/* To be seen also where the sandbox covers what it lies in, as /tmp is. */
static int add_slot(sd_bus_message *call, const char *slot_path)
{
	if (!slot_path[0])
		return 0;
	return sd_bus_message_append(call, "(sv)", "BindReadOnlyPaths", "a(ssbt)", 1, slot_path,
				     slot_path, 0, (uint64_t)MS_REC);
}

static int add_identity(sd_bus_message *call, const struct probe_order *order)
{
	int r = add_string(call, "User", order->context.user);

	if (r >= 0)
		r = add_string(call, "Group", order->context.group);
	if (r >= 0 && order->context.dynamic_user)
		r = add_true(call, "DynamicUser");
	if (r >= 0)
		r = add_sandbox(call);
	return r < 0 ? r : add_slot(call, order->context.slot_path);
}

static int add_environment(sd_bus_message *call, const struct probe_order *order)
{
	char app[256];
	char unit[512];
	char slot[PATH_MAX + 32];
	char runtime[64];

	(void)snprintf(app, sizeof(app), "FLIPSLOT_APP=%s", order->context.app);
	(void)snprintf(unit, sizeof(unit), "FLIPSLOT_UNIT=%s", order->context.unit);
	(void)snprintf(slot, sizeof(slot), "FLIPSLOT_SLOT=%s", order->context.slot_path);
	if (order->owner == 0)
		return sd_bus_message_append(call, "(sv)", "Environment", "as", 3, app, unit, slot);
	(void)snprintf(runtime, sizeof(runtime), "XDG_RUNTIME_DIR=/run/user/%u",
		       (unsigned int)order->owner); /* as his manager gives it to the service */
	return sd_bus_message_append(call, "(sv)", "Environment", "as", 4, app, unit, slot,
				     runtime);
}

/* What is not absolute is meant to be in the slot. */
static int add_command(sd_bus_message *call, const struct probe_order *order)
{
	char **command = order->options.command;
	char path[PATH_MAX];
	int r;

	(void)snprintf(path, sizeof(path), "%s%s%s",
		       command[0][0] == '/' ? "" : order->context.slot_path,
		       command[0][0] == '/' ? "" : "/", command[0]);
	r = sd_bus_message_open_container(call, 'r', "sv");
	if (r >= 0)
		r = sd_bus_message_append(call, "s", "ExecStart");
	if (r >= 0)
		r = sd_bus_message_open_container(call, 'v', "a(sasb)");
	if (r >= 0)
		r = sd_bus_message_open_container(call, 'a', "(sasb)");
	if (r >= 0)
		r = sd_bus_message_open_container(call, 'r', "sasb");
	if (r >= 0)
		r = sd_bus_message_append(call, "s", path);
	if (r >= 0)
		r = sd_bus_message_append_strv(call, command);
	if (r >= 0)
		r = sd_bus_message_append(call, "b", 0);
	for (int i = 0; r >= 0 && i < 4; i++)
		r = sd_bus_message_close_container(call);
	return r;
}

/* It is killed when the time is over, with all its children, and it is collected when we are gone. */
static int add_life(sd_bus_message *call, const struct probe_order *order, uint64_t deadline)
{
	uint64_t now = clock_monotonic_usec();
	int r;

	r = sd_bus_message_append(call, "(sv)(sv)(sv)(sv)", "Type", "s", "oneshot", "CollectMode",
				  "s", "inactive-or-failed", "KillMode", "s", "control-group",
				  "KillSignal", "i", SIGKILL);
	if (r >= 0)
		r = sd_bus_message_append(call, "(sv)(sv)", "TimeoutStartUSec", "t",
					  deadline > now ? deadline - now : 1, "TimeoutStopUSec",
					  "t", USEC_PER_SEC);
	if (r >= 0 && sd_bus_is_bus_client(sd_bus_message_get_bus(call)) > 0)
		r = add_true(call, "AddRef");
	return r;
}

static int add_properties(sd_bus_message *call, const struct probe_order *order, int output_fd,
			  uint64_t deadline)
{
	char description[256];
	int r;

	(void)snprintf(description, sizeof(description), "flipslot: probe %s of %s",
		       order->options.name ? order->options.name : "", order->context.app);
	r = sd_bus_message_append(call, "(sv)(sv)(sv)", "Description", "s", description,
				  "StandardOutputFileDescriptor", "h", output_fd,
				  "StandardErrorFileDescriptor", "h", output_fd);
	if (r >= 0)
		r = add_life(call, order, deadline);
	if (r >= 0)
		r = add_true(call, "NoNewPrivileges");
	if (r >= 0 && !order->of_user)
		r = add_identity(call, order);
	if (r >= 0)
		r = add_string(call, "WorkingDirectory", order->context.slot_path);
	if (r >= 0)
		r = add_environment(call, order);
	return r < 0 ? r : add_command(call, order);
}

static int make_call(struct manager *manager, const struct probe_order *order, int output_fd,
		     uint64_t deadline, sd_bus_message **ret_call)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
	int r;

	r = sd_bus_message_new_method_call(manager_bus(manager), &call, MANAGER_SERVICE,
					   MANAGER_PATH, MANAGER_INTERFACE, "StartTransientUnit");
	if (r >= 0)
		r = sd_bus_message_append(call, "ss", order->transient, "fail");
	if (r >= 0)
		r = sd_bus_message_open_container(call, 'a', "(sv)");
	if (r >= 0)
		r = add_properties(call, order, output_fd, deadline);
	if (r >= 0)
		r = sd_bus_message_close_container(call);
	if (r >= 0)
		r = sd_bus_message_append(call, "a(sa(sv))", 0);
	if (r < 0)
		return r;
	*ret_call = TAKE_PTR(call);
	return 0;
}

static int start(struct manager *manager, const struct probe_order *order, struct output *output,
		 uint64_t deadline, struct job **ret_job, struct error *err)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
	_cleanup_close_ int write_fd = -1;
	int r;

	r = open_pipe(output, &write_fd, err);
	if (r < 0)
		return r;
	r = make_call(manager, order, write_fd, deadline, &call);
	if (r < 0)
		return manager_error(NULL, r, err, "describing the probe's unit");
	return job_new_by_call(manager, order->transient, call, ret_job, err);
}

/* ---- the end ---- */

static int wait_for_end(struct job *job, struct output *output, uint64_t deadline,
			enum job_result *ret_result, struct error *err)
{
	int r = JOB_PENDING;

	while (r == JOB_PENDING) {
		uint64_t now = clock_monotonic_usec();

		if (now > deadline + PROBE_GRACE_USEC)
			return error_set(err, FAULT_UNIT, "systemd does not end it");
		r = job_wait(job, output->fd, deadline + PROBE_GRACE_USEC - now, ret_result, err);
		drain(output);
	}
	return r;
}

/* The reason that the job failed. Systemd keeps the unit as long as we have a reference to it. */
static void explain(struct manager *manager, const struct probe_order *order,
		    enum job_result result, char *ret_text, size_t room)
{
	_cleanup_unit_ struct unit unit = {};
	char span[CLOCK_TEXT_MAX];

	if (unit_query(manager, order->transient, &unit, NULL) < 0 ||
	    strcmp(unit.load_state, "loaded") != 0)
		(void)snprintf(ret_text, room, "the command failed (%s)", job_result_name(result));
	else if (strcmp(unit.result, "timeout") == 0)
		(void)snprintf(ret_text, room, "the command did not end within %s",
			       clock_format_span(order->options.timeout_usec, span));
	else
		(void)unit_explain(&unit, ret_text, room);
}

static int run(const struct probe_order *order, struct output *output, uint64_t deadline,
	       char *ret_text, size_t room, struct error *err)
{
	_cleanup_(manager_freep) struct manager *manager = NULL;
	_cleanup_(job_freep) struct job *job = NULL;
	enum job_result result = JOB_RESULT_OTHER;
	int r;

	r = order->of_user ? manager_open_user(&manager, err) : manager_open(&manager, err);
	if (r >= 0)
		r = start(manager, order, output, deadline, &job, err);
	if (r >= 0)
		r = wait_for_end(job, output, deadline, &result, err);
	if (r < 0)
		return r;
	if (result == JOB_RESULT_DONE)
		(void)snprintf(ret_text, room, "exited with status 0");
	else
		explain(manager, order, result, ret_text, room);
	return result == JOB_RESULT_DONE;
}

bool probe_exec_ask(const struct probe_order *order, uint64_t deadline, char *ret_text, size_t room)
{
	struct output output = { .fd = -1 };
	struct error err = {};
	size_t size;
	int r;

	if (!order->options.command || !order->transient) {
		(void)snprintf(ret_text, room, "no command given");
		return false;
	}
	r = run(order, &output, deadline, ret_text, room, &err);
	if (r < 0)
		(void)snprintf(ret_text, room, "the command could not be run: %s", err.text);
	size = strlen(ret_text);
	if (r == 0 && output.size > 0)
		(void)snprintf(ret_text + size, room - size, ": %.*s", (int)output.size,
			       output.line);
	cleanup_close(&output.fd);
	return r > 0;
}
