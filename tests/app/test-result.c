/* How a transaction ended: where it is found, what is said, which exit status. */
#include "scratch.h"

#include <fcntl.h>

#include "app/cli.h"
#include "app/result.h"
#include "store/layout.h"

#define ID    "11111111-1111-4111-8111-111111111111"
#define OTHER "22222222-2222-4222-8222-222222222222"

static int open_layout(const struct scratch *scratch)
{
	int fd = open(scratch->top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct error err = {};

	assert_true(fd >= 0);
	if (layout_create(fd, &err) < 0)
		fail_msg("%s", err.text);
	return fd;
}

static struct state make_state(enum phase phase, enum outcome outcome)
{
	return (struct state){
		.phase = phase,
		.transaction = {
			.id = ID,
			.verb = VERB_INSTALL,
			.target = SLOT_B,
			.origin = SLOT_A,
			.release = { .digest = { { 1 } }, .version = "1.4" },
			.from_version = "1.3",
			.began = 1700000000000000,
			.ended = 1700000009000000,
			.switched = 1700000005000000,
			.downtime = 412000,
			.outcome = outcome,
			.fault = outcome == OUTCOME_COMMITTED ? FAULT_NONE : FAULT_UNHEALTHY,
			.reason = "probe web: HTTP 500",
			.invocation = "0123456789abcdef0123456789abcdef",
			.who = "alice by sudo",
		},
		.bad = { { .digest = { { 1 } }, .version = "1.4" } },
	};
}

static void test_found_in_the_state(void **state)
{
	_cleanup_close_ int dirfd = open_layout(*state);
	struct state stored = make_state(PHASE_TRIAL, OUTCOME_NONE);
	struct result result;

	assert_int_equal(state_store(dirfd, &stored, NULL), 0);
	assert_int_equal(result_find(dirfd, ID, &result, NULL), RESULT_NOT_YET);
	assert_int_equal(result_find(dirfd, OTHER, &result, NULL), RESULT_UNKNOWN);
	stored = make_state(PHASE_REVERTING, OUTCOME_ROLLED_BACK); /* the phase decides */
	assert_int_equal(state_store(dirfd, &stored, NULL), 0);
	assert_int_equal(result_find(dirfd, ID, &result, NULL), RESULT_NOT_YET);
	stored = make_state(PHASE_IDLE, OUTCOME_ROLLED_BACK);
	assert_int_equal(state_store(dirfd, &stored, NULL), 0);
	assert_int_equal(result_find(dirfd, ID, &result, NULL), 0);
	assert_int_equal(result.entry.outcome, OUTCOME_ROLLED_BACK);
	assert_string_equal(result.entry.to_version, "1.4");
	assert_string_equal(result.entry.from_version, "1.3");
	assert_string_equal(result.invocation, "0123456789abcdef0123456789abcdef");
	assert_true(result.is_last && result.switched && result.remembered_bad);
}

/* Another transaction has begun since. */
static void test_found_in_the_history(void **state)
{
	_cleanup_close_ int dirfd = open_layout(*state);
	struct state stored = make_state(PHASE_IDLE, OUTCOME_COMMITTED);
	struct result result;

	result_of_state(&stored, &result);
	(void)snprintf(result.entry.id, sizeof(result.entry.id), "%s", OTHER);
	assert_int_equal(history_append(dirfd, &result.entry, NULL), 0);
	assert_int_equal(state_store(dirfd, &stored, NULL), 0);
	assert_int_equal(result_find(dirfd, OTHER, &result, NULL), 0);
	assert_int_equal(result.entry.outcome, OUTCOME_COMMITTED);
	assert_false(result.is_last);
}

static void test_line_of_the_end(void **state)
{
	struct state stored = make_state(PHASE_IDLE, OUTCOME_ROLLED_BACK);
	struct event_line line;
	struct result result;

	(void)state;
	result_of_state(&stored, &result);
	result_to_line(&result, "gateway", &line);
	assert_int_equal(line.kind, EVENT_OUTCOME);
	assert_int_equal(line.outcome, OUTCOME_ROLLED_BACK);
	assert_int_equal(line.duration, 9000000);
	assert_string_equal(line.transaction, ID);
	assert_string_equal(line.reason, "probe web: HTTP 500");
}

static void test_exit_status(void **state)
{
	static const struct {
		enum outcome outcome;
		enum fault fault;
		enum verb asked;
		int status;
	} rows[] = {
		{ OUTCOME_COMMITTED, FAULT_NONE, VERB_INSTALL, 0 },
		{ OUTCOME_COMMITTED, FAULT_NONE, VERB_NONE, 0 },
		{ OUTCOME_REFUSED, FAULT_UNTRUSTED, VERB_INSTALL, 5 },
		{ OUTCOME_REFUSED, FAULT_BUSY, VERB_INSTALL, 11 },
		{ OUTCOME_REFUSED, FAULT_NONE, VERB_INSTALL, 1 },
		{ OUTCOME_FAILED, FAULT_NO_SPACE, VERB_INSTALL, 8 },
		{ OUTCOME_FAILED, FAULT_NONE, VERB_INSTALL, 1 },
		{ OUTCOME_FAILED_FIRST, FAULT_NONE, VERB_INSTALL, 10 },
		{ OUTCOME_ROLLED_BACK, FAULT_UNHEALTHY, VERB_INSTALL, 10 },
		{ OUTCOME_ROLLED_BACK, FAULT_NONE, VERB_INSTALL, 12 },
		{ OUTCOME_ROLLED_BACK, FAULT_NONE, VERB_ROLLBACK, 0 },
		{ OUTCOME_ROLLED_BACK, FAULT_NONE, VERB_NONE, 12 },
		{ OUTCOME_ROLLED_BACK_UNHEALTHY, FAULT_NONE, VERB_ROLLBACK, 10 },
		{ OUTCOME_BOTH_BAD, FAULT_UNHEALTHY, VERB_ROLLBACK, 10 },
		{ OUTCOME_CANCELLED, FAULT_NONE, VERB_INSTALL, 12 },
		{ OUTCOME_CANCELLED, FAULT_NONE, VERB_CANCEL, 0 },
		{ OUTCOME_COMMITTED, FAULT_NONE, VERB_CANCEL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct history_entry entry = { .outcome = rows[i].outcome,
						     .fault = rows[i].fault };

		assert_int_equal(result_exit_status(&entry, rows[i].asked), rows[i].status);
	}
}

static void describe(const struct state *stored, struct text *text)
{
	struct result result;

	result_of_state(stored, &result);
	result_describe(&result, "gateway", "gateway.service", text);
	assert_int_equal(text_check(text, NULL), 0);
}

static void test_words_of_a_commit(void **state)
{
	struct state stored = make_state(PHASE_IDLE, OUTCOME_COMMITTED);
	_cleanup_text_ struct text text = {};

	(void)state;
	stored.fallback.digest.bytes[0] = 1;
	describe(&stored, &text);
	assert_string_equal(text.data,
			    "gateway: 1.4 is committed: gateway.service runs it from slot b "
			    "(it was down for 412ms)\n"
			    "  probe web: HTTP 500\n"
			    "  back to 1.3: flipslot rollback gateway\n");
}

/* As after an install of the same content under another version. */
static void test_words_of_no_way_back(void **state)
{
	struct state stored = make_state(PHASE_IDLE, OUTCOME_COMMITTED);
	_cleanup_text_ struct text text = {};

	(void)state;
	describe(&stored, &text);
	assert_null(strstr(text.data, "flipslot rollback"));
	assert_non_null(strstr(text.data, "no way back to 1.3"));
}

static void test_words_of_nothing_to_do(void **state)
{
	struct state stored = make_state(PHASE_IDLE, OUTCOME_COMMITTED);
	_cleanup_text_ struct text text = {};

	(void)state;
	stored.transaction.switched = 0;
	(void)snprintf(stored.transaction.reason, sizeof(stored.transaction.reason),
		       "1.4 runs already");
	describe(&stored, &text);
	assert_string_equal(text.data, "gateway: nothing to do: 1.4 runs already\n");
}

static void test_words_of_a_rollback(void **state)
{
	struct state stored = make_state(PHASE_IDLE, OUTCOME_ROLLED_BACK);
	_cleanup_text_ struct text text = {};

	(void)state;
	describe(&stored, &text);
	assert_string_equal(text.data,
			    "gateway: rolled back to 1.3: probe web: HTTP 500\n"
			    "  1.4 is remembered as bad\n"
			    "  log: journalctl INVOCATION_ID=0123456789abcdef0123456789abcdef + "
			    "_SYSTEMD_INVOCATION_ID=0123456789abcdef0123456789abcdef\n"
			    "  all of it in one file: flipslot report gateway\n");
}

/* Whether the service was touched is what one wants to know first. */
static void test_words_of_what_broke_off(void **state)
{
	struct state stored = make_state(PHASE_IDLE, OUTCOME_FAILED);
	_cleanup_text_ struct text before = {}, after = {}, refused = {}, unfetched = {},
				   forged = {};

	(void)state;
	stored.transaction.switched = 0;
	describe(&stored, &before);
	assert_non_null(strstr(before.data, "gateway.service was not touched"));
	assert_null(strstr(before.data, "flipslot update"));
	stored.transaction.verb = VERB_UPDATE;
	stored.transaction.fault = FAULT_NETWORK;
	describe(&stored, &unfetched);
	assert_non_null(strstr(unfetched.data,
			       "once the source can be reached: flipslot update gateway\n"));
	stored = make_state(PHASE_IDLE, OUTCOME_FAILED);
	describe(&stored, &after);
	assert_null(strstr(after.data, "was not touched"));
	stored = make_state(PHASE_IDLE, OUTCOME_REFUSED);
	describe(&stored, &refused);
	assert_string_equal(refused.data,
			    "gateway: refused, nothing was touched: probe web: HTTP 500\n");
	stored.transaction.verb = VERB_UPDATE;
	stored.transaction.fault = FAULT_UNTRUSTED;
	describe(&stored, &forged);
	assert_non_null(strstr(forged.data, "what its publisher signed"));
	assert_non_null(strstr(forged.data, ": flipslot update gateway\n"));
}

/* There is something to say of each, also when little is known. */
static void test_words_of_every_outcome(void **state)
{
	(void)state;
	for (enum outcome outcome = OUTCOME_COMMITTED; outcome < OUTCOME_MAX; outcome++) {
		_cleanup_text_ struct text text = {};
		struct result result = { .entry = { .outcome = outcome, .slot = SLOT_A } };

		result_describe(&result, "gateway", "gateway.service", &text);
		assert_int_equal(strncmp(text.data, "gateway: ", 9), 0);
		assert_int_equal(text.data[text.size - 1], '\n');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_found_in_the_state),
		scratch_test(test_found_in_the_history),
		cmocka_unit_test(test_line_of_the_end),
		cmocka_unit_test(test_exit_status),
		cmocka_unit_test(test_words_of_a_commit),
		cmocka_unit_test(test_words_of_no_way_back),
		cmocka_unit_test(test_words_of_nothing_to_do),
		cmocka_unit_test(test_words_of_a_rollback),
		cmocka_unit_test(test_words_of_what_broke_off),
		cmocka_unit_test(test_words_of_every_outcome),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
