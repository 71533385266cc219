/* LDFLAGS: -Wl,--wrap=fdatasync */
#include "store/state.h"

#include "base/cleanup.h"
#include "store/layout.h"
#include "store/record.h"
#include "laid-out.h"
#include "members.h"

static void random_text(char *ret_text, size_t room)
{
	check_text(ret_text, check_below(3) ? 1 : room, "abc =\n\\\xc3\xa4\t1");
}

static struct digest random_digest(void)
{
	struct digest digest = {};

	for (size_t i = 0; i < DIGEST_SIZE && check_state % 3; i++)
		digest.bytes[i] = (uint8_t)check_random();
	return digest;
}

static struct state_release random_release(void)
{
	struct state_release release = { .digest = random_digest() };

	random_text(release.version, sizeof(release.version));
	return release;
}

static enum slot random_slot(void)
{
	return (enum slot)((int)check_below(3) - 1);
}

static void random_transaction(struct state_transaction *t)
{
	random_text(t->id, sizeof(t->id));
	t->verb = (enum verb)check_below(VERB_MAX);
	t->target = random_slot();
	t->origin = random_slot();
	t->release = random_release();
	t->began = check_random();
	t->phase_began = check_random() >> 32;
	t->switched = check_random() >> check_below(64);
	random_text(t->boot_id, sizeof(t->boot_id));
	t->orderly = check_below(2);
	t->attempts = (unsigned int)check_random();
	t->boot_tries_left = (unsigned int)check_below(3);
	random_text(t->old_invocation, sizeof(t->old_invocation));
	random_text(t->invocation, sizeof(t->invocation));
	t->phase_began_monotonic = check_random();
	t->downtime = check_random();
	t->fetched = check_random();
	t->requests = check_random();
	t->files = check_random();
	t->reused = check_random();
	random_text(t->from_version, sizeof(t->from_version));
	random_text(t->unit, sizeof(t->unit));
	random_text(t->user, sizeof(t->user));
	random_text(t->baseline, sizeof(t->baseline));
	random_text(t->siblings, sizeof(t->siblings));
	random_text(t->ports, sizeof(t->ports));
	t->was_up = check_below(2);
	t->trust_me = check_below(2);
	t->outcome = (enum outcome)check_below(OUTCOME_MAX);
	t->recorded = check_below(2);
	t->ended = check_random();
	t->fault = (enum fault)check_below(FAULT_MAX);
	random_text(t->reason, sizeof(t->reason));
	random_text(t->source, sizeof(t->source));
	t->source_digest = random_digest();
	t->strip_components = (unsigned int)check_random();
	t->start = check_below(2);
	t->force = check_below(2);
	random_text(t->why, sizeof(t->why));
	random_text(t->who, sizeof(t->who));
	random_text(t->signer, sizeof(t->signer));
	random_text(t->group, sizeof(t->group));
	random_text(t->round, sizeof(t->round));
}

static void random_state(struct state *s)
{
	memset(s, 0, sizeof(*s));
	s->phase = (enum phase)check_below(PHASE_MAX);
	random_transaction(&s->transaction);
	s->good = random_release();
	s->fallback = random_release();
	s->hold.held = check_below(2);
	s->hold.since = check_random();
	s->hold.until = check_random();
	random_text(s->hold.who, sizeof(s->hold.who));
	random_text(s->hold.why, sizeof(s->hold.why));
	for (size_t i = 0; i < STATE_BAD_MAX; i++)
		s->bad[i] = random_release();
	for (size_t i = 0; i < STATE_STARTS_MAX; i++)
		s->starts[i] = check_random() >> check_below(64);
	for (size_t i = 0; i < ARRAY_SIZE(s->totals.ended); i++)
		s->totals.ended[i] = (unsigned int)check_random();
	s->totals.downtime = check_random();
	random_text(s->late, sizeof(s->late));
	random_text(s->answered, sizeof(s->answered));
	s->accepted = check_below(2);
	random_text(s->answer, sizeof(s->answer));
}

/* Both are all zeroes in their padding and behind the ends of texts, so that bytes can be compared. */
static void check_same(const struct state *a, const struct state *b)
{
	assert_memory_equal(a, b, sizeof(*a));
}

static void random_states_come_back(void **state)
{
	int dirfd = check_dirfd(state);

	for (int round = 0; round < 3000; round++) {
		struct state before;
		struct state after;

		random_state(&before);
		assert_int_equal(state_store(dirfd, &before, NULL), 0);
		memset(&after, 0x55, sizeof(after));
		assert_int_equal(state_load(dirfd, &after, NULL), 0);
		check_same(&before, &after);
	}
}

static struct state base_state;

static void fill(char *text, size_t room)
{
	memset(text, 'x', room - 1);
}

static void fill_texts(void)
{
	struct state_transaction *t = &base_state.transaction;

	fill(t->id, sizeof(t->id));
	fill(t->release.version, sizeof(t->release.version));
	fill(t->boot_id, sizeof(t->boot_id));
	fill(t->old_invocation, sizeof(t->old_invocation));
	fill(t->invocation, sizeof(t->invocation));
	fill(t->from_version, sizeof(t->from_version));
	fill(t->unit, sizeof(t->unit));
	fill(t->user, sizeof(t->user));
	fill(t->baseline, sizeof(t->baseline));
	fill(t->siblings, sizeof(t->siblings));
	fill(t->ports, sizeof(t->ports));
	fill(t->reason, sizeof(t->reason));
	fill(t->source, sizeof(t->source));
	fill(t->why, sizeof(t->why));
	fill(t->who, sizeof(t->who));
	fill(t->signer, sizeof(t->signer));
	fill(t->group, sizeof(t->group));
	fill(t->round, sizeof(t->round));
	fill(base_state.good.version, sizeof(base_state.good.version));
	fill(base_state.fallback.version, sizeof(base_state.fallback.version));
	fill(base_state.hold.who, sizeof(base_state.hold.who));
	fill(base_state.hold.why, sizeof(base_state.hold.why));
	for (size_t i = 0; i < STATE_BAD_MAX; i++)
		fill(base_state.bad[i].version, sizeof(base_state.bad[i].version));
	fill(base_state.late, sizeof(base_state.late));
	fill(base_state.answered, sizeof(base_state.answered));
	fill(base_state.answer, sizeof(base_state.answer));
}

static int store_any(int dirfd, const void *object)
{
	return state_store(dirfd, object, NULL);
}

static int load_any(int dirfd, void *ret_object)
{
	return state_load(dirfd, ret_object, NULL);
}

/* A member that was added to the struct and forgotten in the table is found here. */
static void every_member_is_kept(void **state)
{
	static struct state changed;
	static struct state back;
	static struct state holes;

	memset(&base_state, 0, sizeof(base_state));
	fill_texts();
	memset(&holes, 0xff, sizeof(holes));
	/* not of all at once: gcc 12 loses its way behind an array of structs */
	MEMBERS_CLEAR_PADDING(&holes.transaction);
	MEMBERS_CLEAR_PADDING(&holes.hold);
	MEMBERS_CLEAR_GAP(&holes, sizeof(holes.phase), offsetof(struct state, transaction));
	MEMBERS_CLEAR_GAP(&holes, offsetof(struct state, answer) + sizeof(holes.answer),
			  sizeof(holes));
	members_check(check_dirfd(state), &base_state, &changed, &back, &holes, sizeof(base_state),
		      store_any, load_any);
}

/* Newlines take two bytes each: more than any real state. */
static void the_largest_state_fits_and_keeps_what_counts(void **state)
{
	int dirfd = check_dirfd(state);
	static struct state before;
	static struct state after;

	memset(&base_state, 0, sizeof(base_state));
	fill_texts();
	random_state(&before);
	memcpy(&before, &base_state, sizeof(before));
	for (char *c = (char *)&before; c < (char *)(&before + 1); c++)
		*c = *c == 'x' ? '\n' : *c;
	/* names and ids never have one */
	memset(before.transaction.id, 'x', sizeof(before.transaction.id) - 1);
	memset(before.transaction.boot_id, 'x', sizeof(before.transaction.boot_id) - 1);
	memset(before.transaction.invocation, 'x', sizeof(before.transaction.invocation) - 1);
	memset(before.transaction.unit, 'x', sizeof(before.transaction.unit) - 1);
	memset(before.transaction.baseline, 'x', sizeof(before.transaction.baseline) - 1);
	memset(before.transaction.siblings, 'x', sizeof(before.transaction.siblings) - 1);
	memset(before.transaction.ports, 'x', sizeof(before.transaction.ports) - 1);
	memset(before.transaction.group, 'x', sizeof(before.transaction.group) - 1);
	memset(before.transaction.round, 'x', sizeof(before.transaction.round) - 1);
	before.phase = PHASE_SWITCHING;
	before.transaction.verb = VERB_ROLLBACK;
	before.transaction.outcome = OUTCOME_ROLLED_BACK_UNHEALTHY;
	before.transaction.fault = FAULT_UNTRUSTED;
	before.transaction.target = before.transaction.origin = SLOT_NONE;
	memset(&before.transaction.release.digest, 0xee, DIGEST_SIZE);
	memset(&before.transaction.source_digest, 0xee, DIGEST_SIZE);
	memset(&before.good.digest, 0xee, DIGEST_SIZE);
	memset(&before.fallback.digest, 0xee, DIGEST_SIZE);
	for (size_t i = 0; i < STATE_BAD_MAX; i++)
		memset(&before.bad[i].digest, 0xee, DIGEST_SIZE);
	memset(before.starts, 0xff, sizeof(before.starts));
	memset(&before.totals, 0xff, sizeof(before.totals));
	before.transaction.began = before.transaction.phase_began = UINT64_MAX;
	before.transaction.switched = before.transaction.ended = UINT64_MAX;
	before.transaction.phase_began_monotonic = before.transaction.downtime = UINT64_MAX;
	before.transaction.fetched = before.transaction.requests = UINT64_MAX;
	before.transaction.files = before.transaction.reused = UINT64_MAX;
	before.transaction.attempts = before.transaction.boot_tries_left = UINT32_MAX;
	before.transaction.strip_components = UINT32_MAX;
	before.transaction.orderly = before.transaction.trust_me = true;
	before.transaction.recorded = before.transaction.start = true;
	before.hold.held = before.accepted = true;
	before.hold.since = before.hold.until = UINT64_MAX;
	assert_int_equal(state_store(dirfd, &before, NULL), 0);
	assert_int_equal(state_load(dirfd, &after, NULL), 0);

	/* the same but for the reasons and the versions of bad releases */
	assert_true(strlen(after.transaction.reason) < STATE_REASON_MAX - 1);
	assert_int_equal(strlen(after.hold.why), 47);
	assert_int_equal(strlen(after.answer), 47);
	memcpy(after.transaction.reason, before.transaction.reason, STATE_REASON_MAX);
	assert_true(strlen(after.transaction.why) < STATE_WHY_MAX);
	memcpy(after.transaction.why, before.transaction.why, STATE_WHY_MAX);
	memcpy(after.hold.why, before.hold.why, STATE_REASON_MAX);
	memcpy(after.answer, before.answer, STATE_REASON_MAX);
	for (size_t i = 0; i < STATE_BAD_MAX; i++)
		memcpy(after.bad[i].version, before.bad[i].version, STATE_VERSION_MAX);
	check_same(&before, &after);
}

/* Without newlines and backslashes, that is in life, nothing is ever cut. */
static void the_largest_plain_state_is_not_cut(void **state)
{
	int dirfd = check_dirfd(state);
	static struct state after;

	memset(&base_state, 0, sizeof(base_state));
	fill_texts();
	for (size_t i = 0; i < STATE_BAD_MAX; i++)
		memset(&base_state.bad[i].digest, 0xee, DIGEST_SIZE);
	memset(&base_state.good.digest, 0xee, DIGEST_SIZE);
	memset(&base_state.fallback.digest, 0xee, DIGEST_SIZE);
	memset(&base_state.transaction.release.digest, 0xee, DIGEST_SIZE);
	memset(&base_state.transaction.source_digest, 0xee, DIGEST_SIZE);
	memset(base_state.starts, 0xff, sizeof(base_state.starts));
	memset(&base_state.totals, 0xff, sizeof(base_state.totals));
	assert_int_equal(state_store(dirfd, &base_state, NULL), 0);
	assert_int_equal(state_load(dirfd, &after, NULL), 0);
	check_same(&base_state, &after);
}

static void a_state_that_was_never_written_is_idle(void **state)
{
	struct state loaded;
	struct state wanted = {};

	wanted.transaction.target = wanted.transaction.origin = SLOT_NONE;
	memset(&loaded, 0x55, sizeof(loaded));
	assert_int_equal(state_load(check_dirfd(state), &loaded, NULL), 0);
	check_same(&loaded, &wanted);
	assert_int_equal(loaded.phase, PHASE_IDLE);
}

static void no_state_is_said(void **state)
{
	int dirfd = check_dirfd(state);
	struct error err = {};
	struct state loaded;

	assert_int_equal(unlinkat(dirfd, LAYOUT_STATE, 0), 0);
	check_error(state_load(dirfd, &loaded, &err), &err, FAULT_CORRUPT, "state is gone");
	check_error(state_store(dirfd, &(struct state){}, &err), &err, FAULT_CORRUPT,
		    "state is gone");
	assert_int_equal(renameat(dirfd, "slots", dirfd, "other"), 0);
	check_error(state_load(dirfd, &loaded, &err), &err, FAULT_CONFIG, "flipslot init");
}

static void the_text_is_the_published_one(void **state)
{
	static const char wanted[] = "phase=trial\n"
				     "transaction.id=6b0d0eb6-4f5b-4d8b-9f3e-0d7d5b0c1a2f\n"
				     "transaction.verb=install\n"
				     "transaction.target=b\n"
				     "transaction.origin=a\n"
				     "transaction.began=1795469645000000\n"
				     "transaction.source=/srv/web-1.2.3.tar.zst\n"
				     "good.version=1.2.2\n"
				     "hold=yes\n"
				     "start.0=1500000\n"
				     "total.rolled-back=3\n"
				     "total.downtime=1700000\n"
				     "accepted=yes\n";
	_cleanup_free_ char *payload = NULL;
	struct state s = {
		.phase = PHASE_TRIAL,
		.transaction = { .id = "6b0d0eb6-4f5b-4d8b-9f3e-0d7d5b0c1a2f",
				 .verb = VERB_INSTALL,
				 .target = SLOT_B,
				 .origin = SLOT_A,
				 .began = 1795469645000000,
				 .source = "/srv/web-1.2.3.tar.zst" },
		.good = { .version = "1.2.2" },
		.hold = { .held = true },
		.starts = { 1500000 },
		.totals = { .ended = { [OUTCOME_ROLLED_BACK - 1] = 3 }, .downtime = 1700000 },
		.accepted = true,
	};

	assert_int_equal(state_store(check_dirfd(state), &s, NULL), 0);
	assert_int_equal(record_load(check_dirfd(state), LAYOUT_STATE, &payload, NULL, NULL), 0);
	assert_string_equal(payload, wanted);
}

static void a_newer_version_may_know_more_keys_but_not_other_values(void **state)
{
	int dirfd = check_dirfd(state);
	struct error err = {};
	struct state s;

	assert_int_equal(record_store(dirfd, LAYOUT_STATE, "colour=blue\nphase=trial\n", NULL), 0);
	assert_int_equal(state_load(dirfd, &s, NULL), 0);
	assert_int_equal(s.phase, PHASE_TRIAL);
	assert_int_equal(record_store(dirfd, LAYOUT_STATE, "phase=dancing\n", NULL), 0);
	check_error(state_load(dirfd, &s, &err), &err, FAULT_CORRUPT, "phase");
}

static void a_torn_state_gives_the_one_before(void **state)
{
	int dirfd = check_dirfd(state);
	struct state s = { .phase = PHASE_STAGING };
	_cleanup_close_ int fd = openat(dirfd, LAYOUT_STATE, O_WRONLY | O_CLOEXEC);

	assert_int_equal(state_store(dirfd, &s, NULL), 0);
	s.phase = PHASE_STAGED;
	assert_int_equal(state_store(dirfd, &s, NULL), 0);
	assert_int_equal(pwrite(fd, "?", 1, 200), 1);
	assert_int_equal(state_load(dirfd, &s, NULL), STATE_TORN);
	assert_int_equal(s.phase, PHASE_STAGING);
}

static struct state_release release(uint8_t n)
{
	return (struct state_release){ .digest = { { n } }, .version = { (char)('0' + n) } };
}

static bool is_bad(const struct state *s, uint8_t n)
{
	struct state_release bad = release(n);

	return state_is_bad(s, &bad.digest);
}

static void forget_bad(struct state *s, uint8_t n)
{
	struct state_release bad = release(n);

	state_forget_bad(s, &bad.digest);
}

static void what_has_ended_is_counted(void **unused)
{
	static struct state s;
	const struct state_transaction transaction = {
		.outcome = OUTCOME_BOTH_BAD,
		.downtime = 5,
		.fetched = 7,
		.requests = 2,
	};

	state_count(&s, &transaction);
	state_count(&s, &transaction);
	assert_int_equal(s.totals.ended[OUTCOME_BOTH_BAD - 1], 2);
	assert_int_equal(s.totals.ended[OUTCOME_COMMITTED - 1], 0);
	assert_int_equal(s.totals.downtime, 10);
	assert_int_equal(s.totals.fetched, 14);
	assert_int_equal(s.totals.requests, 4);
}

static void bad_releases_are_remembered_newest_first(void **state)
{
	struct state s = {};

	for (uint8_t i = 1; i <= STATE_BAD_MAX + 1; i++) {
		struct state_release bad = release(i);

		assert_false(state_is_bad(&s, &bad.digest));
		state_remember_bad(&s, &bad);
		assert_true(state_is_bad(&s, &bad.digest));
		assert_int_equal(s.bad[0].version[0], '0' + i);
	}
	assert_false(is_bad(&s, 1)); /* the oldest went */
	for (uint8_t i = 2; i <= STATE_BAD_MAX + 1; i++)
		assert_true(is_bad(&s, i));

	state_remember_bad(&s, &s.bad[STATE_BAD_MAX - 1]); /* again: it moves to the front */
	assert_int_equal(s.bad[0].version[0], '2');
	state_remember_bad(&s, &s.bad[2]);
	assert_int_equal(s.bad[0].version[0], '6');
	for (uint8_t i = 2; i <= STATE_BAD_MAX + 1; i++)
		assert_true(is_bad(&s, i));
}

static void bad_releases_are_forgotten(void **state)
{
	struct state s = {};

	for (uint8_t i = 1; i <= STATE_BAD_MAX; i++)
		state_remember_bad(&s, &(struct state_release){ .digest = { { i } } });
	forget_bad(&s, 2);
	forget_bad(&s, STATE_BAD_MAX);
	forget_bad(&s, 99);
	for (uint8_t i = 1; i <= STATE_BAD_MAX; i++)
		assert_int_equal(is_bad(&s, i), i != 2 && i != STATE_BAD_MAX);
	assert_true(digest_is_null(&s.bad[STATE_BAD_MAX - 2].digest));
	assert_false(digest_is_null(&s.bad[STATE_BAD_MAX - 3].digest));
}

static void no_digest_is_never_bad(void **state)
{
	struct state s = {};
	const struct state_release none = { .version = "1" };

	state_remember_bad(&s, &none);
	assert_false(state_is_bad(&s, &none.digest));
	assert_string_equal(s.bad[0].version, "");
	s.bad[0] = release(1);
	s.bad[1] = (struct state_release){ .version = "x" };
	state_forget_bad(&s, &none.digest);
	assert_string_equal(s.bad[1].version, "x");
}

static void a_hold_ends_when_it_says(void **state)
{
	struct state s = {};

	assert_false(state_is_held(&s, 5));
	s.hold.held = true;
	assert_true(state_is_held(&s, UINT64_MAX));
	s.hold.until = 5;
	assert_true(state_is_held(&s, 4));
	assert_false(state_is_held(&s, 5));
	s.hold.held = false;
	assert_false(state_is_held(&s, 4));
}

static struct state_release bad_release(const char *version, uint8_t byte, uint64_t sequence)
{
	struct state_release release = { .sequence = sequence };

	memset(release.digest.bytes, byte, sizeof(release.digest.bytes));
	(void)snprintf(release.version, sizeof(release.version), "%s", version);
	return release;
}

/* By version, sequence, digits of the digest, or all; an offer and what was installed of it are one name. */
static void what_is_forgiven_is_bad_no_more(void **unused)
{
	const struct state_release bads[] = {
		bad_release("1.0", 0x11, 7),
		bad_release("2.0", 0x22, 8),
		bad_release("2.0", 0x33, 8),
		bad_release("4.0", 0x44, 0),
	};
	struct state state = {};
	char names[64];

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(bads); i++)
		state_remember_bad(&state, &bads[i]);
	assert_int_equal(state_forgive(&state, "3.0", names, sizeof(names)), STATE_NOT_BAD);
	assert_int_equal(state_forgive(&state, "0", names, sizeof(names)), STATE_NOT_BAD);
	assert_int_equal(state_forgive(&state, "1111111", names, sizeof(names)), STATE_NOT_BAD);
	assert_int_equal(state_forgive(&state, "11111111", names, sizeof(names)), 0);
	assert_string_equal(names, "1.0");
	assert_false(state_is_bad(&state, &bads[0].digest));
	assert_int_equal(state_forgive(&state, "8", names, sizeof(names)), 0);
	assert_string_equal(names, "2.0");
	assert_false(state_is_bad(&state, &bads[1].digest));
	assert_false(state_is_bad(&state, &bads[2].digest));
	assert_true(state_is_bad(&state, &bads[3].digest));
	assert_int_equal(state_forgive(&state, "4.0", names, sizeof(names)), 0);
	assert_int_equal(state_forgive(&state, "", names, sizeof(names)), STATE_NOT_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_with_layout(random_states_come_back),
		check_with_layout(every_member_is_kept),
		check_with_layout(the_largest_state_fits_and_keeps_what_counts),
		check_with_layout(the_largest_plain_state_is_not_cut),
		check_with_layout(a_state_that_was_never_written_is_idle),
		check_with_layout(no_state_is_said),
		check_with_layout(the_text_is_the_published_one),
		check_with_layout(a_newer_version_may_know_more_keys_but_not_other_values),
		check_with_layout(a_torn_state_gives_the_one_before),
		cmocka_unit_test(what_has_ended_is_counted),
		cmocka_unit_test(bad_releases_are_remembered_newest_first),
		cmocka_unit_test(bad_releases_are_forgotten),
		cmocka_unit_test(no_digest_is_never_bad),
		cmocka_unit_test(a_hold_ends_when_it_says),
		cmocka_unit_test(what_is_forgiven_is_bad_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
