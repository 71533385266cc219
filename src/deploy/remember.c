#include "deploy/remember.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "install/seal.h"
#include "store/history.h"
#include "store/layout.h"

/* A slot, and how the last transaction ended that brought what is in it. */
struct known {
	enum slot slot;
	bool sealed;
	struct state_release release;
	enum outcome outcome; /* OUTCOME_NONE: the history does not know it */
};

struct past {
	struct history_entry *entries; /* newest first */
	size_t n;
};

static void past_done(struct past *past)
{
	free(past->entries);
}

/* Outcomes that say nothing of the release are passed over. */
static bool is_verdict(enum outcome outcome)
{
	return outcome == OUTCOME_COMMITTED || outcome == OUTCOME_ROLLED_BACK ||
	       outcome == OUTCOME_ROLLED_BACK_UNHEALTHY || outcome == OUTCOME_BOTH_BAD ||
	       outcome == OUTCOME_FAILED_FIRST;
}

static struct known look_at(const struct session *session, const struct past *past, enum slot slot)
{
	struct known known = { .slot = slot };
	struct descriptor descriptor;

	if (slot == SLOT_NONE || seal_peek(session->dirfd, slot, &descriptor, NULL) != 0)
		return known;
	known.sealed = true;
	known.release.digest = descriptor.index;
	known.release.sequence = descriptor.sequence;
	(void)text_copy(descriptor.version, known.release.version, sizeof(known.release.version));
	for (size_t i = 0; i < past->n && known.outcome == OUTCOME_NONE; i++) {
		const struct history_entry *entry = &past->entries[i];

		if (entry->slot == slot && is_verdict(entry->outcome) &&
		    strcmp(entry->to_version, known.release.version) == 0)
			known.outcome = entry->outcome;
	}
	return known;
}

static const struct history_entry *find_last_commit(const struct past *past)
{
	for (size_t i = 0; i < past->n; i++)
		if (past->entries[i].outcome == OUTCOME_COMMITTED)
			return &past->entries[i];
	return NULL;
}

/* A person said "stay" by that, and may have said otherwise since, which is not known any more. */
static void hold(struct session *session, const struct history_entry *last)
{
	struct state_hold *held = &session->state.hold;

	if (!last || (last->verb != VERB_ROLLBACK && last->verb != VERB_SWITCH) ||
	    strncmp(last->why, "drill", strlen("drill")) == 0)
		return;
	*held = (struct state_hold){ .held = true, .since = clock_realtime_usec() };
	(void)text_copy("flipslot", held->who, sizeof(held->who));
	(void)text_print(held->why, sizeof(held->why),
			 "the state was lost after a %s by hand: `flipslot unhold %s` if updates "
			 "may go on",
			 verb_name(last->verb), session->options->app);
}

static void count(struct state_totals *totals, const struct past *past)
{
	for (size_t i = 0; i < past->n; i++) {
		const struct history_entry *entry = &past->entries[i];

		if (entry->outcome != OUTCOME_NONE)
			totals->ended[entry->outcome - 1]++;
		totals->downtime += entry->downtime;
		totals->fetched += entry->fetched;
		totals->requests += entry->requests;
	}
}

/*
 * With the state it is forgotten what was answered last: of what was done the history knows, and it is not done twice. Without a
 * history it is not known, and who asks is asked to ask again.
 */
static void remember_answer(struct session *session, const struct past *past)
{
	struct state *state = &session->state;
	struct request request;

	if (request_load(session->dirfd, &request, NULL) != 0 ||
	    (past->n > 0 && strcmp(past->entries[0].id, request.id) != 0))
		return;
	(void)text_copy(request.id, state->answered, sizeof(state->answered));
	state->accepted = past->n > 0;
	if (!state->accepted)
		(void)text_copy("state and history were lost, and it is not known whether this was "
				"done before: ask again",
				state->answer, sizeof(state->answer));
}

static void judge(struct session *session, const struct past *past, const struct known *current,
		  const struct known *other)
{
	const struct history_entry *last = find_last_commit(past);
	struct state *state = &session->state;
	bool is_proven = other->sealed && other->outcome == OUTCOME_COMMITTED;
	bool is_fled = is_proven && last && last->verb == VERB_ROLLBACK;

	if (is_proven && (!current->sealed || current->outcome != OUTCOME_COMMITTED)) {
		state->good = other->release;
	} else if (current->sealed) {
		state->good = current->release;
		if (is_proven && !is_fled)
			state->fallback = other->release;
		else if (is_fled)
			state_remember_bad(state, &other->release);
	}
	if (other->sealed && other->outcome != OUTCOME_NONE && !is_proven)
		state_remember_bad(state, &other->release);
	hold(session, last);
}

int remember_state(struct session *session, struct error *err)
{
	_cleanup_(past_done) struct past past = {};
	enum slot slot = SLOT_NONE;
	struct known current, other;

	if (!session->state_lost)
		return 0;
	(void)history_load(session->dirfd, HISTORY_ENTRIES, &past.entries, &past.n, NULL);
	count(&session->state.totals, &past);
	remember_answer(session, &past);
	if (layout_current(session->dirfd, &slot, NULL) != 0)
		return 0;
	current = look_at(session, &past, slot);
	other = look_at(session, &past, slot_other(slot));
	judge(session, &past, &current, &other);
	if (digest_is_null(&session->state.good.digest))
		return 0;
	session_tell(session, EVENT_WARNING, FAULT_CORRUPT,
		     "the state of %s was lost; %s in slot %s is taken for known good%s",
		     session->options->app, session->state.good.version,
		     slot_name(digest_equal(&session->state.good.digest, &current.release.digest) ?
				       current.slot :
				       other.slot),
		     session->state.hold.held ? ", and updates are held" : "");
	return session_store(session, err);
}
