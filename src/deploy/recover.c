#include "deploy/recover.h"
#include "deploy/data.h"
#include "deploy/resume.h"
#include "deploy/shipped.h"
#include "store/layout.h"
#include "unit/unit.h"

/*
 * The old release is about to start, so its data has to be there first. Under a service that runs it is not touched: the worker stops
 * that.
 */
static void restore_data(struct session *session)
{
	struct error why = { .text = "neither it nor what was kept aside is where it was" };
	_cleanup_unit_ struct unit unit = {};

	if (session->state.phase != PHASE_REVERTING || session->state.transaction.data_inode == 0)
		return;
	if (session_query(session, &unit, &why) < 0 ||
	    (!unit_is_running(&unit) && data_restore(session, &why) != 0))
		session_tell(session, EVENT_WARNING, why.fault,
			     "the data was not put back before the start: %s", why.text);
}

int recover_app(const struct deploy_options *options, const struct event_listener *listener,
		bool *ret_resume, bool *ret_flipped, struct error *err)
{
	_cleanup_(session_close) struct session session;
	enum slot before = SLOT_NONE;
	enum slot after = SLOT_NONE;
	struct error not_reloaded = {};
	int r;

	r = session_open(&session, options, listener, -1, err);
	if (r < 0)
		return r;
	if (r == SESSION_LOCKED)
		return RECOVER_BUSY;
	(void)layout_current(session.dirfd, &before, NULL); /* damage is settled below */
	r = resume_settle(&session, err);
	if (r < 0)
		return r;
	r = layout_current(session.dirfd, &after, err);
	if (r < 0)
		return r;
	*ret_resume = session.state.phase != PHASE_IDLE;
	*ret_flipped = before != after;
	restore_data(&session);
	if (session.repointed && shipped_reload(&session, &not_reloaded) < 0)
		session_tell(&session, EVENT_WARNING, not_reloaded.fault,
			     "systemd may start the app with units of the other release: %s",
			     not_reloaded.text);
	return 0;
}
