/* LDFLAGS: @tests/deploy/systemd.flags */
/* Data that cannot be taken back: what is said before the switch, and what is not done after it. */
#include "deploy/epoch.h"

#include "deploy/ending.h"
#include "deploy/mailbox.h"
#include "deploy/switching.h"
#include "systemd.h"

static struct session session;

static void seal_epoch(enum slot slot, const char *version, uint64_t epoch)
{
	struct descriptor descriptor = { .app = "gw", .origin = ORIGIN_SIDELOAD, .epoch = epoch };

	(void)text_copy(version, descriptor.version, sizeof(descriptor.version));
	(void)app_seal_as(slot, descriptor);
}

/* 1.0 in slot a, and what is under way in slot b is of epoch 2. */
static void open_at(enum phase phase, bool accepted)
{
	struct state state = app_under_way(phase);
	struct descriptor descriptor;

	seal_epoch(SLOT_B, "2.0", 2);
	assert_int_equal(seal_peek(check_fd, SLOT_B, &descriptor, NULL), 0);
	state.transaction.release.digest = descriptor.index;
	state.transaction.no_way_back = accepted;
	app_open(&session, &state);
}

static void only_down_is_barred(void **unused)
{
	char why[STATE_REASON_MAX];

	(void)unused;
	seal_epoch(SLOT_A, "1.0", 0);
	seal_epoch(SLOT_B, "2.0", 2);
	assert_false(epoch_bars(check_fd, SLOT_A, SLOT_B, why, sizeof(why)));
	assert_true(epoch_bars(check_fd, SLOT_B, SLOT_A, why, sizeof(why)));
	assert_string_equal(why, "2.0 writes data of epoch 2, which 1.0 cannot read (it knows 0)");
	assert_false(epoch_bars(check_fd, SLOT_NONE, SLOT_A, why, sizeof(why)));
	assert_false(epoch_bars(check_fd, SLOT_B, SLOT_NONE, why, sizeof(why)));
	seal_epoch(SLOT_A, "1.0", 2);
	assert_false(epoch_bars(check_fd, SLOT_B, SLOT_A, why, sizeof(why)));
}

static void it_is_asked_for_before_the_switch(void **unused)
{
	(void)unused;
	open_at(PHASE_STAGED, false);
	assert_int_equal(switching_prepare(&session, NULL), 0);
	session_close(&session);
	assert_int_equal(app_load().transaction.outcome, OUTCOME_REFUSED);
	assert_non_null(strstr(app_load().transaction.reason, "--accept-no-rollback"));
	assert_string_equal(systemd.jobs, "");
}

static void accepted_it_goes(void **unused)
{
	(void)unused;
	open_at(PHASE_STAGED, true);
	assert_int_equal(switching_prepare(&session, NULL), 0);
	session_close(&session);
	assert_int_equal(app_load().phase, PHASE_SWITCHING);
}

/* Old code on new data would be the second failure. */
static void what_fails_then_stays(void **unused)
{
	(void)unused;
	open_at(PHASE_TRIAL, true);
	app_point(SLOT_B);
	assert_int_equal(ending_unhealthy(&session, "it answers 500", NULL), 0);
	session_close(&session);
	assert_int_equal(app_load().phase, PHASE_IDLE);
	assert_int_equal(app_load().transaction.outcome, OUTCOME_FAILED);
	assert_non_null(strstr(app_load().transaction.reason, "epoch 2"));
	assert_int_equal(app_current(), SLOT_B);
}

static void without_it_the_way_back_is_open(void **unused)
{
	(void)unused;
	open_at(PHASE_TRIAL, true);
	seal_epoch(SLOT_B, "2.0", 0);
	assert_int_equal(ending_unhealthy(&session, "it answers 500", NULL), 0);
	session_close(&session);
	assert_int_equal(app_load().phase, PHASE_REVERTING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		systemd_test(only_down_is_barred),
		systemd_test(it_is_asked_for_before_the_switch),
		systemd_test(accepted_it_goes),
		systemd_test(what_fails_then_stays),
		systemd_test(without_it_the_way_back_is_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
