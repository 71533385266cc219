#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "deploy/accord.h"
#include "deploy/ending.h"
#include "deploy/epoch.h"
#include "deploy/mailbox.h"
#include "install/seal.h"
#include "store/layout.h"

/* clang-format off */
static const struct {
	enum verb verb;
	unsigned int phases; /* bit set: allowed in this phase */
	const char *why_not;
} allowed[] = {
	{VERB_INSTALL,	1U << PHASE_IDLE, "a transaction is under way; wait for it"},
	{VERB_UPDATE,	1U << PHASE_IDLE, "a transaction is under way; wait for it"},
	{VERB_CHECK,	1U << PHASE_IDLE, "a transaction is under way; wait for it"},
	{VERB_SWITCH,	1U << PHASE_IDLE, "a transaction is under way; wait for it"},
	{VERB_ROLLBACK,	1U << PHASE_IDLE | 1U << PHASE_SWITCHING | 1U << PHASE_TRIAL | 1U << PHASE_WATCHING,
	 "nothing was switched yet, or it is being rolled back already; before the switch use `flipslot cancel`"},
	{VERB_CANCEL,	1U << PHASE_STAGING | 1U << PHASE_STAGED,
	 "there is nothing left to cancel; after the switch use `flipslot rollback`"},
	{VERB_HOLD,	~0U, NULL},
	{VERB_UNHOLD,	~0U, NULL},
	{VERB_FORGIVE,	~0U, NULL},
};
/* clang-format on */

/* What may be asked instead of waiting. */
static const char *way_out(enum phase phase)
{
	switch (phase) {
	case PHASE_STAGING:
	case PHASE_STAGED:
		return ", or `flipslot cancel`";
	case PHASE_SWITCHING:
	case PHASE_TRIAL:
	case PHASE_WATCHING:
		return ", or `flipslot rollback`";
	default:
		return "";
	}
}

int mailbox_judge(const struct state *state, const struct request *request, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++) {
		if (allowed[i].verb != request->verb)
			continue;
		if (allowed[i].phases & (1U << state->phase))
			return 0;
		return error_set(err, FAULT_BUSY, "%s is not possible while %s: %s%s",
				 verb_name(request->verb), phase_name(state->phase),
				 allowed[i].why_not,
				 verb_stages(request->verb) || request->verb == VERB_SWITCH ?
					 way_out(state->phase) :
					 "");
	}
	return error_set(err, FAULT_CONFIG, "this worker does not know such a request");
}

static void set_hold(struct state *state, const struct request *request)
{
	struct state_hold *hold = &state->hold;

	*hold = (struct state_hold){};
	if (request->verb == VERB_UNHOLD)
		return;
	hold->held = true;
	hold->since = clock_realtime_usec();
	hold->until = request->until;
	(void)text_copy(request->who, hold->who, sizeof(hold->who));
	(void)text_copy(request->why, hold->why, sizeof(hold->why));
}

/* The slot that seals the release to roll back to: what is known good if something else runs, else the one before. */
static int find_rollback_slot(const struct session *session, enum slot current, enum slot *ret_slot,
			      struct error *err)
{
	const struct state *state = &session->state;
	const struct state_release *goal = &state->fallback;
	struct descriptor descriptor;
	int r;

	if (current == SLOT_NONE)
		return error_set(err, FAULT_CONFIG, "nothing is installed yet");
	r = seal_peek(session->dirfd, current, &descriptor, err);
	if (r < 0)
		return r;
	if (r == SEAL_ABSENT || !digest_equal(&descriptor.index, &state->good.digest))
		goal = &state->good;
	if (digest_is_null(&goal->digest) && session->repointed)
		return error_set(err, FAULT_CONFIG,
				 "it has gone back to %s already: what ran is not on the disk any "
				 "more (`flipslot status %s`)",
				 state->good.version, session->options->app);
	if (digest_is_null(&goal->digest))
		return error_set(
			err, FAULT_CONFIG,
			"no release was known good before this one: nothing to roll back to");
	r = seal_peek(session->dirfd, slot_other(current), &descriptor, err);
	if (r < 0)
		return r;
	if (r == SEAL_ABSENT || !digest_equal(&descriptor.index, &goal->digest))
		return error_set(
			err, FAULT_CONFIG,
			"%s is not on the disk any more: slot %s holds %s; install %s again",
			goal->version, slot_name(slot_other(current)),
			r == SEAL_ABSENT ? "nothing complete" : descriptor.version, goal->version);
	*ret_slot = slot_other(current);
	return 0;
}

/* Only a sealed release can be switched to, and a person hears so at once. */
static int find_switch_slot(const struct session *session, const struct request *request,
			    enum slot current, enum slot *ret_slot, struct error *err)
{
	enum slot slot = request->slot == SLOT_NONE ? slot_other(current) : request->slot;
	struct descriptor descriptor;
	int r;

	if (current == SLOT_NONE)
		return error_set(err, FAULT_CONFIG, "nothing is installed yet");
	if (slot == current)
		return error_set(err, FAULT_CONFIG, "slot %s is what `current` names already",
				 slot_name(current));
	r = seal_peek(session->dirfd, slot, &descriptor, err);
	if (r < 0)
		return r;
	if (r == SEAL_ABSENT)
		return error_set(err, FAULT_CONFIG,
				 "slot %s holds no complete release to switch to: install one",
				 slot_name(slot));
	*ret_slot = slot;
	return 0;
}

static int choose_target(const struct session *session, const struct request *request,
			 enum slot current, enum slot *ret_target, struct error *err)
{
	if (request->verb == VERB_ROLLBACK)
		return find_rollback_slot(session, current, ret_target, err);
	if (request->verb == VERB_SWITCH)
		return find_switch_slot(session, request, current, ret_target, err);
	*ret_target = current == SLOT_NONE ? SLOT_A : slot_other(current);
	return 0;
}

/* What the seals say of the two slots; an absent or damaged one is preflight's to complain about. */
static void describe_slots(const struct session *session, struct state_transaction *transaction)
{
	struct descriptor descriptor;

	if (transaction->origin != SLOT_NONE &&
	    seal_peek(session->dirfd, transaction->origin, &descriptor, NULL) == 0)
		(void)text_copy(descriptor.version, transaction->from_version,
				sizeof(transaction->from_version));
	if (!verb_stages(transaction->verb) &&
	    seal_peek(session->dirfd, transaction->target, &descriptor, NULL) == 0) {
		transaction->release.digest = descriptor.index;
		(void)snprintf(transaction->release.version, sizeof(transaction->release.version),
			       "%s", descriptor.version);
	}
}

/* As a part of a group there must be a way back, and this app must be one of it. */
static int check_group(const struct session *session, const struct request *request,
		       struct error *err)
{
	const char *mine = session->options->group;

	if (!request->group[0])
		return 0;
	if (!mine || strcmp(mine, request->group) != 0)
		return error_set(err, FAULT_CONFIG, "%s is no member of group %s ([Group] Name=)",
				 session->options->app, request->group);
	if (request->no_way_back)
		return error_set(err, FAULT_CONFIG,
				 "--accept-no-rollback is not possible in a group, which is for "
				 "all or none");
	return 0;
}

static int make_transaction(const struct session *session, const struct request *request,
			    struct state_transaction *ret_transaction, struct error *err)
{
	struct state_transaction transaction = {
		.verb = request->verb,
		.source_digest = request->source_digest,
		.sequence = request->sequence,
		.strip_components = request->strip_components,
		.trust_me = request->trust_me,
		.start = request->start,
		.now = request->now,
		.no_way_back = request->no_way_back,
		.epoch = request->epoch,
		.force = request->force,
		.began = clock_realtime_usec(),
		.boot_tries_left = session->options->boot_tries,
	};
	int r;

	r = check_group(session, request, err);
	if (r < 0)
		return r;
	r = layout_current(session->dirfd, &transaction.origin, err);
	if (r < 0)
		return r;
	r = choose_target(session, request, transaction.origin, &transaction.target, err);
	if (r < 0)
		return r;
	(void)text_copy(request->id, transaction.id, sizeof(transaction.id));
	(void)text_copy(session->options->unit, transaction.unit, sizeof(transaction.unit));
	if (session->options->user)
		(void)text_copy(session->options->user, transaction.user, sizeof(transaction.user));
	(void)text_copy(request->source, transaction.source, sizeof(transaction.source));
	(void)text_copy(request->who, transaction.who, sizeof(transaction.who));
	(void)text_copy(request->signer, transaction.signer, sizeof(transaction.signer));
	(void)text_copy(request->group, transaction.group, sizeof(transaction.group));
	(void)text_copy(request->round, transaction.round, sizeof(transaction.round));
	(void)text_copy(request->why, transaction.why, sizeof(transaction.why));
	(void)text_copy(request->version, transaction.release.version,
			sizeof(transaction.release.version));
	describe_slots(session, &transaction);
	*ret_transaction = transaction;
	return 0;
}

static void answer(struct session *session, const struct request *request, const struct error *no)
{
	struct state *state = &session->state;

	(void)text_copy(request->id, state->answered, sizeof(state->answered));
	state->accepted = !no;
	(void)text_copy(no ? no->text : "", state->answer, sizeof(state->answer));
}

static void tell_accepted(const struct session *session, const struct request *request)
{
	bool hold = request->verb == VERB_HOLD || request->verb == VERB_UNHOLD;

	session_tell(session, hold ? EVENT_HOLD : EVENT_ACCEPTED, FAULT_NONE, "%s asked by %s%s%s",
		     verb_name(request->verb), request->who, request->why[0] ? ": " : "",
		     request->why);
}

int mailbox_begin(struct session *session, const struct request *request, bool unattended,
		  struct error *err)
{
	struct state_transaction transaction;
	struct event told;
	int r;

	r = make_transaction(session, request, &transaction, err);
	if (r < 0)
		return r;
	transaction.unattended = unattended;
	session->state.transaction = transaction;
	session->built = false;
	if (!unattended)
		answer(session, request, NULL);
	r = session_advance(session,
			    verb_stages(request->verb) ? MACHINE_REQUEST_INSTALL :
							 MACHINE_REQUEST_SWITCH,
			    &told, err);
	if (r < 0)
		return r;
	tell_accepted(session, request);
	session_tell_event(session, told);
	return 0;
}

/* A rollback or a cancel of what is under way: the verdict is a person's. */
static int overrule(struct session *session, const struct request *request, struct error *err)
{
	char reason[STATE_REASON_MAX];
	int r;

	if (request->verb == VERB_ROLLBACK && epoch_bars_return(session, reason, sizeof(reason)))
		return error_set(err, FAULT_CONFIG, "a rollback is impossible: %s", reason);
	(void)snprintf(reason, sizeof(reason), "%s asked by %s%s%.150s", verb_name(request->verb),
		       request->who, request->why[0] ? ": " : "", request->why);
	r = accord_veto(session, FAULT_NONE, reason, err);
	if (r == ACCORD_ALL)
		return error_set(err, FAULT_BUSY,
				 "group %s has passed and is committed right now; after that, "
				 "`flipslot rollback` goes back",
				 session->state.transaction.group);
	if (r < 0)
		return r;
	answer(session, request, NULL);
	if (request->verb == VERB_CANCEL)
		return ending_end(session, OUTCOME_CANCELLED, FAULT_NONE, reason, err);
	return session_condemn(session, FAULT_NONE, reason, err);
}

/* What was forgotten is the answer. */
static int forgive(struct session *session, const struct request *request, struct error *err)
{
	struct state *state = &session->state;
	char names[STATE_REASON_MAX];
	int r;

	if (state_forgive(state, request->version, names, sizeof(names)) == STATE_NOT_BAD)
		return error_set(err, FAULT_CONFIG,
				 "no release%s%s is remembered as bad: `flipslot status %s --json` "
				 "has those that are",
				 request->version[0] ? " " : "", request->version,
				 session->options->app);
	answer(session, request, NULL);
	(void)text_copy(names, state->answer, sizeof(state->answer));
	r = session_store(session, err);
	if (r < 0)
		return r;
	session_tell(session, EVENT_NOTE, FAULT_NONE, "no longer remembered as bad: %s (%s)", names,
		     request->who);
	return 0;
}

static int accept(struct session *session, const struct request *request, struct error *err)
{
	int r;

	switch (request->verb) {
	case VERB_HOLD:
	case VERB_UNHOLD:
		answer(session, request, NULL);
		set_hold(&session->state, request);
		r = session_store(session, err);
		if (r >= 0)
			tell_accepted(session, request);
		return r;
	case VERB_CHECK:
		answer(session, request, NULL);
		(void)text_copy(request->id, session->check_id, sizeof(session->check_id));
		return session_store(session, err);
	case VERB_FORGIVE:
		return forgive(session, request, err);
	case VERB_CANCEL:
		return overrule(session, request, err);
	case VERB_ROLLBACK:
		if (session->state.phase != PHASE_IDLE)
			return overrule(session, request, err);
		return mailbox_begin(session, request, false, err);
	default:
		return mailbox_begin(session, request, false, err);
	}
}

static int refuse(struct session *session, const struct request *request, const struct error *no,
		  struct error *err)
{
	int r;

	answer(session, request, no);
	r = session_store(session, err);
	if (r < 0)
		return r;
	session_tell(session, EVENT_REFUSED_REQUEST, no->fault, "%s", no->text);
	return 0;
}

static int decide(struct session *session, const struct request *request, struct error *err)
{
	struct error no = {};
	int r;

	r = mailbox_judge(&session->state, request, &no);
	if (r >= 0)
		r = accept(session, request, &no);
	session->served = true;
	if (r < 0)
		return refuse(session, request, &no, err);
	return 0;
}

static void look_for_stop(struct session *session)
{
	struct pollfd poll_fd = { .fd = session->stop_fd, .events = POLLIN };

	if (session->stop_fd >= 0 && poll(&poll_fd, 1, 0) > 0)
		session->stop = true;
}

static void drain(int fd)
{
	char buf[4096];

	while (read(fd, buf, sizeof(buf)) > 0)
		;
}

/* A check was accepted, and its worker died before what it found was on the disk: the caller still waits for it. */
static int look_for_lost_check(struct session *session, const struct request *request,
			       struct error *err)
{
	struct checked checked;
	int r;

	if (request->verb != VERB_CHECK || session->served || !session->state.accepted ||
	    request_is_expired(request, session->boot_id, clock_monotonic_usec()))
		return 0;
	session->served = true;
	r = checked_load(session->dirfd, &checked, err);
	if (r < 0)
		return r;
	if (strcmp(checked.id, request->id) != 0)
		(void)text_copy(request->id, session->check_id, sizeof(session->check_id));
	return 0;
}

int mailbox_serve(struct session *session, struct error *err)
{
	struct request request;
	int r;

	look_for_stop(session);
	drain(session->request_fd);
	r = request_load(session->dirfd, &request, err);
	if (r < 0) {
		session_tell(session, EVENT_WARNING, FAULT_CORRUPT,
			     "the request file of %s cannot be read and is passed over",
			     session->options->app);
		return 0;
	}
	if (r == REQUEST_NONE)
		return 0;
	if (strcmp(request.id, session->state.answered) == 0)
		return look_for_lost_check(session, &request, err);
	if (request_is_expired(&request, session->boot_id, clock_monotonic_usec())) {
		struct error no = {};

		(void)error_set(
			&no, FAULT_STALE,
			"the request to %s came from an earlier boot or is too old: dropped",
			verb_name(request.verb));
		return refuse(session, &request, &no, err);
	}
	return decide(session, &request, err);
}

int mailbox_interrupt(void *data)
{
	struct session *session = data;
	struct error err = {};

	if (mailbox_serve(session, &err) < 0 || accord_look(session, &err) < 0)
		session_tell(session, EVENT_WARNING, err.fault, "%s", err.text);
	return session->stop || session->state.phase != session->working;
}

int mailbox_pause(struct session *session, uint64_t usec, struct error *err)
{
	struct manager *manager;
	int r = session_manager(session, &manager, err);

	if (r == 0)
		r = manager_wait(manager, session->wake_fd, usec, err);
	if (r < 0)
		return r;
	return mailbox_interrupt(session) > 0 ? MAILBOX_LET_GO : 0;
}
