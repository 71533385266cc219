/* The metrics of apps, made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "app/metrics.h"

#define SECOND 1000000ULL
#define NOW    (1700000000 * SECOND)

static struct status make_idle(void)
{
	return (struct status){
		.now = NOW,
		.app = "gateway",
		.unit_name = "gateway.service",
		.current = SLOT_B,
		.slots = { [SLOT_A] = { .sealed = true,
					.fallback = true,
					.descriptor = { .version = "1.3" } },
			   [SLOT_B] = { .sealed = true,
					.good = true,
					.current = true,
					.descriptor = { .version = "1.4" } } },
		.state = { .good = { .version = "1.4" },
			   .totals = { .ended = { [OUTCOME_COMMITTED - 1] = 7,
						  [OUTCOME_ROLLED_BACK - 1] = 2 },
				       .downtime = 1250000,
				       .fetched = 4096,
				       .requests = 12 } },
		.last_known = true,
		.last = { .entry = { .verb = VERB_UPDATE,
				     .outcome = OUTCOME_ROLLED_BACK,
				     .fault = FAULT_UNHEALTHY,
				     .from_version = "1.4",
				     .to_version = "1.5",
				     .began = NOW - 90 * SECOND,
				     .ended = NOW - 60 * SECOND } },
	};
}

/* Is it one of the lines? */
static void assert_line(const struct text *text, const char *line)
{
	const char *at = text->data;
	size_t size = strlen(line);

	while ((at = strstr(at, line))) {
		if ((at == text->data || at[-1] == '\n') && at[size] == '\n')
			return;
		at += size;
	}
	fail_msg("%s is not in\n%s", line, text->data);
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		n++;
	return n;
}

static void what_runs_and_how_it_came(void **unused)
{
	_cleanup_text_ struct text text = {};
	const struct status status = make_idle();

	metrics_render(&status, 1, &text);
	assert_line(&text,
		    "flipslot_app_info{app=\"gateway\",unit=\"gateway.service\",slot=\"b\","
		    "version=\"1.4\",good_version=\"1.4\",flipslot_version=\"" FLIPSLOT_VERSION
		    "\"} 1");
	assert_line(&text, "flipslot_phase{app=\"gateway\",phase=\"idle\"} 1");
	assert_line(&text, "flipslot_phase{app=\"gateway\",phase=\"trial\"} 0");
	assert_line(&text, "# TYPE flipslot_transactions_total counter");
	assert_line(&text, "flipslot_transactions_total{app=\"gateway\",outcome=\"committed\"} 7");
	assert_line(&text,
		    "flipslot_transactions_total{app=\"gateway\",outcome=\"rolled-back\"} 2");
	assert_line(&text, "flipslot_transactions_total{app=\"gateway\",outcome=\"both-bad\"} 0");
	assert_line(&text, "flipslot_downtime_seconds_total{app=\"gateway\"} 1.250000");
	assert_line(&text, "flipslot_fetched_bytes_total{app=\"gateway\"} 4096");
	assert_line(&text, "flipslot_last_transaction_info{app=\"gateway\",verb=\"update\","
			   "outcome=\"rolled-back\",fault=\"unhealthy\",from_version=\"1.4\","
			   "to_version=\"1.5\"} 1");
	assert_line(&text, "flipslot_last_transaction_duration_seconds{app=\"gateway\"} 30.000000");
	assert_line(&text, "flipslot_rollback_possible{app=\"gateway\"} 1");
	assert_line(&text, "flipslot_written_timestamp_seconds{app=\"gateway\"} 1700000000.000000");
	assert_null(strstr(text.data, "flipslot_last_check"));
	assert_null(strstr(text.data, "flipslot_hold_start"));
	assert_null(strstr(text.data, "flipslot_probation_end"));
}

static void what_may_grow_stale(void **unused)
{
	_cleanup_text_ struct text text = {};
	struct status status = make_idle();

	status.has_source = true;
	status.checked = (struct checked){ .when = NOW - SECOND,
					   .verified = NOW - 3600 * SECOND,
					   .expires = NOW + SECOND / 2,
					   .fault = FAULT_NETWORK,
					   .news = true };
	status.state.phase = PHASE_WATCHING;
	status.state.transaction.phase_began = NOW - 10 * SECOND;
	status.watch_usec = 30 * SECOND;
	status.state.hold = (struct state_hold){ .held = true, .since = NOW - 5 * SECOND };
	status.alerts.waiting = 3;
	status.alerts.oldest = NOW - 7 * SECOND;
	status.alerts.dropped = 2;
	metrics_render(&status, 1, &text);
	assert_line(&text,
		    "flipslot_last_check_timestamp_seconds{app=\"gateway\"} 1699999999.000000");
	assert_line(
		&text,
		"flipslot_last_check_success_timestamp_seconds{app=\"gateway\"} 1699996400.000000");
	assert_line(&text, "flipslot_last_check_failed{app=\"gateway\"} 1");
	assert_line(&text, "flipslot_update_available{app=\"gateway\"} 1");
	assert_line(
		&text,
		"flipslot_metadata_expiry_timestamp_seconds{app=\"gateway\"} 1700000000.500000");
	assert_line(&text,
		    "flipslot_probation_end_timestamp_seconds{app=\"gateway\"} 1700000020.000000");
	assert_line(&text, "flipslot_held{app=\"gateway\"} 1");
	assert_line(&text,
		    "flipslot_hold_start_timestamp_seconds{app=\"gateway\"} 1699999995.000000");
	assert_line(&text, "flipslot_alerts_waiting{app=\"gateway\"} 3");
	assert_line(&text,
		    "flipslot_alerts_oldest_timestamp_seconds{app=\"gateway\"} 1699999993.000000");
	assert_line(&text, "flipslot_alerts_dropped{app=\"gateway\"} 2");
}

static void what_the_slots_were_found_to_be(void **unused)
{
	_cleanup_text_ struct text text = {};
	struct status status = make_idle();

	status.scrub_usec = 86400 * SECOND;
	status.slots[SLOT_A].descriptor.installed = NOW - 9 * SECOND;
	status.slots[SLOT_B].descriptor.installed = NOW - 8 * SECOND;
	status.slots[SLOT_B].verified = NOW - 5 * SECOND;
	metrics_render(&status, 1, &text);
	assert_line(&text, "flipslot_scrub_period_seconds{app=\"gateway\"} 86400.000000");
	assert_line(&text, "flipslot_slot_installed_timestamp_seconds{app=\"gateway\",slot=\"a\"} "
			   "1699999991.000000");
	assert_line(&text, "flipslot_slot_read_timestamp_seconds{app=\"gateway\",slot=\"a\"} "
			   "0.000000");
	assert_line(&text, "flipslot_slot_read_timestamp_seconds{app=\"gateway\",slot=\"b\"} "
			   "1699999995.000000");
	assert_line(&text, "flipslot_slot_read_differences{app=\"gateway\",slot=\"b\"} 0");
	assert_null(
		strstr(text.data, "flipslot_slot_read_differences{app=\"gateway\",slot=\"a\"}"));
}

/* A seal that is damaged says nothing of what was in the slot: neither when it was installed, nor whether it is of use. */
static void a_slot_with_a_damaged_seal_is_told_of(void **unused)
{
	_cleanup_text_ struct text text = {};
	struct status status = make_idle();

	status.slots[SLOT_A] = (struct status_slot){ .problem = "the seal is damaged",
						     .verified = NOW,
						     .differences = 1 };
	metrics_render(&status, 1, &text);
	assert_line(&text, "flipslot_slot_read_differences{app=\"gateway\",slot=\"a\"} 1");
	assert_line(&text, "flipslot_slot_read_timestamp_seconds{app=\"gateway\",slot=\"a\"} "
			   "1700000000.000000");
	assert_null(strstr(text.data, "flipslot_slot_installed_timestamp_seconds{app=\"gateway\","
				      "slot=\"a\"}"));
}

/* Such as one that was rolled back: nobody goes there, nobody reads it. */
static void a_slot_of_no_use_is_not_told_of(void **unused)
{
	_cleanup_text_ struct text text = {};
	struct status status = make_idle();

	status.slots[SLOT_A].fallback = false;
	status.slots[SLOT_A].bad = true;
	metrics_render(&status, 1, &text);
	assert_null(strstr(text.data, "slot=\"a\""));
}

/* A reader refuses a family that comes in two parts. */
static void two_apps_share_the_heads(void **unused)
{
	_cleanup_text_ struct text text = {};
	struct status both[] = { make_idle(), make_idle() };

	(void)text_copy("other", both[1].app, sizeof(both[1].app));
	metrics_render(both, 2, &text);
	assert_int_equal(count(text.data, "# TYPE flipslot_held gauge\n"), 1);
	assert_non_null(strstr(text.data, "flipslot_held{app=\"gateway\"} 0\n"
					  "flipslot_held{app=\"other\"} 0\n"));
}

static void what_a_version_holds_breaks_no_line(void **unused)
{
	_cleanup_text_ struct text text = {};
	struct status status = make_idle();

	(void)text_copy("a\"b\\c\nd\xff", status.state.good.version,
			sizeof(status.state.good.version));
	metrics_render(&status, 1, &text);
	assert_non_null(
		strstr(text.data, ",good_version=\"a\\\"b\\\\x5cc\\\\x0ad\\\\xff\",flipslot_"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_runs_and_how_it_came),
		cmocka_unit_test(what_may_grow_stale),
		cmocka_unit_test(what_the_slots_were_found_to_be),
		cmocka_unit_test(a_slot_with_a_damaged_seal_is_told_of),
		cmocka_unit_test(a_slot_of_no_use_is_not_told_of),
		cmocka_unit_test(two_apps_share_the_heads),
		cmocka_unit_test(what_a_version_holds_breaks_no_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
