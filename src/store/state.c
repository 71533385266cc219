/*
 * The payload of the record file `state`: fields "key=value\n" (store/fields.h), in this order. A
 * member with its default value has no line, but for phase. slots-layout/README.md says the same for
 * people: keep them together.
 */
#include "store/state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "store/fields.h"
#include "store/layout.h"
#include "store/record.h"

#define S(kind, key, member)	       FIELD(struct state, kind, key, member)
#define T(kind, member)		       S(kind, "transaction." #member, transaction.member)
#define CUT(key, member, order, bytes) FIELD_CUT(struct state, key, member, order, bytes)

#define RELEASE(key, member)                                   \
	S(FIELD_DIGEST, key ".digest", member.digest),         \
		S(FIELD_TEXT, key ".version", member.version), \
		S(FIELD_U64, key ".sequence", member.sequence)

#define ENDED(outcome, key) S(FIELD_UINT, "total." key, totals.ended[(outcome)-1])

/* A release that is remembered as bad is known by its digest: its version may be cut. */
#define BAD(number)                                                         \
	S(FIELD_DIGEST, "bad." #number ".digest", bad[number].digest),      \
		CUT("bad." #number ".version", bad[number].version, 2, 11), \
		S(FIELD_U64, "bad." #number ".sequence", bad[number].sequence)

static const struct field fields[] = {
	S(FIELD_PHASE, "phase", phase),
	T(FIELD_TEXT, id),
	T(FIELD_VERB, verb),
	T(FIELD_TEXT, unit),
	T(FIELD_TEXT, user),
	T(FIELD_SLOT, target),
	T(FIELD_SLOT, origin),
	RELEASE("transaction.release", transaction.release),
	T(FIELD_U64, began),
	T(FIELD_U64, phase_began),
	T(FIELD_U64, switched),
	T(FIELD_TEXT, boot_id),
	T(FIELD_BOOL, orderly),
	T(FIELD_UINT, attempts),
	T(FIELD_UINT, boot_tries_left),
	T(FIELD_TEXT, old_invocation),
	T(FIELD_TEXT, invocation),
	T(FIELD_U64, phase_began_monotonic),
	T(FIELD_U64, downtime),
	T(FIELD_U64, fetched),
	T(FIELD_U64, requests),
	T(FIELD_U64, files),
	T(FIELD_U64, reused),
	T(FIELD_TEXT, from_version),
	T(FIELD_U64, memory),
	T(FIELD_U64, errors),
	T(FIELD_U64, errors_usec),
	T(FIELD_TEXT, baseline),
	T(FIELD_TEXT, siblings),
	T(FIELD_TEXT, ports),
	T(FIELD_BOOL, was_up),
	T(FIELD_BOOL, trust_me),
	T(FIELD_TEXT, signer),
	T(FIELD_OUTCOME, outcome),
	T(FIELD_BOOL, recorded),
	T(FIELD_BOOL, unjudged),
	T(FIELD_U64, ended),
	T(FIELD_FAULT, fault),
	CUT("transaction.reason", transaction.reason, 1, 47),
	T(FIELD_TEXT, source),
	T(FIELD_DIGEST, source_digest),
	T(FIELD_U64, sequence),
	T(FIELD_BOOL, unattended),
	T(FIELD_UINT, strip_components),
	T(FIELD_BOOL, start),
	T(FIELD_BOOL, now),
	T(FIELD_BOOL, no_way_back),
	T(FIELD_BOOL, data),
	T(FIELD_U64, data_inode),
	T(FIELD_U64, epoch),
	T(FIELD_BOOL, force),
	T(FIELD_U64, inhibited),
	T(FIELD_TEXT, group),
	T(FIELD_TEXT, round),
	CUT("transaction.why", transaction.why, 1, 47),
	T(FIELD_TEXT, who),
	RELEASE("good", good),
	RELEASE("fallback", fallback),
	S(FIELD_BOOL, "hold", hold.held),
	S(FIELD_U64, "hold.since", hold.since),
	S(FIELD_U64, "hold.until", hold.until),
	S(FIELD_TEXT, "hold.who", hold.who),
	CUT("hold.why", hold.why, 1, 47),
	BAD(0),
	BAD(1),
	BAD(2),
	BAD(3),
	BAD(4),
	BAD(5),
	S(FIELD_U64, "start.0", starts[0]),
	S(FIELD_U64, "start.1", starts[1]),
	S(FIELD_U64, "start.2", starts[2]),
	S(FIELD_U64, "start.3", starts[3]),
	S(FIELD_U64, "start.4", starts[4]),
	S(FIELD_U64, "start.5", starts[5]),
	S(FIELD_U64, "start.6", starts[6]),
	S(FIELD_U64, "start.7", starts[7]),
	ENDED(OUTCOME_COMMITTED, "committed"),
	ENDED(OUTCOME_REFUSED, "refused"),
	ENDED(OUTCOME_CANCELLED, "cancelled"),
	ENDED(OUTCOME_FAILED, "failed"),
	ENDED(OUTCOME_FAILED_FIRST, "failed-first"),
	ENDED(OUTCOME_ROLLED_BACK, "rolled-back"),
	ENDED(OUTCOME_ROLLED_BACK_UNHEALTHY, "rolled-back-unhealthy"),
	ENDED(OUTCOME_BOTH_BAD, "both-bad"),
	S(FIELD_U64, "total.downtime", totals.downtime),
	S(FIELD_U64, "total.fetched", totals.fetched),
	S(FIELD_U64, "total.requests", totals.requests),
	S(FIELD_TEXT, "late", late),
	S(FIELD_TEXT, "answered", answered),
	S(FIELD_BOOL, "accepted", accepted),
	CUT("answer", answer, 1, 47),
};

_Static_assert(STATE_BAD_MAX == 6 && STATE_STARTS_MAX == 8 && OUTCOME_MAX == 9,
	       "the table above has them all");

void state_count(struct state *state, const struct state_transaction *transaction)
{
	struct state_totals *totals = &state->totals;

	assert(transaction->outcome != OUTCOME_NONE);
	totals->ended[transaction->outcome - 1]++;
	totals->downtime += transaction->downtime;
	totals->fetched += transaction->fetched;
	totals->requests += transaction->requests;
}

int state_load(int dirfd, struct state *ret_state, struct error *err)
{
	_cleanup_free_ char *payload = NULL;
	struct state state = {};
	int load = record_load(dirfd, LAYOUT_STATE, &payload, NULL, err);
	int r;

	if (load < 0)
		return load;
	r = fields_read(fields, ARRAY_SIZE(fields), load == RECORD_EMPTY ? "" : payload, &state,
			err);
	if (r < 0)
		return error_prefix(err, r, LAYOUT_STATE);
	*ret_state = state;
	return load == RECORD_TORN ? STATE_TORN : 0;
}

int state_store(int dirfd, const struct state *state, struct error *err)
{
	_cleanup_free_ char *payload = NULL;
	int r = fields_write(fields, ARRAY_SIZE(fields), state, RECORD_PAYLOAD_MAX, &payload, err);

	return r < 0 ? error_prefix(err, r, LAYOUT_STATE) :
		       record_store(dirfd, LAYOUT_STATE, payload, err);
}

/* The index of the release among the bad ones, or STATE_BAD_MAX. */
static size_t find_bad(const struct state *state, const struct digest *digest)
{
	size_t i;

	for (i = 0; i < STATE_BAD_MAX; i++)
		if (digest_equal(&state->bad[i].digest, digest))
			break;
	return i;
}

bool state_is_bad(const struct state *state, const struct digest *digest)
{
	return !digest_is_null(digest) && find_bad(state, digest) < STATE_BAD_MAX;
}

void state_remember_bad(struct state *state, const struct state_release *release)
{
	struct state_release copy = *release; /* it may be one of the list */

	if (digest_is_null(&copy.digest))
		return;
	state_forget_bad(state, &copy.digest);
	memmove(&state->bad[1], &state->bad[0], (STATE_BAD_MAX - 1) * sizeof(state->bad[0]));
	state->bad[0] = copy;
}

void state_forget_bad(struct state *state, const struct digest *digest)
{
	size_t i = find_bad(state, digest);

	if (i == STATE_BAD_MAX || digest_is_null(digest))
		return;
	memmove(&state->bad[i], &state->bad[i + 1],
		(STATE_BAD_MAX - 1 - i) * sizeof(state->bad[0]));
	state->bad[STATE_BAD_MAX - 1] = (struct state_release){};
}

#define FORGIVE_DIGITS 8 /* of a digest, at least */

/* Does `what` name the release? Its version, its sequence, or the beginning of its digest. */
static bool is_meant(const struct state_release *release, const char *what)
{
	char hex[DIGEST_HEX_MAX];
	char sequence[24];

	if (!what[0] || strcmp(release->version, what) == 0)
		return true;
	(void)snprintf(sequence, sizeof(sequence), "%" PRIu64, release->sequence);
	if (release->sequence > 0 && strcmp(sequence, what) == 0)
		return true;
	return strlen(what) >= FORGIVE_DIGITS &&
	       strncmp(digest_to_hex(&release->digest, hex), what, strlen(what)) == 0;
}

static void add_name(char *names, size_t room, const char *name)
{
	size_t size = strlen(names);

	if (strstr(names, name)) /* what was offered and what was installed of it are two entries */
		return;
	(void)snprintf(names + size, room - size, "%s%s", size > 0 ? ", " : "", name);
}

int state_forgive(struct state *state, const char *what, char *ret_names, size_t room)
{
	size_t i = 0;
	bool any = false;

	ret_names[0] = '\0';
	while (i < STATE_BAD_MAX && !digest_is_null(&state->bad[i].digest)) {
		const struct state_release release = state->bad[i];

		if (!is_meant(&release, what)) {
			i++;
			continue;
		}
		add_name(ret_names, room, release.version);
		state_forget_bad(state, &release.digest);
		any = true;
	}
	return any ? 0 : STATE_NOT_BAD;
}

bool state_is_held(const struct state *state, uint64_t realtime_usec)
{
	return state->hold.held && (state->hold.until == 0 || realtime_usec < state->hold.until);
}
