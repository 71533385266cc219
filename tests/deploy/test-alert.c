/* LDFLAGS: -Wl,--wrap=job_start_and_forget */
/* Who is told of what, once; and that nothing is lost when the outbox was never made. */
#include "deploy/alert.h"

#include "app.h"
#include "deploy/ending.h"
#include "unit/job.h"

int __wrap_job_start_and_forget(struct manager *manager, const char *unit, struct error *err);

static char started[256];

int __wrap_job_start_and_forget(struct manager *manager, const char *unit, struct error *err)
{
	(void)text_copy(unit, started, sizeof(started));
	return 0;
}

static struct outbox_entry ended(enum outcome outcome)
{
	const struct state_transaction transaction = {
		.id = "id-1",
		.verb = VERB_UPDATE,
		.outcome = outcome,
		.fault = FAULT_UNHEALTHY,
		.from_version = "1.0",
		.release = { .version = "1.1" },
		.reason = "so it is",
		.ended = 17,
	};

	return alert_of(&transaction);
}

/* The receivers of what waits: "ops mail ". */
static const char *waiting(struct outbox_entry *ret_first)
{
	_cleanup_free_ struct outbox_entry *entries = NULL;
	static char names[1024];
	size_t n = 0;

	names[0] = '\0';
	assert_int_equal(outbox_load(check_fd, &entries, &n, NULL), 0);
	for (size_t i = 0; i < n; i++)
		(void)snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s ",
			       entries[i].receiver);
	if (n > 0 && ret_first)
		*ret_first = entries[0];
	return names;
}

static int enqueue(const struct outbox_entry *entry)
{
	static const struct alert_receiver receivers[] = {
		{ "ops", ALERT_DEFAULT },
		{ "all", ALERT_ALL },
		{ "late", 1U << ALERT_LATE },
	};
	struct error err = {};
	int r = alert_enqueue(check_fd, receivers, ARRAY_SIZE(receivers), entry, &err);

	if (r < 0)
		print_message("%s\n", err.text);
	return r;
}

static void what_is_told(void **unused)
{
	const struct outbox_entry entry = ended(OUTCOME_ROLLED_BACK);
	struct outbox_entry first = {};

	assert_false(alert_waits(check_fd));
	assert_int_equal(enqueue(&entry), 0);
	assert_string_equal(waiting(&first), "ops all ");
	assert_true(alert_waits(check_fd));
	assert_string_equal(first.id, "id-1");
	assert_string_equal(first.transaction, "id-1");
	assert_int_equal(first.verb, VERB_UPDATE);
	assert_int_equal(first.outcome, OUTCOME_ROLLED_BACK);
	assert_int_equal(first.fault, FAULT_UNHEALTHY);
	assert_int_equal(first.created, 17);
	assert_string_equal(first.from_version, "1.0");
	assert_string_equal(first.to_version, "1.1");
	assert_string_equal(first.reason, "so it is");
	assert_int_equal(enqueue(&entry), 0); /* again, after a crash */
	assert_string_equal(waiting(NULL), "ops all ");
}

static void who_wants_what(void **unused)
{
	struct outbox_entry entry = ended(OUTCOME_COMMITTED);
	const struct state state = { .good = { .version = "1.0" } };

	assert_int_equal(enqueue(&entry), 0);
	assert_string_equal(waiting(NULL), "all ");
	assert_int_equal(alert_of_late_failure(&state, "gw.service", &entry, NULL), 0);
	assert_true(entry.late);
	assert_true(entry.id[0]);
	assert_string_equal(entry.to_version, "1.0");
	assert_string_equal(entry.reason, "gw.service failed; systemd has given up on it");
	assert_int_equal(enqueue(&entry), 0);
	assert_string_equal(waiting(NULL), "all ops all late ");
	entry = (struct outbox_entry){ .id = "id-3", .damaged = true };
	assert_int_equal(enqueue(&entry), 0);
	assert_string_equal(waiting(NULL), "all ops all late ops all ");
}

/* P6: by default every outcome but committed is told. */
static void nothing_is_silent(void **unused)
{
	for (enum outcome outcome = OUTCOME_COMMITTED; outcome < OUTCOME_MAX; outcome++)
		assert_int_equal(!(ALERT_DEFAULT & 1U << outcome), outcome == OUTCOME_COMMITTED);
	assert_true(ALERT_DEFAULT & 1U << ALERT_LATE);
}

static void an_app_of_an_older_flipslot(void **unused)
{
	const struct outbox_entry entry = ended(OUTCOME_BOTH_BAD);

	assert_int_equal(unlinkat(check_fd, LAYOUT_OUTBOX, 0), 0);
	assert_int_equal(unlinkat(check_fd, LAYOUT_OUTBOX_LOCK, 0), 0);
	assert_false(alert_waits(check_fd));
	assert_int_equal(enqueue(&entry), 0);
	assert_string_equal(waiting(NULL), "ops all ");
}

static void one_that_cannot_be_written(void **unused)
{
	const struct outbox_entry entry = ended(OUTCOME_BOTH_BAD);

	assert_int_equal(unlinkat(check_fd, LAYOUT_OUTBOX, 0), 0);
	assert_int_equal(mkdirat(check_fd, LAYOUT_OUTBOX, 0755), 0);
	assert_true(enqueue(&entry) < 0);
	assert_false(alert_waits(check_fd));
}

static void nobody_is_to_be_told(void **unused)
{
	const struct outbox_entry entry = ended(OUTCOME_BOTH_BAD);

	assert_int_equal(unlinkat(check_fd, LAYOUT_OUTBOX, 0), 0);
	assert_int_equal(alert_enqueue(check_fd, NULL, 0, &entry, NULL), 0);
	assert_int_equal(faccessat(check_fd, LAYOUT_OUTBOX, F_OK, 0), -1);
}

static void the_sender_is_started(void **unused)
{
	assert_int_equal(alert_wake(NULL, "gw", NULL), 0);
	assert_string_equal(started, "flipslot-alert@gw.service");
}

/* An ending is in the outbox before anybody is told of it, and does not depend on it. */
static void the_end_of_a_transaction(void **unused)
{
	static const struct alert_receiver ops = { "ops", ALERT_DEFAULT };
	struct state before = app_under_way(PHASE_REVERTING);
	struct session session = {};
	struct outbox_entry first = {};

	app_options.alerts = &ops;
	app_options.n_alerts = 1;
	app_open(&session, &before);
	assert_int_equal(ending_end(&session, OUTCOME_ROLLED_BACK, FAULT_UNHEALTHY, "so", NULL), 0);
	session_close(&session);
	assert_string_equal(waiting(&first), "ops ");
	assert_string_equal(first.id, before.transaction.id);
	assert_string_equal(first.reason, "so");
	assert_true(first.created > 0);
	/* the next one, without a place to write to */
	before = app_under_way(PHASE_REVERTING);
	(void)text_copy("id-2", before.transaction.id, sizeof(before.transaction.id));
	assert_int_equal(unlinkat(check_fd, LAYOUT_OUTBOX, 0), 0);
	assert_int_equal(mkdirat(check_fd, LAYOUT_OUTBOX, 0755), 0);
	app_open(&session, &before);
	assert_int_equal(ending_end(&session, OUTCOME_ROLLED_BACK, FAULT_UNHEALTHY, "so", NULL), 0);
	session_close(&session);
	assert_int_equal(app_told(EVENT_WARNING, "nobody will be alerted"), 1);
	assert_int_equal(app_load().transaction.outcome, OUTCOME_ROLLED_BACK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		app_test(what_is_told),
		app_test(who_wants_what),
		cmocka_unit_test(nothing_is_silent),
		app_test(an_app_of_an_older_flipslot),
		app_test(one_that_cannot_be_written),
		app_test(nobody_is_to_be_told),
		app_test(the_sender_is_started),
		app_test(the_end_of_a_transaction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
