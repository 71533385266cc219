#include "unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/text.h"
#include "unit/exitcode.h"
#include "unit/job.h"
#include "unit/property.h"

static int check_name(const char *name, struct error *err)
{
	size_t size = strlen(name);
	char shown[UNIT_NAME_MAX];

	if (size <= strlen(".service") || size >= UNIT_NAME_MAX ||
	    strcmp(name + size - strlen(".service"), ".service") != 0)
		return error_set(err, FAULT_UNIT, "%s is not a service",
				 text_escape(name, size, shown, sizeof(shown)));
	return 0;
}

static void make_printable(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

static void make_all_printable(char **texts)
{
	for (; texts && *texts; texts++)
		make_printable(*texts);
}

/* What another user's manager says is taken for what it is. */
static void distrust(struct unit *unit, const struct owner *owner)
{
	char *const texts[] = {
		unit->load_state,     unit->load_error,	   unit->active_state,
		unit->sub_state,      unit->type,	   unit->result,
		unit->restart,	      unit->fragment_path, unit->working_directory,
		unit->failed_command, unit->control_group, unit->unmet,
	};
	char **const lists[] = { unit->drop_in_paths, unit->requires,	  unit->requisite,
				 unit->binds_to,      unit->triggered_by, unit->environment_files };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		make_printable(texts[i]);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		make_all_printable(lists[i]);
	for (size_t i = 0; i < unit->n_exec_start; i++) {
		make_printable(unit->exec_start[i].path);
		make_all_printable(unit->exec_start[i].argv);
	}
	unit->is_owned = true;
	unit->uid = owner->uid;
	text_copy(owner->name, unit->user, sizeof(unit->user));
	unit->group[0] = '\0';
	unit->dynamic_user = false;
	unit->root_directory[0] = '\0';
	unit->search_path[0] = '\0';
	if (!owner_has_cgroup(owner, unit->control_group))
		unit->control_group[0] = '\0';
}

int unit_query(struct manager *manager, const char *name, struct unit *ret_unit, struct error *err)
{
	_cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	_cleanup_unit_ struct unit unit = {};
	_cleanup_free_ char *path = NULL;
	int r = check_name(name, err);

	if (r < 0)
		return r;
	r = sd_bus_path_encode(MANAGER_PATH "/unit", name, &path);
	if (r < 0)
		return error_code(err, r, "asking systemd for %s", name);
	/* No interface named: all properties in one answer, that is, of one moment. */
	r = manager_call(manager, path, "org.freedesktop.DBus.Properties", "GetAll", &bus_error,
			 &reply, "s", "");
	if (r >= 0)
		r = property_read_all(reply, &unit);
	if (r < 0)
		return manager_error(&bus_error, r, err, "asking systemd for %s", name);
	text_copy(name, unit.name, sizeof(unit.name));
	if (manager_owner(manager))
		distrust(&unit, manager_owner(manager));
	*ret_unit = unit;
	unit = (struct unit){};
	return 0;
}

void unit_done(struct unit *unit)
{
	for (size_t i = 0; i < unit->n_exec_start; i++)
		parse_argv_free(unit->exec_start[i].argv);
	free(unit->exec_start);
	parse_argv_free(unit->drop_in_paths);
	parse_argv_free(unit->triggered_by);
	parse_argv_free(unit->requires);
	parse_argv_free(unit->requisite);
	parse_argv_free(unit->binds_to);
	parse_argv_free(unit->environment_files);
	*unit = (struct unit){};
}

int unit_reset_failed(struct manager *manager, const char *name, struct error *err)
{
	_cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
	int r;

	r = manager_call(manager, MANAGER_PATH, MANAGER_INTERFACE, "ResetFailedUnit", &bus_error,
			 NULL, "s", name);
	if (r < 0 && !sd_bus_error_has_name(&bus_error, "org.freedesktop.systemd1.NoSuchUnit"))
		return manager_error(&bus_error, r, err, "resetting the failed state of %s", name);
	return 0;
}

static bool is(const char *text, const char *wanted)
{
	return strcmp(text, wanted) == 0;
}

bool unit_is_running(const struct unit *unit)
{
	return is(unit->active_state, "active") || is(unit->active_state, "reloading") ||
	       is(unit->active_state, "refreshing") ||
	       (is(unit->active_state, "activating") && unit->main_pid > 0);
}

/* Asserts are asked after conditions, if those were met. */
bool unit_has_been_up(const struct unit *unit, uint64_t usec)
{
	return is(unit->active_state, "active") && unit->active_enter_usec > 0 &&
	       clock_monotonic_usec() - unit->active_enter_usec >= usec;
}

bool unit_is_unmet(const struct unit *unit)
{
	bool condition = unit->conditions_usec > 0 && !unit->conditions_met;
	bool assertion = unit->asserts_usec > 0 && !unit->asserts_met;

	return is(unit->active_state, "inactive") && (condition || assertion);
}

bool unit_may_be_stopped(const struct unit *unit)
{
	return is(unit->active_state, "inactive") && is(unit->result, "success");
}

bool unit_ended_by_itself(const struct unit *unit)
{
	return is(unit->active_state, "inactive") && !unit->remains && unit->main_exit_usec > 0 &&
	       unit->main_exit_usec >= unit->inactive_exit_usec &&
	       unit->active_exit_usec >= unit->main_exit_usec;
}

bool unit_never_stays(const struct unit *unit)
{
	return is(unit->type, "oneshot") && !unit->remains;
}

bool unit_is_looping(const struct unit *unit)
{
	return is(unit->active_state, "activating") &&
	       (unit->restarts > 0 || is(unit->sub_state, "auto-restart"));
}

/* Has it been active since it last left "inactive"? Otherwise it failed while starting. */
static bool was_up(const struct unit *unit)
{
	return unit->active_enter_usec > 0 && unit->active_enter_usec >= unit->inactive_exit_usec;
}

static void explain_unloaded(const struct unit *unit, char *ret_text, size_t room)
{
	char why[256];

	text_escape(unit->load_error, strlen(unit->load_error), why, sizeof(why));
	if (is(unit->load_state, "not-found"))
		(void)snprintf(ret_text, room, "there is no unit of this name");
	else if (is(unit->load_state, "masked"))
		(void)snprintf(ret_text, room, "the unit is masked");
	else
		(void)snprintf(ret_text, room, "the unit cannot be loaded (%s)%s%s",
			       unit->load_state, why[0] ? ": " : "", why);
}

/* It is down, and nothing has failed. Whether it was asked to go, systemd's moments say, but not of every unit. */
static void explain_end(const struct unit *unit, char *ret_text, size_t room)
{
	bool down = is(unit->active_state, "inactive") && unit->restarts == 0;
	bool by_itself = unit_ended_by_itself(unit);
	const char *who = "";
	char why[EXITCODE_TEXT_MAX];

	exitcode_explain(unit->exec_main_code, unit->exec_main_status, why, sizeof(why));
	if (down && unit->active_exit_usec > 0 && !by_itself)
		who = "was stopped: ";
	else if (down && unit->exec_main_code != CLD_EXITED)
		who = by_itself ? "ended by itself: " : "was stopped, or stopped itself: ";
	(void)snprintf(ret_text, room, "%s%s%s", who, why,
		       !who[0] && unit->exec_main_code == CLD_EXITED ? " although it should stay" :
								       "");
}

/* Result=success: it ended as asked, or it is not over. */
static void explain_success(const struct unit *unit, char *ret_text, size_t room)
{
	if (is(unit->active_state, "activating") && !is(unit->sub_state, "auto-restart"))
		(void)snprintf(ret_text, room, "is still starting (%s)", unit->sub_state);
	else if (is(unit->active_state, "deactivating"))
		(void)snprintf(ret_text, room, "is stopping (%s)", unit->sub_state);
	else if (!is(unit->active_state, "inactive") && !is(unit->active_state, "activating"))
		(void)snprintf(ret_text, room, "is %s (%s)", unit->active_state, unit->sub_state);
	else if (unit->exec_main_code == 0)
		(void)snprintf(ret_text, room, "is not started");
	else if (is(unit->type, "oneshot"))
		(void)snprintf(ret_text, room, "has done its work and ended");
	else
		explain_end(unit, ret_text, room);
}

static void explain_unmet(const struct unit *unit, char *ret_text, size_t room)
{
	bool condition = !unit->conditions_met;

	(void)snprintf(ret_text, room, "%s of the unit is not met%s%s",
		       condition ? "a Condition=" : "an Assert=", unit->unmet[0] ? ": " : "",
		       unit->unmet);
}

static void explain_timeout(const struct unit *unit, char *ret_text, size_t room)
{
	uint64_t limit = was_up(unit) ? unit->stop_timeout_usec : unit->start_timeout_usec;
	char span[CLOCK_TEXT_MAX];

	(void)snprintf(ret_text, room, "the %s timed out after %s%s",
		       was_up(unit) ? "stop" : "start", clock_format_span(limit, span),
		       was_up(unit) || strncmp(unit->type, "notify", 6) != 0 ?
			       "" :
			       " without READY=1 (Type=notify)");
}

static void explain_protocol(const struct unit *unit, char *ret_text, size_t room)
{
	if (strncmp(unit->type, "notify", 6) == 0)
		(void)snprintf(ret_text, room, "ended without having said READY=1 (Type=notify)");
	else
		(void)snprintf(ret_text, room, "did not start in the way that Type=%s asks for",
			       unit->type);
}

static void explain_start_limit(const struct unit *unit, char *ret_text, size_t room)
{
	char span[CLOCK_TEXT_MAX];
	char why[EXITCODE_TEXT_MAX] = "";

	if (unit->exec_main_code != 0)
		exitcode_explain(unit->exec_main_code, unit->exec_main_status, why, sizeof(why));
	(void)snprintf(ret_text, room, "start limit hit: started %u times within %s%s%s",
		       unit->start_limit, clock_format_span(unit->start_limit_usec, span),
		       why[0] ? "; at last it " : "", why);
}

static void explain_watchdog(const struct unit *unit, char *ret_text, size_t room)
{
	char span[CLOCK_TEXT_MAX];

	(void)snprintf(ret_text, room, "watchdog timeout: it did not report within %s",
		       clock_format_span(unit->watchdog_usec, span));
}

static void explain_process(const struct unit *unit, char *ret_text, size_t room)
{
	if (unit->failed_command[0])
		(void)snprintf(ret_text, room, "%s", unit->failed_command);
	else if (unit->exec_main_code == 0 && unit->start_code != 0)
		exitcode_explain(unit->start_code, unit->start_status, ret_text, room);
	else
		exitcode_explain(unit->exec_main_code, unit->exec_main_status, ret_text, room);
}

static void explain_oom(const struct unit *unit, char *ret_text, size_t room)
{
	(void)snprintf(ret_text, room, "the kernel killed it for want of memory");
}

static void explain_resources(const struct unit *unit, char *ret_text, size_t room)
{
	(void)snprintf(ret_text, room, "systemd could not start it (resources)");
}

static const struct {
	const char *result;
	void (*explain)(const struct unit *unit, char *ret_text, size_t room);
} explainers[] = {
	{ "success", explain_success },	       { "exit-code", explain_process },
	{ "signal", explain_process },	       { "core-dump", explain_process },
	{ "exec-condition", explain_process }, { "timeout", explain_timeout },
	{ "watchdog", explain_watchdog },      { "start-limit-hit", explain_start_limit },
	{ "protocol", explain_protocol },      { "oom-kill", explain_oom },
	{ "resources", explain_resources },
};

char *unit_explain(const struct unit *unit, char *ret_text, size_t room)
{
	size_t size;

	(void)snprintf(ret_text, room, "failed (%s)", unit->result);
	for (size_t i = 0; i < ARRAY_SIZE(explainers); i++)
		if (is(unit->result, explainers[i].result))
			explainers[i].explain(unit, ret_text, room);
	if (unit_is_unmet(unit))
		explain_unmet(unit, ret_text, room);
	if (!is(unit->load_state, "loaded"))
		explain_unloaded(unit, ret_text, room);
	size = strlen(ret_text);
	if (unit->restarts > 0)
		(void)snprintf(ret_text + size, room - size, " (restarted by systemd: %u times)",
			       unit->restarts);
	return ret_text;
}

/* Sockets and paths come down by themselves; a timer that is failed was never up. */
static bool is_reviver(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && (is(dot, ".socket") || is(dot, ".path"));
}

static int read_active_state(struct manager *manager, const char *name, char *ret_state,
			     size_t room, struct error *err)
{
	_cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	_cleanup_free_ char *path = NULL;
	const char *state;
	int r;

	r = sd_bus_path_encode("/org/freedesktop/systemd1/unit", name, &path);
	if (r >= 0)
		r = manager_call(manager, path, "org.freedesktop.DBus.Properties", "Get",
				 &bus_error, &reply, "ss", "org.freedesktop.systemd1.Unit",
				 "ActiveState");
	if (r >= 0)
		r = sd_bus_message_read(reply, "v", "s", &state);
	if (r < 0)
		return manager_error(&bus_error, r, err, "asking for the state of %s", name);
	text_copy(state, ret_state, room);
	return 0;
}

/* > 0: UNIT_REQUIRES_NONE */
static int find_down(struct manager *manager, char *const *names, char *ret_text, size_t room,
		     struct error *err)
{
	for (; names && *names; names++) {
		char state[32];
		int r = read_active_state(manager, *names, state, sizeof(state), err);

		if (r < 0)
			return r;
		if (is(state, "active") || is(state, "activating") || is(state, "reloading"))
			continue;
		(void)snprintf(ret_text, room, "it requires %.200s, which is %s", *names, state);
		return 0;
	}
	return UNIT_REQUIRES_NONE;
}

int unit_explain_requirement(struct manager *manager, const struct unit *unit, char *ret_text,
			     size_t room, struct error *err)
{
	char *const *const lists[] = { unit->requires, unit->requisite, unit->binds_to };

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		int r = find_down(manager, lists[i], ret_text, room, err);

		if (r != UNIT_REQUIRES_NONE)
			return r;
	}
	return UNIT_REQUIRES_NONE;
}

int unit_revive_triggers(struct manager *manager, const struct unit *unit, struct error *err)
{
	for (char **name = unit->triggered_by; name && *name; name++) {
		char state[32];
		int r;

		if (!is_reviver(*name))
			continue;
		r = read_active_state(manager, *name, state, sizeof(state), err);
		if (r < 0)
			return r;
		if (!is(state, "failed"))
			continue;
		r = unit_reset_failed(manager, *name, err);
		if (r < 0)
			return r;
		r = job_start_and_forget(manager, *name, err);
		if (r < 0)
			return r;
	}
	return 0;
}
