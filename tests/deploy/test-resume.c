/* What starts of the worker and of the machine cost a transaction. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "deploy/resume.h"

static struct state_transaction make(unsigned int tries)
{
	return (struct state_transaction){
		.boot_id = "boot-1",
		.invocation = "aa",
		.old_invocation = "bb",
		.boot_tries_left = tries,
		.release.version = "2.0",
	};
}

static enum resume_verdict judge(enum phase phase, struct state_transaction *transaction,
				 const char *boot)
{
	char reason[STATE_REASON_MAX] = "";
	enum resume_verdict verdict;

	verdict = resume_judge(phase, transaction, boot, reason, sizeof(reason));
	assert_int_equal(verdict == RESUME_GO_ON, reason[0] == '\0');
	return verdict;
}

static void test_same_boot_costs_no_try(void **state)
{
	struct state_transaction transaction = make(2);

	(void)state;
	assert_int_equal(judge(PHASE_TRIAL, &transaction, "boot-1"), RESUME_GO_ON);
	assert_int_equal(transaction.boot_tries_left, 2);
	assert_int_equal(transaction.attempts, 1);
	assert_string_equal(transaction.invocation, "aa");
}

static void test_unorderly_boots_run_out(void **state)
{
	static const enum phase phases[] = { PHASE_SWITCHING, PHASE_TRIAL, PHASE_WATCHING };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(phases); i++) {
		struct state_transaction transaction = make(2);

		assert_int_equal(judge(phases[i], &transaction, "boot-2"), RESUME_GO_ON);
		assert_string_equal(transaction.boot_id, "boot-2");
		assert_string_equal(transaction.invocation, "");
		assert_int_equal(judge(phases[i], &transaction, "boot-3"), RESUME_REVERT);
	}
}

static void test_orderly_boot_is_free_once(void **state)
{
	struct state_transaction transaction = make(1);

	(void)state;
	transaction.orderly = true;
	assert_int_equal(judge(PHASE_WATCHING, &transaction, "boot-2"), RESUME_GO_ON);
	assert_int_equal(transaction.boot_tries_left, 1);
	assert_false(transaction.orderly);
	assert_int_equal(judge(PHASE_WATCHING, &transaction, "boot-3"), RESUME_REVERT);
}

static void test_boots_before_the_switch_cost_nothing(void **state)
{
	struct state_transaction transaction = make(1);

	(void)state;
	assert_int_equal(judge(PHASE_STAGING, &transaction, "boot-2"), RESUME_GO_ON);
	assert_int_equal(judge(PHASE_STAGED, &transaction, "boot-3"), RESUME_GO_ON);
	assert_int_equal(judge(PHASE_REVERTING, &transaction, "boot-4"), RESUME_GO_ON);
	assert_int_equal(transaction.boot_tries_left, 1);
}

static enum resume_verdict start_often(enum phase phase)
{
	struct state_transaction transaction = make(2);
	bool touched = phase != PHASE_STAGING && phase != PHASE_STAGED;

	for (unsigned int i = 0; i < (touched ? RESUME_ATTEMPTS_MAX : RESUME_STAGING_MAX); i++)
		assert_int_equal(judge(phase, &transaction, "boot-1"), RESUME_GO_ON);
	return judge(phase, &transaction, "boot-1");
}

static void test_starts_in_one_phase_run_out(void **state)
{
	(void)state;
	assert_int_equal(start_often(PHASE_STAGING), RESUME_FAIL);
	assert_int_equal(start_often(PHASE_STAGED), RESUME_FAIL);
	assert_int_equal(start_often(PHASE_SWITCHING), RESUME_REVERT);
	assert_int_equal(start_often(PHASE_TRIAL), RESUME_REVERT);
	assert_int_equal(start_often(PHASE_WATCHING), RESUME_REVERT);
	assert_int_equal(start_often(PHASE_REVERTING), RESUME_GO_ON);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_boot_costs_no_try),
		cmocka_unit_test(test_unorderly_boots_run_out),
		cmocka_unit_test(test_orderly_boot_is_free_once),
		cmocka_unit_test(test_boots_before_the_switch_cost_nothing),
		cmocka_unit_test(test_starts_in_one_phase_run_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
