#include "deploy/late.h"

#include <string.h>

#include "base/text.h"
#include "deploy/alert.h"
#include "deploy/switching.h"
#include "store/layout.h"
#include "unit/unit.h"

static int alert(struct session *session, struct error *err)
{
	struct outbox_entry entry;
	int r = alert_of_late_failure(&session->state, session->options->unit, &entry, err);

	return r < 0 ? r : alert_raise(session, &entry, err);
}

/* First on disk that somebody is to hear of it: told twice is better than never. */
static int note(struct session *session, const struct unit *unit, struct error *err)
{
	const char *good = session->state.good.version;
	char why[STATE_REASON_MAX];
	int r;

	if (session->state.late[0] &&
	    strncmp(session->state.late, unit->invocation, sizeof(session->state.late) - 1) == 0)
		return 0;
	r = alert(session, err);
	if (r < 0)
		return r;
	session_tell(session, EVENT_WARNING, FAULT_UNHEALTHY,
		     "%s failed when nothing was under way (%s); known good: %s", unit->name,
		     unit_explain(unit, why, sizeof(why)), good[0] ? good : "none");
	(void)text_copy(unit->invocation, session->state.late, sizeof(session->state.late));
	return session_store(session, err);
}

static int start(struct session *session, struct manager *manager, struct error *err)
{
	enum job_result result = JOB_RESULT_OTHER;
	int r = unit_reset_failed(manager, session->options->unit, err);

	if (r == 0)
		r = switching_job(session, JOB_START, &result, err);
	if (r != 0)
		return r < 0 ? r : 0;
	session_tell(session, EVENT_WARNING, FAULT_UNHEALTHY, "%s is started again (%s)",
		     session->options->unit, job_result_name(result));
	return 0;
}

static int look(struct session *session, struct error *err)
{
	_cleanup_unit_ struct unit unit = {};
	struct manager *manager;
	bool failed;
	int r = session_manager(session, &manager, err);

	if (r == 0)
		r = unit_query(manager, session->options->unit, &unit, err);
	if (r < 0)
		return r;
	failed = strcmp(unit.active_state, "failed") == 0;
	if (!failed && !unit_is_looping(&unit))
		return 0;
	r = note(session, &unit, err);
	return r < 0 || !failed ? r : start(session, manager, err);
}

void late_look(struct session *session)
{
	struct error why = {};
	enum slot current;

	if (!session->options->user || session->served ||
	    session->state.transaction.outcome == OUTCOME_BOTH_BAD || /* which is looked after */
	    layout_current(session->dirfd, &current, NULL) != 0)
		return;
	if (look(session, &why) < 0)
		session_tell(session, EVENT_WARNING, why.fault, "the service was not looked at: %s",
			     why.text);
}
