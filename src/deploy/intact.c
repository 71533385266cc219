#include "deploy/intact.h"

#include <inttypes.h>

#include "base/text.h"
#include "deploy/ending.h"
#include "deploy/soundness.h"
#include "deploy/watcher.h"

static int on_read(void *data, uint64_t done, uint64_t total, struct error *err)
{
	return watcher_progress(data, STAGE_VERIFY, done, total, err);
}

/* > 0: INTACT_NO_GO. What was found is kept, so that it is told, alerted and repaired (deploy/mend.h). */
static int look(struct session *session, enum slot slot, struct scrubbed_slot *ret_found,
		struct error *err)
{
	struct watcher watcher = { .session = session, .step = STAGE_VERIFY };
	const struct soundness_listener listener = { .progress = on_read, .data = &watcher };
	struct error why = {};
	int r;

	*ret_found = (struct scrubbed_slot){};
	r = soundness_look(session->dirfd, slot, &listener, ret_found, &why);
	if (session->stop || session->state.phase != session->working)
		return INTACT_NO_GO;
	if (r < 0)
		return error_set(err, why.fault, "reading slot %s: %s", slot_name(slot), why.text);
	if (r == 0)
		soundness_keep(session->dirfd, slot, ret_found);
	return 0; /* without a seal: preflight has the word */
}

static const char *describe(enum slot slot, const char *version, const struct scrubbed_slot *found,
			    char *ret_text, size_t room)
{
	return text_print(ret_text, room,
			  "slot %s (%.80s) is damaged: %" PRIu64 " difference%s, the first: %s",
			  slot_name(slot), version, found->differences,
			  found->differences == 1 ? "" : "s", found->first);
}

static int refuse(struct session *session, const char *what, const char *remedy, struct error *err)
{
	char reason[STATE_REASON_MAX];
	int r;

	(void)text_print(reason, sizeof(reason), "%s; %s", what, remedy);
	session_tell(session, EVENT_FINDING, FAULT_CORRUPT, "%s", reason);
	r = ending_end(session, OUTCOME_REFUSED, FAULT_CORRUPT, reason, err);
	return r < 0 ? r : INTACT_NO_GO;
}

static int judge_target(struct session *session, const struct unit *unit, const char *what,
			struct error *err)
{
	const struct state_transaction *transaction = &session->state.transaction;
	char remedy[160];

	if (verb_stages(transaction->verb))
		return refuse(session, what, "install it again", err);
	if (!transaction->force && unit_is_running(unit) && !unit_is_looping(unit)) {
		(void)snprintf(remedy, sizeof(remedy),
			       "`flipslot scrub %.64s` has it repaired if the source has it still, "
			       "--force goes there all the same",
			       session->options->app);
		return refuse(session, what, remedy, err);
	}
	session_tell(session, EVENT_WARNING, FAULT_CORRUPT, "%s; it is tried all the same%s", what,
		     transaction->force ? "" : ", as the service does not run");
	return 0;
}

static int check_target(struct session *session, const struct unit *unit, struct error *err)
{
	const struct state_transaction *transaction = &session->state.transaction;
	struct scrubbed_slot found;
	char what[STATE_REASON_MAX];
	int r;

	if (session->built)
		return 0;
	r = look(session, transaction->target, &found, err);
	if (r != 0 || found.differences == 0)
		return r;
	return judge_target(session, unit,
			    describe(transaction->target, transaction->release.version, &found,
				     what, sizeof(what)),
			    err);
}

static int check_origin(struct session *session, struct error *err)
{
	const struct state_transaction *transaction = &session->state.transaction;
	uint64_t period = session->options->scrub_usec;
	struct scrubbed_slot found;
	char what[STATE_REASON_MAX];
	int r;

	if (!verb_stages(transaction->verb) || transaction->origin == SLOT_NONE || period == 0 ||
	    soundness_is_fresh(session->dirfd, transaction->origin, period))
		return 0;
	r = look(session, transaction->origin, &found, err);
	if (r == 0 && found.differences > 0)
		session_tell(session, EVENT_WARNING, FAULT_CORRUPT,
			     "what would be come back to: %s",
			     describe(transaction->origin, transaction->from_version, &found, what,
				      sizeof(what)));
	return r;
}

int intact_check(struct session *session, const struct unit *unit, struct error *err)
{
	int r = check_target(session, unit, err);

	return r != 0 ? r : check_origin(session, err);
}
