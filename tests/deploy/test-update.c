/* LDFLAGS: -Wl,--wrap=host_available */
/* What the source offers, judged and staged. */
#include "deploy/update.h"

#include "repo.h"

static struct state_transaction *transaction;
static uint64_t available; /* bytes of memory */

uint64_t __wrap_host_available(void);
uint64_t __wrap_host_available(void)
{
	return available;
}

static void setup_session(void)
{
	transaction = &repo_session.state.transaction;
	available = UINT64_MAX;
}

static void check_refused(enum fault fault, const char *word)
{
	struct error err = {};

	check_error(update_stage(&repo_watcher, &err), &err, fault, word);
	assert_false(repo_watcher.touched);
	assert_int_equal(seal_peek(check_fd, SLOT_B, &(struct descriptor){}, NULL), SEAL_ABSENT);
}

static void what_is_offered_is_staged(void **state)
{
	struct descriptor descriptor;
	struct error err = {};

	setup_session();
	repo_add("1.0");
	if (update_stage(&repo_watcher, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(seal_peek(check_fd, SLOT_B, &descriptor, NULL), 0);
	assert_int_equal(transaction->sequence, 1);
	assert_string_equal(transaction->release.version, "1.0");
	assert_true(digest_equal(&transaction->release.digest, &descriptor.index));
}

static void what_is_staged_is_taken_over(void **state)
{
	struct error err = {};

	setup_session();
	repo_add("1.0");
	assert_int_equal(update_stage(&repo_watcher, &err), 0);
	repo_watcher.touched = false;
	available = 0; /* nothing is built any more */
	assert_int_equal(update_stage(&repo_watcher, &err), 0);
	assert_false(repo_watcher.touched);
}

/* The same bytes with another check are another release to whoever switches to them. */
static void what_has_another_check_is_sealed_anew(void **state)
{
	struct descriptor descriptor;
	_cleanup_seal_ struct seal seal = {};
	struct error err = {};

	setup_session();
	repo_add("1.0");
	assert_int_equal(update_stage(&repo_watcher, &err), 0);
	assert_int_equal(seal_load(check_fd, SLOT_B, &seal, NULL), 0);
	assert_int_equal(command_parse("no/such", &seal.descriptor.check, NULL), 0);
	assert_int_equal(seal_write(check_fd, SLOT_B, &seal.descriptor, seal.index, NULL), 0);
	assert_int_equal(update_stage(&repo_watcher, &err), 0);
	assert_int_equal(seal_peek(check_fd, SLOT_B, &descriptor, NULL), 0);
	assert_int_equal(descriptor.check.n_words, 0);
}

static void what_runs_is_left_alone(void **state)
{
	struct error err = {};

	setup_session();
	repo_add("1.0");
	assert_int_equal(update_stage(&repo_watcher, &err), 0);
	repo_session.state.good = transaction->release;
	transaction->origin = SLOT_B;
	transaction->target = SLOT_A;
	available = 0;
	assert_int_equal(update_stage(&repo_watcher, &err), UPDATE_NOTHING);
}

static void what_there_is_no_memory_for_is_refused(void **state)
{
	setup_session();
	repo_add("1.0");
	available = 1 << 20;
	check_refused(FAULT_CONFIG, "of memory must be free; 1 are");
}

static void another_sequence_than_asked_for_is_refused(void **state)
{
	setup_session();
	repo_add("1.0");
	transaction->sequence = 2;
	check_refused(FAULT_CONFIG, "sequence 2 is not offered");
	assert_string_equal(transaction->release.version, "");
}

static void what_was_rolled_back_is_not_tried_unattended(void **state)
{
	struct error err = {};

	setup_session();
	repo_add("1.0");
	assert_int_equal(update_stage(&repo_watcher, &err), 0);
	assert_int_equal(layout_clear_slot(check_fd, SLOT_B, NULL), 0);
	repo_watcher.touched = false;
	state_remember_bad(&repo_session.state, &transaction->release);
	transaction->unattended = true;
	transaction->release.version[0] = '\0';
	check_refused(FAULT_UNHEALTHY, "rolled back before");
	assert_string_equal(transaction->release.version, "1.0");
}

/* By whichever way it would come, and before anything is fetched. */
static void what_is_larger_than_the_limits_is_refused(void **state)
{
	(void)state;
	app_options.stage.archive.max_files = 2;
	repo_add("1.0");
	check_refused(FAULT_NO_SPACE, "more than MaxFiles= allows (2)");
	app_options.stage.archive.max_files = 10000;
	app_options.stage.archive.max_bytes = 2000000;
	check_refused(FAULT_NO_SPACE, "more than MaxBytes= allows (2000000)");
	assert_int_equal(repo_watcher.requests, 0);
}

static void nothing_offered_is_said(void **state)
{
	setup_session();
	check_refused(FAULT_CONFIG, "offers nothing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		repo_test(what_is_offered_is_staged),
		repo_test(what_is_staged_is_taken_over),
		repo_test(what_has_another_check_is_sealed_anew),
		repo_test(what_runs_is_left_alone),
		repo_test(what_there_is_no_memory_for_is_refused),
		repo_test(another_sequence_than_asked_for_is_refused),
		repo_test(what_was_rolled_back_is_not_tried_unattended),
		repo_test(what_is_larger_than_the_limits_is_refused),
		repo_test(nothing_offered_is_said),
	};

	return repo_find_program() ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
