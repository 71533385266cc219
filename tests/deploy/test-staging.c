/* LDFLAGS: @tests/deploy/systemd.flags */
/* Archives on their way into the inactive slot. */
#include "deploy/staging.h"

#include "../release/shell.h"
#include "systemd.h"

static struct session session;

/* An install of the archive r.tar in the app's directory, on a person's word. */
static struct state make_install(const char *version)
{
	struct state state = app_under_way(PHASE_STAGING);
	struct state_transaction *transaction = &state.transaction;

	transaction->trust_me = true;
	transaction->release = (struct state_release){};
	(void)text_copy(version, transaction->release.version,
			sizeof(transaction->release.version));
	(void)snprintf(transaction->source, sizeof(transaction->source), "%s/r.tar", check_path);
	return state;
}

static struct state run(const struct state *state)
{
	struct error err = {};

	app_open(&session, state);
	if (staging_run(&session, &err) < 0)
		fail_msg("%s", err.text);
	session_close(&session);
	return app_load();
}

static struct digest digest_of_archive(void)
{
	_cleanup_free_ char *data = NULL;
	struct digest digest;
	size_t size;

	assert_int_equal(fd_read_file(check_fd, "r.tar", 1 << 20, &data, &size, NULL), 0);
	assert_int_equal(digest_of(data, size, &digest, NULL), 0);
	return digest;
}

static void make_archive(void)
{
	shell(check_fd, "mkdir t; echo 3.0 >t/run; chmod 755 t/run; tar -C t -cf r.tar run");
}

static void on_a_word_the_digest_is_what_is_found(void **unused)
{
	struct state before = make_install("3.0");
	struct digest archive;
	struct descriptor descriptor;
	struct state after;

	make_archive();
	archive = digest_of_archive();
	after = run(&before);
	assert_int_equal(after.phase, PHASE_STAGED);
	assert_true(digest_equal(&after.transaction.source_digest, &archive));
	assert_int_equal(seal_peek(check_fd, SLOT_B, &descriptor, NULL), 0);
	assert_string_equal(descriptor.version, "3.0");
	assert_int_equal(descriptor.origin, ORIGIN_TRUST_ME);
	assert_true(digest_equal(&descriptor.index, &after.transaction.release.digest));
	assert_int_equal(app_current(), SLOT_A);
}

static void assert_refused_untouched(const struct state *after, enum fault fault)
{
	struct descriptor descriptor;

	assert_int_equal(after->phase, PHASE_IDLE);
	assert_int_equal(after->transaction.outcome, OUTCOME_REFUSED);
	assert_string_equal(fault_name(after->transaction.fault), fault_name(fault));
	assert_int_equal(seal_peek(check_fd, SLOT_B, &descriptor, NULL), 0);
	assert_string_equal(descriptor.version, "2.0"); /* as before */
}

static void another_digest_is_refused(void **unused)
{
	struct state before = make_install("3.0");
	struct state after = {};

	make_archive();
	before.transaction.trust_me = false;
	before.transaction.source_digest = app_digest("another");
	after = run(&before);
	assert_refused_untouched(&after, FAULT_UNTRUSTED);
}

static void a_digest_of_zeroes_is_none(void **unused)
{
	struct state before = make_install("3.0");
	struct state after = {};

	make_archive();
	before.transaction.trust_me = false;
	after = run(&before);
	assert_refused_untouched(&after, FAULT_UNTRUSTED);
}

static void what_is_no_archive_is_refused(void **unused)
{
	struct state before = make_install("3.0");
	struct state after = {};

	check_write(check_fd, "r.tar", "no archive at all", 17);
	after = run(&before);
	assert_refused_untouched(&after, FAULT_CORRUPT);
}

static void what_is_no_file_is_refused(void **unused)
{
	struct state before = make_install("3.0");
	struct state after = {};

	assert_int_equal(mkdirat(check_fd, "r.tar", 0755), 0);
	after = run(&before);
	assert_refused_untouched(&after, FAULT_CONFIG);
	assert_non_null(strstr(after.transaction.reason, "not a regular file"));
}

/* It had been there when the request was accepted. */
static void what_is_gone_at_a_resume_has_failed(void **unused)
{
	struct state before = make_install("3.0");
	struct state after;

	before.transaction.attempts = 1;
	after = run(&before);
	assert_int_equal(after.transaction.outcome, OUTCOME_FAILED);
	assert_string_equal(fault_name(after.transaction.fault), "config");
	assert_non_null(strstr(after.transaction.reason, "is not there any more"));
}

static void findings_come_before_the_archive(void **unused)
{
	struct state before = make_install("3.0");
	struct state after = {};

	before.hold.held = true;
	after = run(&before); /* there is no archive at all */
	assert_refused_untouched(&after, FAULT_BUSY);
}

/* An install of the archive that is in slot a, known good and current. */
static struct state make_install_again(void)
{
	struct descriptor descriptor = { .app = "gw", .version = "1.0" };
	struct state before = make_install("1.0");

	make_archive();
	descriptor.source = digest_of_archive();
	before.good = app_seal_as(SLOT_A, descriptor);
	return before;
}

static void what_runs_already_is_committed_untouched(void **unused)
{
	struct state before = make_install_again();
	struct descriptor descriptor;
	struct state after;

	after = run(&before);
	assert_int_equal(after.phase, PHASE_IDLE);
	assert_int_equal(after.transaction.outcome, OUTCOME_COMMITTED);
	assert_non_null(strstr(after.transaction.reason, "nothing was touched"));
	assert_int_equal(seal_peek(check_fd, SLOT_B, &descriptor, NULL), 0);
	assert_string_equal(descriptor.version, "2.0");
	assert_string_equal(systemd.jobs, "");
}

static void what_is_current_but_down_is_installed(void **unused)
{
	struct state before = make_install_again();
	struct state after;

	systemd.active = "failed";
	after = run(&before);
	assert_int_equal(after.phase, PHASE_STAGED);
}

static void what_is_current_but_damaged_is_installed(void **unused)
{
	struct state before = make_install_again();
	struct state after;

	shell(check_fd, "echo x >>slots/a/run");
	after = run(&before);
	assert_int_equal(after.phase, PHASE_STAGED);
}

/* The worker before this one died between the seal and the state. */
static void what_is_staged_already_is_taken_over(void **unused)
{
	struct descriptor descriptor = { .app = "gw", .version = "3.0" };
	struct state before = make_install("3.0");
	struct state_release staged;
	struct state after;

	make_archive();
	descriptor.source = digest_of_archive();
	descriptor.installed = before.transaction.began + 1;
	staged = app_seal_as(SLOT_B, descriptor);
	after = run(&before);
	assert_int_equal(after.phase, PHASE_STAGED);
	assert_true(digest_equal(&after.transaction.release.digest, &staged.digest));
	assert_int_equal(seal_peek(check_fd, SLOT_B, &descriptor, NULL), 0);
	assert_int_equal(descriptor.installed, before.transaction.began + 1); /* not built anew */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		systemd_test(on_a_word_the_digest_is_what_is_found),
		systemd_test(another_digest_is_refused),
		systemd_test(a_digest_of_zeroes_is_none),
		systemd_test(what_is_no_archive_is_refused),
		systemd_test(what_is_no_file_is_refused),
		systemd_test(what_is_gone_at_a_resume_has_failed),
		systemd_test(findings_come_before_the_archive),
		systemd_test(what_runs_already_is_committed_untouched),
		systemd_test(what_is_current_but_down_is_installed),
		systemd_test(what_is_current_but_damaged_is_installed),
		systemd_test(what_is_staged_already_is_taken_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
