/* Events as lines of JSON and as sentences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/event-line.h"

static struct state make_state(enum phase phase)
{
	return (struct state){
		.phase = phase,
		.answered = "request-id",
		.transaction = {
			.id = "transaction-id",
			.verb = VERB_INSTALL,
			.target = SLOT_B,
			.origin = SLOT_A,
			.release = { .version = "1.4" },
			.from_version = "1.3",
			.began = 1700000000000000,
			.outcome = OUTCOME_ROLLED_BACK,
			.fault = FAULT_UNHEALTHY,
			.reason = "probe web: HTTP 500, wanted \"200-299\"",
			.invocation = "0123456789abcdef0123456789abcdef",
		},
		.hold = { .held = true, .until = 1800000000000000 },
	};
}

static struct event_line make_line(enum event_kind kind, enum phase phase)
{
	struct state state = make_state(phase);
	const struct event event = {
		.kind = kind,
		.app = "gateway",
		.unit = "gateway.service",
		.state = &state,
		.from = PHASE_SWITCHING,
		.duration_usec = 412000,
		.step = STAGE_WRITE,
		.done = 52,
		.total = 100,
		.probe = "web",
		.passed = kind == EVENT_PROBE,
		.text = "web: what\nthe probe \xff says…",
	};
	struct event_line line;

	event_line_of(&event, 1700000001000000, &line);
	return line;
}

/* Every kind comes back as it was, but for what is no text. */
static void test_round_trip(void **unused)
{
	(void)unused;
	for (enum event_kind kind = 0; kind < EVENT_KIND_MAX; kind++) {
		struct event_line line = make_line(kind, PHASE_TRIAL);
		_cleanup_free_ char *first = NULL, *second = NULL;
		struct event_line again;
		struct error err = {};

		assert_int_equal(event_line_encode(&line, &first, NULL), 0);
		assert_string_equal(strchr(first, '\n'),
				    "\n"); /* one line, whatever the text holds */
		if (event_line_decode(first, &again, &err) < 0)
			fail_msg("%s: %s", err.text, first);
		assert_int_equal(event_line_encode(&again, &second, NULL), 0);
		assert_string_equal(first, second);
		assert_int_equal(again.kind, kind);
		assert_int_equal(again.phase, PHASE_TRIAL);
		assert_int_equal(again.slot, SLOT_B);
		assert_string_equal(again.transaction, "transaction-id");
		assert_string_equal(again.request, "request-id");
		assert_string_equal(again.version, "1.4");
		assert_string_equal(again.from_version, "1.3");
		assert_int_equal(again.time, 1700000001000000);
		assert_int_equal(again.began, 1700000000000000);
	}
}

static void decode_encoded(const struct event_line *line, struct event_line *ret_line)
{
	_cleanup_free_ char *json = NULL;

	assert_int_equal(event_line_encode(line, &json, NULL), 0);
	assert_int_equal(event_line_decode(json, ret_line, NULL), 0);
}

static void test_what_a_kind_adds(void **unused)
{
	struct event_line line, again;

	(void)unused;
	line = make_line(EVENT_PHASE, PHASE_TRIAL);
	decode_encoded(&line, &again);
	assert_int_equal(again.from, PHASE_SWITCHING);
	assert_int_equal(again.duration, 412000);
	line = make_line(EVENT_PROGRESS, PHASE_STAGING);
	decode_encoded(&line, &again);
	assert_int_equal(again.step, STAGE_WRITE);
	assert_int_equal(again.done, 52);
	assert_int_equal(again.total, 100);
	line = make_line(EVENT_PROBE, PHASE_TRIAL);
	decode_encoded(&line, &again);
	assert_string_equal(again.probe, "web");
	assert_true(again.passed);
	line = make_line(EVENT_HOLD, PHASE_IDLE);
	decode_encoded(&line, &again);
	assert_true(again.held);
	assert_int_equal(again.until, 1800000000000000);
	line = make_line(EVENT_OUTCOME, PHASE_IDLE);
	decode_encoded(&line, &again);
	assert_int_equal(again.outcome, OUTCOME_ROLLED_BACK);
	assert_int_equal(again.fault, FAULT_UNHEALTHY);
	assert_string_equal(again.reason, "probe web: HTTP 500, wanted \"200-299\"");
	assert_string_equal(again.invocation, "0123456789abcdef0123456789abcdef");
}

/* A contract: docs/JSON.md. */
static void test_keys(void **unused)
{
	struct event_line line = make_line(EVENT_OUTCOME, PHASE_IDLE);
	_cleanup_free_ char *json = NULL;

	(void)unused;
	line.text[0] = '\0';
	assert_int_equal(event_line_encode(&line, &json, NULL), 0);
	assert_string_equal(
		json, "{\"event\":\"outcome\",\"time_usec\":1700000001000000,\"app\":\"gateway\","
		      "\"unit\":\"gateway.service\",\"request\":\"request-id\","
		      "\"transaction\":\"transaction-id\",\"verb\":\"install\",\"phase\":\"idle\","
		      "\"slot\":\"b\",\"from_version\":\"1.3\",\"to_version\":\"1.4\","
		      "\"began_usec\":1700000000000000,\"duration_usec\":412000,"
		      "\"outcome\":\"rolled-back\",\"reason\":\"probe web: HTTP 500, wanted "
		      "\\\"200-299\\\"\",\"invocation\":\"0123456789abcdef0123456789abcdef\","
		      "\"fault\":\"unhealthy\"}\n");
}

static void test_lines_of_other_versions(void **unused)
{
	struct event_line line;
	struct error err = {};

	(void)unused;
	assert_int_equal(event_line_decode("{\"event\":\"note\",\"phase\":\"idle\",\"new\":{}}",
					   &line, NULL),
			 0);
	assert_int_equal(line.slot, SLOT_NONE);
	assert_int_equal(line.outcome, OUTCOME_NONE);
	assert_true(event_line_decode("{\"event\":\"new\",\"phase\":\"idle\"}", &line, &err) < 0);
	assert_int_equal(err.fault, FAULT_CORRUPT);
	assert_true(event_line_decode("{\"event\":\"note\",\"phase\":\"new\"}", &line, &err) < 0);
	assert_true(event_line_decode("{\"event\":\"note\"", &line, &err) < 0);
	assert_true(event_line_decode("[]", &line, &err) < 0);
	assert_true(event_line_decode("", &line, &err) < 0);
}

static const char *describe(enum event_kind kind, enum phase phase, const char *text)
{
	static char sentence[EVENT_LINE_TEXT_MAX];
	struct event_line line = make_line(kind, phase);

	(void)snprintf(line.text, sizeof(line.text), "%s", text);
	return event_line_describe(&line, sentence, sizeof(sentence));
}

static void test_reverting_the_first_release(void **unused)
{
	char sentence[EVENT_LINE_TEXT_MAX];
	struct event_line line = make_line(EVENT_PHASE, PHASE_REVERTING);

	(void)unused;
	line.from_version[0] = '\0';
	line.text[0] = '\0';
	assert_string_equal(
		event_line_describe(&line, sentence, sizeof(sentence)),
		"reverting: taking 1.4 back; 1.4 was the first release, so nothing will run");
}

static void test_sentences(void **unused)
{
	(void)unused;
	assert_string_equal(describe(EVENT_PHASE, PHASE_STAGING, ""),
			    "staging: putting 1.4 into slot b");
	assert_string_equal(describe(EVENT_PHASE, PHASE_REVERTING, "it died"),
			    "reverting: going back to 1.3: it died");
	assert_string_equal(describe(EVENT_PROBE, PHASE_TRIAL, "web: HTTP 200"),
			    "probe web passed: HTTP 200");
	assert_string_equal(describe(EVENT_PROBE, PHASE_TRIAL, ""), "probe web passed");
	assert_string_equal(describe(EVENT_PROGRESS, PHASE_STAGING, ""), "write: 52 %");
	assert_string_equal(describe(EVENT_NOTE, PHASE_TRIAL, "it waits"), "it waits");
	assert_string_equal(describe(EVENT_FINDING, PHASE_STAGED, "it is held"),
			    "in the way: it is held");
	assert_string_equal(describe(EVENT_HOLD, PHASE_IDLE, "hold: freeze"), "held: freeze");
	assert_string_equal(describe(EVENT_WARNING, PHASE_TRIAL, "hm"), "warning: hm");
	assert_string_equal(describe(EVENT_OUTCOME, PHASE_IDLE, ""),
			    "install 1.4: rolled-back: probe web: HTTP 500, wanted \"200-299\"");
}

/* A text may be as long as it may be; the sentence is cut, never overrun. */
static void test_every_sentence_fits(void **unused)
{
	(void)unused;
	for (enum event_kind kind = 0; kind < EVENT_KIND_MAX; kind++) {
		for (enum phase phase = 0; phase < PHASE_MAX; phase++) {
			struct event_line line = make_line(kind, phase);
			char small[12];

			memset(line.text, 'x', sizeof(line.text) - 1);
			memset(line.version, 'v', sizeof(line.version) - 1);
			assert_true(strlen(event_line_describe(&line, small, sizeof(small))) > 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_what_a_kind_adds),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_lines_of_other_versions),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_reverting_the_first_release),
		cmocka_unit_test(test_every_sentence_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
