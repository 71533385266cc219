#include "deploy/flip.h"

#include <string.h>

#include "deploy/shipped.h"
#include "deploy/switching.h"
#include "store/layout.h"

#define CANCELED_MAX 3 /* times that somebody else's job may push ours out of the queue */

int flip_job(struct session *session, const char *unit, enum job_type type,
	     enum job_result *ret_result, struct error *err)
{
	for (unsigned int i = 0; i < CANCELED_MAX; i++) {
		int r = switching_job_of(session, unit, type, ret_result, err);

		if (r != 0 || *ret_result != JOB_RESULT_CANCELED)
			return r;
		session_tell(
			session, EVENT_NOTE, FAULT_NONE,
			"somebody else's job pushed ours out of the queue; %s is started again",
			unit);
	}
	return 0;
}

/*
 * Between two of systemd's own tries to start it? One that is queued already would become one with our
 * job, and count as a restart: as if the new release had died.
 */
static int stop_retries(struct session *session, struct manager *manager, const char *name,
			struct error *err)
{
	enum job_result result = JOB_RESULT_OTHER;
	_cleanup_unit_ struct unit unit = {};
	int r;

	r = unit_query(manager, name, &unit, err);
	if (r < 0 || strncmp(unit.sub_state, "auto-restart", strlen("auto-restart")) != 0)
		return r;
	return switching_job_of(session, name, JOB_STOP, &result, err);
}

int flip_clear_the_way(struct session *session, const char *name, struct error *err)
{
	_cleanup_unit_ struct unit unit = {};
	struct manager *manager;
	int r;

	r = session_manager(session, &manager, err);
	if (r == 0)
		r = stop_retries(session, manager, name, err);
	if (r != 0)
		return r;
	r = unit_reset_failed(manager, name, err);
	if (r < 0)
		return r;
	r = unit_query(manager, name, &unit, err);
	if (r < 0)
		return r;
	return unit_revive_triggers(manager, &unit, err);
}

/* Also what systemd knows of the unit, if the release brings it. A unit file that it does not take can never be started. */
static int point(struct session *session, enum slot slot, bool *ret_loaded, struct error *err)
{
	_cleanup_unit_ struct unit unit = {};
	int r;

	*ret_loaded = true;
	r = layout_point_current(session->dirfd, slot, err);
	if (r < 0)
		return r;
	r = shipped_reload(session, err);
	if (r < 0 || !shipped_has(session->options, session->options->unit))
		return r;
	r = unit_query(session->manager, session->options->unit, &unit, err);
	if (r == 0)
		*ret_loaded = strcmp(unit.load_state, "loaded") == 0;
	return r;
}

int flip_to(struct session *session, enum slot slot, enum job_result *ret_result, struct error *err)
{
	bool restart = session->options->switch_mode == SWITCH_RESTART &&
		       !session->state.transaction.data;
	bool loaded;
	int r;

	session->job_began = clock_monotonic_usec();
	if (!restart) {
		r = switching_job(session, JOB_STOP, ret_result, err);
		if (r != 0)
			return r;
	}
	r = point(session, slot, &loaded, err);
	if (r < 0)
		return r;
	if (!loaded) {
		*ret_result = JOB_RESULT_OTHER;
		return 0;
	}
	r = flip_clear_the_way(session, session->options->unit, err);
	if (r != 0)
		return r;
	if (restart)
		session->job_began = clock_monotonic_usec();
	return flip_job(session, session->options->unit, restart ? JOB_RESTART : JOB_START,
			ret_result, err);
}
