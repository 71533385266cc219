#include "deploy/siblings.h"

#include <string.h>

#include "base/scope.h"
#include "base/text.h"
#include "deploy/flip.h"
#include "deploy/shipped.h"
#include "deploy/switching.h"
#include "unit/job.h"

static bool is_loaded(const struct unit *unit)
{
	return strcmp(unit->load_state, "loaded") == 0;
}

static void check_one(const struct deploy_options *options, const struct unit *own,
		      const struct unit *unit, struct preflight *preflight)
{
	char systemctl[SCOPE_COMMAND_MAX];

	if (!is_loaded(unit) && !shipped_has(options, unit->name))
		preflight_complain(preflight, FAULT_UNIT,
				   "%s is %s%s%s: look at `%s status %s`; AlsoRestart= in %s names "
				   "it",
				   unit->name, unit->load_state, unit->load_error[0] ? ": " : "",
				   unit->load_error, scope_systemctl_of(options->user, systemctl),
				   unit->name, options->conf_file);
	if (unit->invocation[0] && strcmp(unit->invocation, own->invocation) == 0)
		preflight_complain(
			preflight, FAULT_UNIT,
			"%s is another name of %s, which is restarted in any case: take it "
			"out of AlsoRestart= in %s",
			unit->name, own->name, options->conf_file);
}

int siblings_check(const struct deploy_options *options, const struct unit *own,
		   struct manager *manager, struct preflight *preflight, struct error *err)
{
	for (char **name = options->siblings; name && *name; name++) {
		_cleanup_unit_ struct unit unit = {};
		int r = unit_query(manager, *name, &unit, err);

		if (r < 0)
			return r;
		check_one(options, own, &unit, preflight);
	}
	return 0;
}

/* One that crashes again and again, or does its work and goes, is not up. */
static bool is_up(const struct unit *unit)
{
	return unit_is_running(unit) && !unit_is_looping(unit) && !unit_never_stays(unit);
}

int siblings_note(struct session *session, struct manager *manager, struct error *err)
{
	char up[sizeof(session->state.transaction.siblings)] = "";

	for (char **name = session->options->siblings; name && *name; name++) {
		_cleanup_unit_ struct unit unit = {};
		size_t size = strlen(up);
		int r = unit_query(manager, *name, &unit, err);

		if (r < 0)
			return r;
		if (is_up(&unit))
			(void)snprintf(up + size, sizeof(up) - size, "%s,", *name);
		else
			session_tell(session, EVENT_NOTE, FAULT_NONE,
				     "%s is not up (%s): it is left as it is, and not judged",
				     *name, unit.active_state);
	}
	(void)text_copy(up, session->state.transaction.siblings,
			sizeof(session->state.transaction.siblings));
	return 0;
}

/* The next of names, each with a comma behind; false: that was all. */
static bool next_name(const char **names, char ret_name[static UNIT_NAME_MAX])
{
	size_t size = strcspn(*names, ",");

	if (size == 0 || size >= UNIT_NAME_MAX)
		return false;
	memcpy(ret_name, *names, size);
	ret_name[size] = '\0';
	*names += size + ((*names)[size] == ',');
	return true;
}

static int condemn(struct session *session, struct manager *manager, const char *name,
		   const char *what, char *ret_reason, size_t room, struct error *err)
{
	_cleanup_unit_ struct unit unit = {};
	char why[STATE_REASON_MAX];
	bool stopping;
	int r = session_look_for_shutdown(session, &stopping, err);

	if (r < 0 || stopping)
		return r < 0 ? r : SIBLINGS_INTERRUPTED;
	r = unit_query(manager, name, &unit, err);
	if (r < 0)
		return r;
	if (is_loaded(&unit))
		(void)unit_explain(&unit, why, sizeof(why));
	else
		(void)text_print(why, sizeof(why), "systemd does not take its unit file (%s)",
				 unit.load_state);
	(void)text_print(ret_reason, room, "%.80s (AlsoRestart=) did not start (%s): %s", name,
			 what, why);
	return SIBLINGS_BAD;
}

static int restart_one(struct session *session, struct manager *manager, const char *name,
		       char *ret_reason, size_t room, struct error *err)
{
	enum job_result result = JOB_RESULT_OTHER;
	_cleanup_unit_ struct unit unit = {};
	int r;

	r = unit_query(manager, name, &unit, err);
	if (r < 0)
		return r;
	if (!is_loaded(&unit)) /* systemd would not even take a job */
		return condemn(session, manager, name, unit.load_state, ret_reason, room, err);
	r = flip_clear_the_way(session, name, err);
	if (r == 0)
		r = flip_job(session, name, JOB_RESTART, &result, err);
	if (r < 0)
		return r;
	if (r == SWITCHING_INTERRUPTED)
		return SIBLINGS_INTERRUPTED;
	if (r == SWITCHING_LATE)
		return condemn(session, manager, name,
			       "not ready within StartDeadline=", ret_reason, room, err);
	return result == JOB_RESULT_DONE ? 0 :
					   condemn(session, manager, name, job_result_name(result),
						   ret_reason, room, err);
}

int siblings_restart(struct session *session, char *ret_reason, size_t room, struct error *err)
{
	const char *names = session->state.transaction.siblings;
	char name[UNIT_NAME_MAX], reason[STATE_REASON_MAX];
	struct manager *manager;
	bool bad = false;
	int r;

	while (next_name(&names, name)) {
		r = session_manager(session, &manager, err);
		if (r == 0)
			r = restart_one(session, manager, name, reason, sizeof(reason), err);
		if (r < 0 || r == SIBLINGS_INTERRUPTED)
			return r;
		if (r == SIBLINGS_BAD && !bad)
			(void)text_copy(reason, ret_reason, room);
		bad |= r == SIBLINGS_BAD;
		if (bad && session->state.phase != PHASE_REVERTING)
			break;
	}
	return bad ? SIBLINGS_BAD : 0;
}

void siblings_restart_in_haste(struct session *session)
{
	const char *names = session->state.transaction.siblings;
	char name[UNIT_NAME_MAX];
	struct manager *manager;

	while (next_name(&names, name)) {
		_cleanup_(job_freep) struct job *job = NULL;

		if (session_manager(session, &manager, NULL) < 0)
			return;
		(void)unit_reset_failed(manager, name, NULL);
		(void)job_new(manager, JOB_RESTART, name, &job, NULL);
	}
}

/* What somebody stopped, or what something starts at need, may be down. */
static const char *find_fault(const struct unit *unit)
{
	if (strcmp(unit->active_state, "failed") == 0)
		return "failed";
	if (strcmp(unit->sub_state, "auto-restart") == 0 || unit->restarts > 0)
		return "does not stay up";
	if (strcmp(unit->active_state, "inactive") == 0 && !unit->job_pending &&
	    unit_ended_by_itself(unit) && !(unit->triggered_by && unit->triggered_by[0]))
		return "stopped";
	return NULL;
}

int siblings_look(struct manager *manager, const char *names, char *ret_reason, size_t room,
		  struct error *err)
{
	char name[UNIT_NAME_MAX], why[STATE_REASON_MAX];

	while (next_name(&names, name)) {
		_cleanup_unit_ struct unit unit = {};
		const char *fault;
		int r = unit_query(manager, name, &unit, err);

		if (r < 0)
			return r;
		fault = find_fault(&unit);
		if (!fault)
			continue;
		(void)text_print(ret_reason, room, "%.60s (AlsoRestart=) %s: %s", name, fault,
				 unit_explain(&unit, why, sizeof(why)));
		return SIBLINGS_BAD;
	}
	return 0;
}
