#include "deploy/tick.h"

#include <string.h>

#include "base/text.h"
#include "deploy/mailbox.h"
#include "deploy/source.h"
#include "unit/job.h"

bool tick_is_due(int dirfd)
{
	uint64_t now = clock_realtime_usec();
	struct checked checked;

	if (checked_load(dirfd, &checked, NULL) < 0)
		return true;
	/* a last look in the future: the clock was wrong, then or now */
	return checked.when > now || now - checked.when >= TICK_PAUSE_USEC;
}

static bool is_due(const struct session *session)
{
	return !session->served && session->options->source.url && tick_is_due(session->dirfd);
}

static bool wants_install(const struct session *session)
{
	const struct digest *offered = &session->checked.offer.digest;

	return session->options->source.auto_install && session->checked.fault == FAULT_NONE &&
	       session->checked.news && !state_is_held(&session->state, clock_realtime_usec()) &&
	       !state_is_bad(&session->state, offered) &&
	       !source_is_one_way(session->options, session->dirfd, offered);
}

/* Whether the others have something new as well, and what then, is asked by a unit of its own: a worker knows one app. */
static int wake_group(struct session *session, struct error *err)
{
	struct manager *manager;
	char unit[128];
	int r = session_own_manager(session, &manager, err);

	(void)snprintf(unit, sizeof(unit), "flipslot-group@%s.service", session->options->group);
	return r < 0 ? r : job_start_and_forget(manager, unit, err);
}

static int begin_install(struct session *session, struct error *err)
{
	struct request request = { .verb = VERB_UPDATE, .who = "timer" };
	int r;

	r = request_new_id(request.id, err);
	return r < 0 ? r : mailbox_begin(session, &request, true, err);
}

/* Whoever asked waits for what was found to be on the disk, a failure too. */
static int check_answered(const struct session *session, const char *id, const struct error *why,
			  struct error *err)
{
	struct checked checked;
	int r = checked_load(session->dirfd, &checked, err);

	if (r < 0)
		return r;
	return strcmp(checked.id, id) == 0 ? 0 : error_set(err, why->fault, "%s", why->text);
}

int tick_run(struct session *session, struct error *err)
{
	_cleanup_source_release_ struct source_release release = {};
	bool asked = session->check_id[0] != '\0';
	char id[STATE_ID_MAX];
	struct error why = {};
	int r;

	if (!asked && !is_due(session))
		return 0;
	(void)text_copy(session->check_id, id, sizeof(id));
	session->check_id[0] = '\0';
	session->served = true;
	r = source_refresh(session, id, "", &release, &why);
	if (r < 0 && asked)
		return check_answered(session, id, &why, err);
	if (r < 0 || asked || !wants_install(session))
		return 0;
	if (session->options->group)
		return wake_group(session, err);
	return begin_install(session, err);
}
