#include "unit/property.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/text.h"
#include "unit/exitcode.h"

#define EXEC_MAX 64 /* ExecStart= lines of a oneshot service */

/* One reader for each type of property; where in struct unit the value goes is in the table below. */
struct property {
	const char *name;
	const char *type;
	int (*read)(sd_bus_message *reply, const struct property *property, struct unit *unit);
	size_t offset, size;
};

static void *place(const struct property *property, struct unit *unit)
{
	return (char *)unit + property->offset;
}

static int read_string(sd_bus_message *reply, const struct property *property, struct unit *unit)
{
	const char *value;
	int r = sd_bus_message_read(reply, "s", &value);

	if (r >= 0)
		text_copy(value, place(property, unit), property->size);
	return r;
}

/* "!" in front: it may be missing. */
static int read_working_directory(sd_bus_message *reply, const struct property *property,
				  struct unit *unit)
{
	const char *value;
	int r = sd_bus_message_read(reply, "s", &value);

	if (r < 0)
		return r;
	unit->is_working_directory_optional = value[0] == '!';
	text_copy(value + (value[0] == '!'), unit->working_directory,
		  sizeof(unit->working_directory));
	return 0;
}

static int read_bool(sd_bus_message *reply, const struct property *property, struct unit *unit)
{
	int value;
	int r = sd_bus_message_read(reply, "b", &value);

	if (r >= 0)
		*(bool *)place(property, unit) = value != 0;
	return r;
}

/* Signed and unsigned, of 32 or 64 bits, as they are. */
static int read_number(sd_bus_message *reply, const struct property *property, struct unit *unit)
{
	return sd_bus_message_read_basic(reply, property->type[0], place(property, unit));
}

static int read_invocation(sd_bus_message *reply, const struct property *property,
			   struct unit *unit)
{
	const void *bytes;
	size_t size;
	int r = sd_bus_message_read_array(reply, 'y', &bytes, &size);

	unit->invocation[0] = '\0';
	for (size_t i = 0; r >= 0 && i < size && size * 2 < sizeof(unit->invocation); i++)
		(void)snprintf(unit->invocation + 2 * i, 3, "%02x", ((const uint8_t *)bytes)[i]);
	return r;
}

static int read_list(sd_bus_message *reply, const struct property *property, struct unit *unit)
{
	return sd_bus_message_read_strv(reply, place(property, unit));
}

/* Conditions= and Asserts=: name, "|", "!", parameter, and > 0 met, < 0 not, 0 not asked. */
static int read_conditions(sd_bus_message *reply, const struct property *property,
			   struct unit *unit)
{
	const char *name;
	const char *parameter;
	int trigger;
	int negate;
	int32_t met;
	char shown[256];
	int r = sd_bus_message_enter_container(reply, 'a', "(sbbsi)");

	while (r >= 0 && (r = sd_bus_message_read(reply, "(sbbsi)", &name, &trigger, &negate,
						  &parameter, &met)) > 0) {
		if (met >= 0 || unit->unmet[0])
			continue;
		(void)snprintf(unit->unmet, sizeof(unit->unmet), "%s=%s%s%s", name,
			       trigger ? "|" : "", negate ? "!" : "",
			       text_escape(parameter, strlen(parameter), shown, sizeof(shown)));
	}
	return r < 0 ? r : sd_bus_message_exit_container(reply);
}

static int read_load_error(sd_bus_message *reply, const struct property *property,
			   struct unit *unit)
{
	const char *name;
	const char *text;
	int r = sd_bus_message_read(reply, "(ss)", &name, &text);

	if (r >= 0)
		text_copy(text, unit->load_error, sizeof(unit->load_error));
	return r;
}

static int read_job(sd_bus_message *reply, const struct property *property, struct unit *unit)
{
	uint32_t id;
	const char *path;
	int r = sd_bus_message_read(reply, "(uo)", &id, &path);

	if (r >= 0)
		unit->job_pending = id != 0;
	return r;
}

static int read_environment(sd_bus_message *reply, const struct property *property,
			    struct unit *unit)
{
	const char *entry;
	int r = sd_bus_message_enter_container(reply, 'a', "s");

	while (r >= 0 && (r = sd_bus_message_read(reply, "s", &entry)) > 0)
		if (strncmp(entry, "PATH=", 5) == 0)
			text_copy(entry + 5, unit->search_path, sizeof(unit->search_path));
	return r < 0 ? r : sd_bus_message_exit_container(reply);
}

static int add_word(char ***list, size_t n, const char *word)
{
	char **grown = reallocarray(*list, n + 2, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	*list = grown;
	grown[n] = strdup(word);
	grown[n + 1] = NULL;
	return grown[n] ? 0 : -ENOMEM;
}

static int read_environment_files(sd_bus_message *reply, const struct property *property,
				  struct unit *unit)
{
	const char *path;
	int may_miss;
	size_t n = 0;
	int r = sd_bus_message_enter_container(reply, 'a', "(sb)");

	while (r >= 0 && (r = sd_bus_message_read(reply, "(sb)", &path, &may_miss)) > 0) {
		unit->has_environment_files = true;
		r = may_miss ? 0 : add_word(&unit->environment_files, n++, path);
	}
	return r < 0 ? r : sd_bus_message_exit_container(reply);
}

/* (sasbttttuii): path, argv, may fail, two times of start, two of exit, pid, code, status. */
struct command {
	const char *path;
	char **argv;
	int may_fail;
	int32_t code, status;
};

static void command_done(struct command *command)
{
	parse_argv_free(command->argv);
}

/* > 0: read one; 0: there is no more. */
static int read_command(sd_bus_message *reply, struct command *ret)
{
	uint32_t pid;
	int r = sd_bus_message_enter_container(reply, 'r', "sasbttttuii");

	if (r <= 0)
		return r;
	r = sd_bus_message_read(reply, "s", &ret->path);
	if (r >= 0)
		r = sd_bus_message_read_strv(reply, &ret->argv);
	if (r >= 0)
		r = sd_bus_message_read(reply, "b", &ret->may_fail);
	if (r >= 0)
		r = sd_bus_message_skip(reply, "tttt");
	if (r >= 0)
		r = sd_bus_message_read(reply, "uii", &pid, &ret->code, &ret->status);
	if (r >= 0)
		r = sd_bus_message_exit_container(reply);
	return r < 0 ? r : 1;
}

/* Takes the arguments out of the command. */
static int add_exec(struct unit *unit, struct command *command)
{
	struct unit_exec *more;

	if (command->code != 0 && (command->code != CLD_EXITED || command->status != 0)) {
		unit->start_code = command->code;
		unit->start_status = command->status;
	}
	if (unit->n_exec_start >= EXEC_MAX)
		return 0;
	if (!command->argv)
		command->argv = calloc(1, sizeof(*command->argv));
	more = reallocarray(unit->exec_start, unit->n_exec_start + 1, sizeof(*more));
	if (!more || !command->argv)
		return -ENOMEM;
	unit->exec_start = more;
	more += unit->n_exec_start++;
	text_copy(command->path, more->path, sizeof(more->path));
	more->argv = TAKE_PTR(command->argv);
	return 0;
}

/* For the commands beside the main one: keeps the one that failed. */
static void note_failure(struct unit *unit, const char *property, const struct command *command)
{
	char path[128];
	char why[EXITCODE_TEXT_MAX];

	if (command->may_fail || command->code == 0 ||
	    (command->code == CLD_EXITED && command->status == 0))
		return;
	(void)snprintf(unit->failed_command, sizeof(unit->failed_command), "%s=%s: %s", property,
		       text_escape(command->path, strlen(command->path), path, sizeof(path)),
		       exitcode_explain(command->code, command->status, why, sizeof(why)));
}

static int read_commands(sd_bus_message *reply, const struct property *property, struct unit *unit)
{
	bool is_start = strcmp(property->name, "ExecStart") == 0;
	int r = sd_bus_message_enter_container(reply, 'a', "(sasbttttuii)");

	while (r >= 0) {
		_cleanup_(command_done) struct command command = {};

		r = read_command(reply, &command);
		if (r == 0)
			return sd_bus_message_exit_container(reply);
		unit->is_prepared |= r > 0 && strcmp(property->name, "ExecStartPre") == 0;
		if (r > 0 && is_start)
			r = add_exec(unit, &command);
		else if (r > 0)
			note_failure(unit, property->name, &command);
	}
	return r;
}

#define MEMBER(member) offsetof(struct unit, member), sizeof(((struct unit *)NULL)->member)

static const struct property properties[] = {
	{ "LoadState", "s", read_string, MEMBER(load_state) },
	{ "LoadError", "(ss)", read_load_error, 0, 0 },
	{ "ActiveState", "s", read_string, MEMBER(active_state) },
	{ "SubState", "s", read_string, MEMBER(sub_state) },
	{ "Type", "s", read_string, MEMBER(type) },
	{ "Result", "s", read_string, MEMBER(result) },
	{ "Restart", "s", read_string, MEMBER(restart) },
	{ "User", "s", read_string, MEMBER(user) },
	{ "Group", "s", read_string, MEMBER(group) },
	{ "RemainAfterExit", "b", read_bool, MEMBER(remains) },
	{ "DynamicUser", "b", read_bool, MEMBER(dynamic_user) },
	{ "AmbientCapabilities", "t", read_number, MEMBER(ambient_capabilities) },
	{ "FragmentPath", "s", read_string, MEMBER(fragment_path) },
	{ "DropInPaths", "as", read_list, MEMBER(drop_in_paths) },
	{ "TriggeredBy", "as", read_list, MEMBER(triggered_by) },
	{ "Requires", "as", read_list, MEMBER(requires) },
	{ "Requisite", "as", read_list, MEMBER(requisite) },
	{ "BindsTo", "as", read_list, MEMBER(binds_to) },
	{ "ConditionResult", "b", read_bool, MEMBER(conditions_met) },
	{ "ConditionTimestampMonotonic", "t", read_number, MEMBER(conditions_usec) },
	{ "Conditions", "a(sbbsi)", read_conditions, 0, 0 },
	{ "AssertResult", "b", read_bool, MEMBER(asserts_met) },
	{ "AssertTimestampMonotonic", "t", read_number, MEMBER(asserts_usec) },
	{ "Asserts", "a(sbbsi)", read_conditions, 0, 0 },
	{ "WorkingDirectory", "s", read_working_directory, 0, 0 },
	{ "RootDirectory", "s", read_string, MEMBER(root_directory) },
	{ "Environment", "as", read_environment, 0, 0 },
	{ "EnvironmentFiles", "a(sb)", read_environment_files, 0, 0 },
	{ "ControlGroup", "s", read_string, MEMBER(control_group) },
	{ "StatusText", "s", read_string, MEMBER(status_text) },
	{ "InvocationID", "ay", read_invocation, 0, 0 },
	{ "MainPID", "u", read_number, MEMBER(main_pid) },
	{ "ExecMainCode", "i", read_number, MEMBER(exec_main_code) },
	{ "ExecMainStatus", "i", read_number, MEMBER(exec_main_status) },
	{ "ExecMainExitTimestampMonotonic", "t", read_number, MEMBER(main_exit_usec) },
	{ "NRestarts", "u", read_number, MEMBER(restarts) },
	{ "TimeoutStartUSec", "t", read_number, MEMBER(start_timeout_usec) },
	{ "TimeoutStopUSec", "t", read_number, MEMBER(stop_timeout_usec) },
	{ "WatchdogUSec", "t", read_number, MEMBER(watchdog_usec) },
	{ "StartLimitBurst", "u", read_number, MEMBER(start_limit) },
	{ "StartLimitIntervalUSec", "t", read_number, MEMBER(start_limit_usec) },
	{ "ActiveEnterTimestampMonotonic", "t", read_number, MEMBER(active_enter_usec) },
	{ "ActiveExitTimestampMonotonic", "t", read_number, MEMBER(active_exit_usec) },
	{ "InactiveExitTimestamp", "t", read_number, MEMBER(started_usec) },
	{ "InactiveExitTimestampMonotonic", "t", read_number, MEMBER(inactive_exit_usec) },
	{ "NeedDaemonReload", "b", read_bool, MEMBER(need_daemon_reload) },
	{ "Job", "(uo)", read_job, 0, 0 },
	{ "ExecStart", "a(sasbttttuii)", read_commands, 0, 0 },
	{ "ExecCondition", "a(sasbttttuii)", read_commands, 0, 0 },
	{ "ExecStartPre", "a(sasbttttuii)", read_commands, 0, 0 },
	{ "ExecStartPost", "a(sasbttttuii)", read_commands, 0, 0 },
};

static const struct property *find_property(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(properties); i++)
		if (strcmp(name, properties[i].name) == 0)
			return &properties[i];
	return NULL;
}

/* "sv", the inside of one entry. A type that is not the one we know (a newer systemd) is passed over. */
static int read_entry(sd_bus_message *reply, struct unit *unit)
{
	const struct property *property;
	const char *contents;
	const char *name;
	char type;
	int r = sd_bus_message_read(reply, "s", &name);

	if (r >= 0)
		r = sd_bus_message_peek_type(reply, &type, &contents);
	if (r < 0)
		return r;
	property = find_property(name);
	if (!property || strcmp(contents, property->type) != 0)
		return sd_bus_message_skip(reply, "v");
	r = sd_bus_message_enter_container(reply, 'v', contents);
	if (r >= 0)
		r = property->read(reply, property, unit);
	return r < 0 ? r : sd_bus_message_exit_container(reply);
}

int property_read_all(sd_bus_message *reply, struct unit *unit)
{
	int r = sd_bus_message_enter_container(reply, 'a', "{sv}");

	while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
		r = read_entry(reply, unit);
		if (r >= 0)
			r = sd_bus_message_exit_container(reply);
	}
	if (r >= 0 && !unit->drop_in_paths) {
		unit->drop_in_paths = calloc(1, sizeof(*unit->drop_in_paths));
		r = unit->drop_in_paths ? 0 : -ENOMEM;
	}
	return r;
}
