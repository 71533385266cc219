#include <string.h>

#include "base/text.h"
#include "deploy/accord.h"
#include "deploy/alert.h"
#include "deploy/ending.h"
#include "deploy/epoch.h"
#include "deploy/lastwords.h"
#include "store/history.h"

/* An outbox that cannot be written takes nothing from the outcome. */
static void alert(struct session *session)
{
	const struct outbox_entry entry = alert_of(&session->state.transaction);
	struct error why = {};

	if (alert_raise(session, &entry, &why) < 0)
		session_tell(session, EVENT_WARNING, why.fault,
			     "nobody will be alerted of the outcome: %s", why.text);
}

int ending_record(struct session *session, struct error *err)
{
	struct state_transaction *transaction = &session->state.transaction;
	struct event event = { .kind = EVENT_OUTCOME };
	struct history_entry entry;
	struct group group;
	int r;

	if (transaction->outcome == OUTCOME_NONE || transaction->recorded)
		return 0;
	entry = history_entry_of(transaction);
	r = history_append(session->dirfd, &entry, err);
	if (r < 0)
		return error_prefix(err, r, "writing the history of %s", session->options->app);
	alert(session);
	event.fault = transaction->fault;
	event.text = transaction->reason;
	if (transaction->ended > transaction->began)
		event.duration_usec = transaction->ended - transaction->began;
	session_tell_event(session, event);
	r = accord_note(session, GROUP_ENDED, &group, err);
	if (r < 0)
		return r;
	transaction->recorded = true;
	return session_store(session, err);
}

static int end(struct session *session, enum outcome outcome, enum fault fault, const char *reason,
	       struct error *err)
{
	struct state_transaction *transaction = &session->state.transaction;
	int r;

	transaction->outcome = outcome;
	transaction->recorded = false;
	transaction->ended = clock_realtime_usec();
	transaction->fault = fault;
	(void)text_copy(reason, transaction->reason, sizeof(transaction->reason));
	state_count(&session->state, transaction);
	r = session_enter(session, MACHINE_ENDED, err);
	if (r < 0)
		return r;
	/* commit point of the outcome */
	return ending_record(session, err);
}

/*
 * What the source offered, without a descriptor, as the metadata names it: the next look sees only that. Null
 * for everything else.
 */
static struct state_release promise_of(const struct state_transaction *transaction)
{
	struct state_release promise = transaction->release;

	promise.digest = transaction->verb == VERB_UPDATE ? transaction->source_digest :
							    (struct digest){};
	return promise;
}

/* Was the release tried, and did not stand? */
static bool outcome_condemns(enum outcome outcome)
{
	return outcome == OUTCOME_FAILED_FIRST || outcome == OUTCOME_ROLLED_BACK ||
	       outcome == OUTCOME_ROLLED_BACK_UNHEALTHY || outcome == OUTCOME_BOTH_BAD;
}

int ending_end(struct session *session, enum outcome outcome, enum fault fault, const char *reason,
	       struct error *err)
{
	struct state_transaction *transaction = &session->state.transaction;
	char text[STATE_REASON_MAX];
	int r = accord_veto(session, fault, reason, err);

	if (r < 0)
		return r;
	if (outcome_condemns(outcome) && !transaction->unjudged && !accord_is_spared(session) &&
	    !digest_is_null(&transaction->release.digest)) {
		const struct state_release promise = promise_of(transaction);

		state_remember_bad(&session->state, &promise);
		state_remember_bad(&session->state, &transaction->release);
	}
	(void)text_copy(reason, text, sizeof(text));
	if (outcome_condemns(outcome))
		lastwords_append(session, text, sizeof(text));
	return end(session, outcome, fault, text, err);
}

static int send_back(struct session *session, enum fault fault, const char *reason,
		     struct error *err)
{
	char barred[STATE_REASON_MAX / 2], text[STATE_REASON_MAX];
	int r = accord_veto(session, fault, reason, err);

	if (r < 0)
		return r;
	if (r == ACCORD_ALL) /* it had passed, as all of them */
		return ending_commit(session, "passed, as its group did; then: it failed", err);
	if (accord_is_bound(session)) /* all or none: nobody stays */
		return session_condemn(session, fault, reason, err);
	if (epoch_bars_return(session, barred, sizeof(barred)))
		return ending_end(session, OUTCOME_FAILED, fault,
				  text_print(text, sizeof(text), "no way back: %s; it stays: %s",
					     barred, reason),
				  err);
	if (!session->options->keep)
		return session_condemn(session, fault, reason, err);
	return ending_end(session, OUTCOME_FAILED, fault, reason, err);
}

int ending_unhealthy(struct session *session, const char *reason, struct error *err)
{
	return send_back(session, FAULT_UNHEALTHY, reason, err);
}

int ending_unjudged(struct session *session, const char *reason, struct error *err)
{
	session->state.transaction.unjudged = true;
	return send_back(session, FAULT_UNIT, reason, err);
}

static void remember_start(struct state *state, uint64_t took)
{
	if (took == 0)
		return;
	memmove(&state->starts[1], &state->starts[0],
		sizeof(state->starts) - sizeof(state->starts[0]));
	state->starts[0] = took;
}

static void hold_the_choice(struct state *state)
{
	struct state_transaction *transaction = &state->transaction;
	struct state_hold *hold = &state->hold;

	if (verb_stages(transaction->verb) || hold->held)
		return;
	*hold = (struct state_hold){ .held = true, .since = clock_realtime_usec() };
	(void)text_copy(transaction->who, hold->who, sizeof(hold->who));
	(void)snprintf(hold->why, sizeof(hold->why), "%s to %s by hand%s%s",
		       verb_name(transaction->verb), transaction->release.version,
		       transaction->why[0] ? ": " : "", transaction->why);
}

static void make_good(struct state *state)
{
	struct state_transaction *transaction = &state->transaction;

	if (transaction->verb != VERB_ROLLBACK) {
		state->fallback = state->good;
	} else {
		/* who fled from a release must not be sent back to it by the next rollback */
		state->fallback = (struct state_release){};
		if (!digest_is_null(&state->good.digest))
			state_remember_bad(state, &state->good);
	}
	state->good = transaction->release;
}

int ending_commit(struct session *session, const char *reason, struct error *err)
{
	struct state *state = &session->state;
	struct state_transaction *transaction = &state->transaction;
	const struct state_release promise = promise_of(transaction);

	if (!digest_equal(&state->good.digest, &transaction->release.digest))
		make_good(state);
	else if (transaction->switched > 0)
		state->fallback =
			(struct state_release){}; /* its slot holds the same content now */
	state_forget_bad(state, &transaction->release.digest);
	state_forget_bad(state, &promise.digest);
	remember_start(state, transaction->downtime);
	hold_the_choice(state);
	return end(session, OUTCOME_COMMITTED, FAULT_NONE, reason, err);
}
