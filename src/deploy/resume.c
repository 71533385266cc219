#include <string.h>

#include "base/text.h"
#include "deploy/accord.h"
#include "deploy/ending.h"
#include "deploy/epoch.h"
#include "deploy/remember.h"
#include "deploy/resume.h"
#include "install/seal.h"
#include "store/layout.h"

static bool is_before_switch(enum phase phase)
{
	return phase == PHASE_STAGING || phase == PHASE_STAGED;
}

static bool is_on_trial(enum phase phase)
{
	return phase == PHASE_SWITCHING || phase == PHASE_TRIAL || phase == PHASE_WATCHING;
}

/* Another boot: the invocation is gone, times of the monotonic clock mean nothing any more. */
static void forget_boot(struct state_transaction *transaction, const char *boot_id)
{
	(void)text_copy(boot_id, transaction->boot_id, sizeof(transaction->boot_id));
	transaction->phase_began_monotonic = clock_monotonic_usec();
	transaction->invocation[0] = '\0';
	transaction->old_invocation[0] = '\0';
	transaction->ports[0] = '\0'; /* nothing is left that had one */
	transaction->was_up = false;
	transaction->orderly = false;
	transaction->inhibited = 0;
	transaction->attempts = 0;
}

enum resume_verdict resume_judge(enum phase phase, struct state_transaction *transaction,
				 const char *boot_id, char *ret_reason, size_t room)
{
	bool rebooted = strcmp(transaction->boot_id, boot_id) != 0;
	unsigned int most = is_before_switch(phase) ? RESUME_STAGING_MAX : RESUME_ATTEMPTS_MAX;
	bool unorderly = rebooted && !transaction->orderly && is_on_trial(phase);

	if (rebooted)
		forget_boot(transaction, boot_id);
	transaction->attempts++;
	if (unorderly && transaction->boot_tries_left > 0)
		transaction->boot_tries_left--;
	if (unorderly && transaction->boot_tries_left == 0) {
		(void)snprintf(ret_reason, room,
			       "the machine went down again and again while %s was on trial",
			       transaction->release.version);
		return RESUME_REVERT;
	}
	if (transaction->attempts <= most || phase == PHASE_REVERTING)
		return RESUME_GO_ON;
	(void)snprintf(ret_reason, room, "the worker did not get through the phase %s in %u starts",
		       phase_name(phase), most);
	return is_before_switch(phase) ? RESUME_FAIL : RESUME_REVERT;
}

/* Where the release is, under a seal, with its directory; SLOT_NONE: nowhere. */
static enum slot find_release(const struct session *session, const struct digest *digest)
{
	struct descriptor descriptor;

	for (enum slot slot = SLOT_A; !digest_is_null(digest) && slot < SLOT_MAX; slot++) {
		_cleanup_close_ int fd = -1;

		if (seal_peek(session->dirfd, slot, &descriptor, NULL) == 0 &&
		    digest_equal(&descriptor.index, digest) &&
		    layout_open_slot(session->dirfd, slot, &fd, NULL) == 0)
			return slot;
	}
	return SLOT_NONE;
}

/* Which slot `current` should name; SLOT_NONE: leave it as it is. *ret_left: what was known good is nowhere, and that is what is left. */
static enum slot wanted_slot(const struct session *session, bool *ret_left)
{
	const struct state *state = &session->state;
	enum slot good;

	*ret_left = false;
	switch (state->phase) {
	case PHASE_TRIAL:
	case PHASE_WATCHING:
		return state->transaction.target;
	case PHASE_REVERTING:
		return state->transaction.origin;
	case PHASE_SWITCHING:
		return SLOT_NONE; /* the step flips, and starts in the same breath */
	default:
		break;
	}
	good = find_release(session, &state->good.digest);
	if (good != SLOT_NONE)
		return good;
	*ret_left = true; /* better than nothing */
	return find_release(session, &state->fallback.digest);
}

/*
 * A `current` that names a whole release is left alone while nothing is under way: a person may have set it. So is one whose seal has
 * rotted: that says nothing of what it seals, which runs; whoever reads the slots tells of it.
 */
static bool is_sound(const struct session *session, enum slot current)
{
	struct descriptor descriptor;
	_cleanup_close_ int fd = -1;
	int r;

	if (current == SLOT_NONE || is_on_trial(session->state.phase) ||
	    session->state.phase == PHASE_REVERTING)
		return false;
	r = seal_peek(session->dirfd, current, &descriptor, NULL);
	return r == 0 || (r < 0 && layout_open_slot(session->dirfd, current, &fd, NULL) == 0);
}

/*
 * What was known good is gone, and the release before it is what is left: there is none to go back to from that. On the disk that is only said once
 * the unit was looked after: a worker that dies before leaves that to the next.
 */
static void take_fallback(struct session *session)
{
	struct state *state = &session->state;

	if (state->phase != PHASE_IDLE)
		return;
	session_tell(session, EVENT_WARNING, FAULT_CORRUPT,
		     "%s is not on the disk any more: %s is what runs from now on",
		     state->good.version, state->fallback.version);
	state->good = state->fallback;
	state->fallback = (struct state_release){};
	session->repointed = true;
}

static int settle_current(struct session *session, struct error *err)
{
	bool left;
	enum slot wanted = wanted_slot(session, &left);
	enum slot current = SLOT_NONE;
	struct error damage = {};
	int r;

	r = layout_current(session->dirfd, &current, &damage);
	if (r < 0)
		session_tell(session, EVENT_WARNING, damage.fault, "%s", damage.text);
	if (wanted == SLOT_NONE || (current != wanted && is_sound(session, current)))
		return 0;
	if (current != wanted) {
		r = layout_point_current(session->dirfd, wanted, err);
		if (r < 0)
			return r;
		session->repointed = true;
		session_tell(session, EVENT_WARNING, FAULT_NONE, "`current` was put to slot %s",
			     slot_name(wanted));
	}
	if (left)
		take_fallback(session);
	return 0;
}

int resume_settle(struct session *session, struct error *err)
{
	struct state *state = &session->state;
	enum resume_verdict verdict;
	char reason[STATE_REASON_MAX], barred[STATE_REASON_MAX];
	int r;

	r = remember_state(session, err);
	if (r < 0)
		return r;
	if (state->phase == PHASE_IDLE) {
		r = settle_current(session, err);
		return r < 0 ? r : ending_record(session, err);
	}
	verdict = resume_judge(state->phase, &state->transaction, session->boot_id, reason,
			       sizeof(reason));
	r = accord_resume(session, &verdict, reason, sizeof(reason), err);
	if (r < 0)
		return r;
	if (verdict == RESUME_FAIL)
		return ending_end(session, OUTCOME_FAILED, FAULT_INTERNAL, reason, err);
	if (verdict == RESUME_REVERT && epoch_bars_return(session, barred, sizeof(barred)))
		return ending_unhealthy(session, reason, err);
	r = verdict == RESUME_REVERT ? session_condemn(session, FAULT_UNHEALTHY, reason, err) :
				       session_store(session, err);
	if (r < 0)
		return r;
	return settle_current(session, err);
}
