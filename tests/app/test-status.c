/* The status of an app, made by hand: in words, as JSON, and the next step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "app/status-json.h"
#include "app/paint.h"
#include "app/status-next.h"
#include "app/status-text.h"

#define NOW 1700000000000000

/* 1.4 runs from slot a and is known good; 1.3 is in slot b. */
static struct status make_healthy(void)
{
	struct status status = {
		.now = NOW,
		.app = "gateway",
		.unit_name = "gateway.service",
		.root = "/var/lib/flipslot/gateway",
		.watch_usec = 30000000,
		.current = SLOT_A,
		.state = {
			.good = { .digest = { { 4 } }, .version = "1.4" },
			.fallback = { .digest = { { 3 } }, .version = "1.3" },
		},
		.slots = {
			[SLOT_A] = { .sealed = true, .current = true, .good = true,
				     .descriptor = { .version = "1.4", .index = { { 4 } },
						     .bytes = 218000000, .files = 1200 } },
			[SLOT_B] = { .sealed = true, .fallback = true,
				     .descriptor = { .version = "1.3", .index = { { 3 } },
						     .bytes = 217000000, .files = 1190 } },
		},
		.unit = {
			.known = true, .running = true, .load = "loaded", .active = "active",
			.sub = "running", .main_pid = 123, .since = NOW - 7500000000, .proved = true,
			.proof = { .proof = PROOF_STRONG, .pid = 123, .what = "exe",
				   .path = "/var/lib/flipslot/gateway/slots/a/gateway" },
		},
		.worker_known = true,
		.last_known = true,
		.last = { .entry = { .verb = VERB_INSTALL, .outcome = OUTCOME_COMMITTED,
				     .to_version = "1.4", .from_version = "1.3", .slot = SLOT_A,
				     .began = NOW - 7530000000, .ended = NOW - 7500000000,
				     .why = "a customer asked",
				     .who = "alice by sudo" } },
	};

	return status;
}

static void test_words(void **unused)
{
	struct status status = make_healthy();
	_cleanup_text_ struct text text = {};

	(void)unused;
	status_text(&status, &text);
	assert_int_equal(text_check(&text, NULL), 0);
	assert_string_equal(
		text.data,
		"gateway (gateway.service, /var/lib/flipslot/gateway)\n"
		"  runs    1.4 from slot a, started 2h 5min ago (2023-11-14T20:08:20Z)\n"
		"  proof   strong: exe of process 123 is /var/lib/flipslot/gateway/slots/a/gateway\n"
		"  slot a  1.4: current, known good; 218 MB in 1200 entries\n"
		"  slot b  1.3: ready for a rollback; 217 MB in 1190 entries\n"
		"  phase   idle\n"
		"  last    install 1.4: committed 2h 5min ago, asked by alice by sudo\n"
		"          why: a customer asked\n"
		"  next    nothing\n");
}

static void assert_says(const struct status *status, const char *words)
{
	_cleanup_text_ struct text text = {};

	status_text(status, &text);
	assert_int_equal(text_check(&text, NULL), 0);
	if (!strstr(text.data, words))
		fail_msg("it does not say \"%s\":\n%s", words, text.data);
}

static void test_words_when_something_is_wrong(void **unused)
{
	struct status status = make_healthy();

	(void)unused;
	status.unit.proved = false;
	(void)snprintf(status.unit.unproved, sizeof(status.unit.unproved), "only root may");
	assert_says(&status, "proof   not known: only root may");
	status.unit.running = false;
	(void)snprintf(status.unit.active, sizeof(status.unit.active), "failed");
	(void)snprintf(status.unit.explanation, sizeof(status.unit.explanation),
		       "killed by SIGSEGV");
	assert_says(&status, "runs    nothing: gateway.service is failed: killed by SIGSEGV");
	status.unit.known = false;
	(void)snprintf(status.unit.unknown, sizeof(status.unit.unknown), "no manager");
	assert_says(&status, "runs    not known: no manager");
	(void)snprintf(status.problem, sizeof(status.problem), "current is a file");
	assert_says(&status, "runs    unclear: current is a file");
}

static void test_words_of_a_transaction(void **unused)
{
	struct status status = make_healthy();

	(void)unused;
	status.state.phase = PHASE_STAGING;
	status.state.transaction = (struct state_transaction){ .id = "an-id",
							       .verb = VERB_INSTALL,
							       .target = SLOT_B,
							       .release = { .version = "1.5" },
							       .began = NOW - 2000000,
							       .who = "bob" };
	status.slots[SLOT_B] = (struct status_slot){};
	status.progress = true;
	status.step = STAGE_WRITE;
	status.done = 1;
	status.total = 2;
	assert_says(&status, "phase   staging: install 1.5 in slot b, 2s ago, by bob\n"
			     "          transaction an-id\n"
			     "          write: 50 %\n");
	assert_says(&status, "slot b  being filled\n");
}

static void test_words_of_a_hold(void **unused)
{
	struct status status = make_healthy();

	(void)unused;
	status.state.hold = (struct state_hold){ .held = true,
						 .since = NOW - 60000000,
						 .until = NOW + 1000000,
						 .who = "bob",
						 .why = "freeze" };
	assert_says(&status, "hold    held by bob 1min ago until 2023-11-14T22:13:21Z: freeze\n");
	assert_says(&status, "flipslot unhold gateway");
	status.now = NOW + 2000000; /* it has run out */
	assert_says(&status, "next    nothing\n");
}

static void test_words_of_alerts(void **unused)
{
	struct status status = make_healthy();
	char next[STATUS_NEXT_MAX];

	(void)unused;
	status.alerts = (struct status_alerts){ .waiting = 3,
						.oldest = NOW - 60000000,
						.attempts = 2,
						.receiver = "ops",
						.error = "HTTP 500 from hooks:443" };
	assert_says(&status, "alerts  3 to be sent, the oldest to ops, of 1min ago: HTTP 500 from "
			     "hooks:443\n");
	assert_string_equal(status_next(&status, next), "nothing"); /* it is no fault of the app */
	status.alerts.dropped = 2;
	assert_says(&status, "        2 could not be kept and are lost\n");
	status.alerts = (struct status_alerts){ .error = "reading the outbox: I/O error" };
	assert_says(&status, "alerts  reading the outbox: I/O error\n");
}

static void test_words_of_a_source(void **unused)
{
	struct status status = make_healthy();
	char next[STATUS_NEXT_MAX];

	(void)unused;
	status.has_source = true;
	assert_says(&status, "source  not looked at yet: flipslot check gateway\n");
	status.checked.when = NOW - 60000000;
	assert_says(&status, "source  the source offers nothing for it (looked 1min ago)\n");
	status.checked.offer = (struct state_release){ { { 4 } }, "1.4", .sequence = 4 };
	assert_says(&status,
		    "source  1.4 (sequence 4) is the newest, and known good here (looked ");
	assert_string_equal(status_next(&status, next), "nothing");
	status.checked.offer = (struct state_release){ { { 5 } }, "1.5", .sequence = 5 };
	status.checked.news = true;
	assert_says(&status, "source  1.5 (sequence 5) is there: flipslot update gateway (looked ");
	assert_string_equal(status_next(&status, next), "flipslot update gateway");
	(void)snprintf(status.checked.text, sizeof(status.checked.text), "one note\nanother\n");
	assert_says(&status, "(looked 1min ago)\n          one note\n          another\n");
	status.state.bad[0].digest = status.checked.offer.digest;
	assert_says(&status, "no timer tries it; forget that: flipslot forgive gateway 1.5\n");
	assert_string_equal(status_next(&status, next), "nothing");
	status.checked.fault = FAULT_STALE;
	(void)snprintf(status.checked.text, sizeof(status.checked.text), "root: expired");
	assert_says(&status, "source  stale: root: expired (looked 1min ago)\n");
}

/* As between init --adopt and the first restart. */
static void test_words_of_a_process_that_is_older_than_the_link(void **unused)
{
	struct status status = make_healthy();

	(void)unused;
	status.unit.proof.proof = PROOF_WEAK;
	status.unit.before_slot = true;
	assert_says(&status, "runs    what it ran before: it was started 2h 5min ago, before "
			     "`current` named slot a\n");
	assert_says(&status, "proof   none yet: it runs from slot a after a restart\n");
	assert_says(&status, "next    systemctl restart gateway.service when it suits you");
}

static void test_words_of_a_crash_loop(void **unused)
{
	struct status status = make_healthy();

	(void)unused;
	status.unit.restarts = 9;
	status.unit.crashing = true;
	(void)snprintf(status.unit.active, sizeof(status.unit.active), "activating");
	assert_says(&status, "it is crashing: systemd has started it again 9 times\n");
	assert_says(&status, "next    find out why: journalctl -u gateway.service; go back: "
			     "flipslot rollback gateway\n");
	status.slots[SLOT_B].fallback = false;
	assert_says(&status, "bring in a better release: flipslot install gateway\n");
}

static void test_words_of_a_broken_configuration(void **unused)
{
	struct status status = make_healthy();

	(void)unused;
	(void)error_set(&status.config_problem, FAULT_CONFIG, "x.conf:1: what?");
	assert_says(&status, "runs    1.4 from slot a");
	assert_says(&status, "next    mend the configuration: flipslot config check gateway\n");
}

static void assert_next(const struct status *status, const char *words)
{
	char next[STATUS_NEXT_MAX];

	if (!strstr(status_next(status, next), words))
		fail_msg("\"%s\" does not say \"%s\"", next, words);
}

static void test_next(void **unused)
{
	struct status status = make_healthy();

	(void)unused;
	assert_next(&status, "nothing");
	status.unit.proof.other_slot = true;
	assert_next(&status, "systemctl restart gateway.service");
	status.unit.running = false;
	assert_next(&status, "flipslot rollback gateway --start");
	status.unit.restarts = 5;
	(void)snprintf(status.unit.active, sizeof(status.unit.active), "failed");
	assert_next(&status, "start it: systemctl reset-failed gateway.service && systemctl start");
	status.unit.restarts = 0;
	status.slots[SLOT_B].fallback = false;
	assert_next(&status, "journalctl -u gateway.service");
	(void)snprintf(status.unit.load, sizeof(status.unit.load), "masked");
	assert_next(&status, "gateway.service is masked");
	status.current = SLOT_NONE;
	assert_next(&status, "flipslot install gateway");
	status.state.phase = PHASE_STAGING;
	status.worker_alive = true;
	assert_next(&status, "flipslot cancel gateway");
	status.state.phase = PHASE_WATCHING;
	assert_next(&status, "flipslot rollback gateway");
	status.state.phase = PHASE_REVERTING;
	assert_next(&status, "flipslot follow gateway");
	status.worker_alive = false;
	assert_next(&status, "systemctl start flipslot@gateway");
}

static void test_next_when_current_leads_nowhere(void **unused)
{
	struct status status = make_healthy();

	(void)unused;
	status.current = SLOT_NONE;
	(void)snprintf(status.problem, sizeof(status.problem), "current leads to neither");
	assert_next(&status, "mv /var/lib/flipslot/gateway/current "
			     "/var/lib/flipslot/gateway/current.away, then systemctl start");
	status.current_is_link = true;
	assert_next(&status, "systemctl start flipslot@gateway puts `current` right");
	status.slots[SLOT_A].good = false;
	assert_next(&status, "ln -sfn slots/a /var/lib/flipslot/gateway/current, then");
	status.slots[SLOT_A].sealed = false;
	status.slots[SLOT_B].sealed = false;
	assert_next(&status, "rm /var/lib/flipslot/gateway/current, then flipslot install");
}

static void test_next_without_a_seal(void **unused)
{
	struct status status = make_healthy();

	(void)unused;
	status.slots[SLOT_A].sealed = false;
	assert_says(&status, "slot a  current, known good, it has no seal\n");
	assert_next(&status, "flipslot init gateway --unit gateway.service --version V --adopt "
			     "/var/lib/flipslot/gateway/current");
	status.unit.running = false;
	assert_next(&status, "flipslot rollback gateway");
	status.slots[SLOT_B] = (struct status_slot){};
	assert_next(&status, "flipslot install gateway FILE --version V --sha256 HEX");
}

static void test_rollback_slot(void **unused)
{
	struct status status = make_healthy();

	(void)unused;
	assert_int_equal(status_rollback_slot(&status), SLOT_B);
	status.slots[SLOT_A].good = false; /* something else than the known good one runs */
	assert_int_equal(status_rollback_slot(&status), SLOT_NONE);
	status.slots[SLOT_B].good = true;
	assert_int_equal(status_rollback_slot(&status), SLOT_B);
	status.current = SLOT_NONE;
	assert_int_equal(status_rollback_slot(&status), SLOT_NONE);
}

/* A contract: docs/JSON.md. */
static void test_keys(void **unused)
{
	struct status status = make_healthy();
	json_t *object = status_json(&status);
	static const char *const keys[] = {
		"app",	   "root",   "problem",	     "config_problem",
		"current", "unit",   "slots",	     "rollback_slot",
		"phase",   "hold",   "transaction",  "worker_alive",
		"last",	   "bad",    "good_version", "next",
		"alerts",  "source",
	};
	const char *slot, *version, *outcome, *rollback, *proof;
	int held;

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (!json_object_get(object, keys[i]))
			fail_msg("no %s", keys[i]);
	assert_int_equal(json_object_size(object), ARRAY_SIZE(keys));
	assert_int_equal(json_unpack(object,
				     "{s:{s:s}, s:{s:{s:s}}, s:{s:s}, s:s, s:{s:b}, s:{s:s}}",
				     "current", "slot", &slot, "slots", "b", "version", &version,
				     "last", "outcome", &outcome, "rollback_slot", &rollback,
				     "hold", "held", &held, "unit", "proof", &proof),
			 0);
	assert_string_equal(slot, "a");
	assert_string_equal(version, "1.3");
	assert_string_equal(outcome, "committed");
	assert_string_equal(rollback, "b");
	assert_string_equal(proof, "strong");
	assert_false(held);
	assert_true(json_is_null(json_object_get(object, "transaction")));
	json_decref(object);
}

static char *painted(const struct status *status, bool colours, size_t width)
{
	_cleanup_text_ struct text text = {};
	char *printed = NULL;
	size_t size;
	FILE *out = open_memstream(&printed, &size);

	assert_non_null(out);
	status_text(status, &text);
	paint_status(status, text.data, colours, width, out);
	assert_int_equal(fclose(out), 0);
	return printed;
}

static void test_colours_and_width(void **unused)
{
	struct status status = make_healthy();
	_cleanup_free_ char *good = painted(&status, true, 0);
	_cleanup_free_ char *plain = painted(&status, false, 0);
	_cleanup_free_ char *narrow = painted(&status, false, 60);
	_cleanup_free_ char *bad = NULL;
	_cleanup_text_ struct text text = {};

	(void)unused;
	assert_non_null(strstr(good, "\033[32m  runs    1.4 from slot a"));
	assert_non_null(strstr(good, "\033[32m  last    install 1.4: committed"));
	status_text(&status, &text);
	assert_string_equal(plain, text.data);
	for (const char *line = narrow; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 60);
	assert_non_null(strstr(narrow, "\n          "));
	status.unit.crashing = true;
	status.last.entry.outcome = OUTCOME_ROLLED_BACK;
	bad = painted(&status, true, 0);
	assert_non_null(strstr(bad, "\033[31m  runs    "));
	assert_non_null(strstr(bad, "\033[31m  last    install 1.4: rolled-back"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_colours_and_width),
		cmocka_unit_test(test_words_when_something_is_wrong),
		cmocka_unit_test(test_words_of_a_transaction),
		cmocka_unit_test(test_words_of_a_hold),
		cmocka_unit_test(test_words_of_alerts),
		cmocka_unit_test(test_words_of_a_source),
		cmocka_unit_test(test_words_of_a_process_that_is_older_than_the_link),
		cmocka_unit_test(test_words_of_a_crash_loop),
		cmocka_unit_test(test_words_of_a_broken_configuration),
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_next_when_current_leads_nowhere),
		cmocka_unit_test(test_next_without_a_seal),
		cmocka_unit_test(test_rollback_slot),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
