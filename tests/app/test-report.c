/* LDFLAGS: -Wl,--wrap=sd_journal_sendv,--wrap=stream_new,--wrap=stream_write,--wrap=stream_free */
/* Which records go to the journal, with which fields, and that nothing of it can stop the worker. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <syslog.h>

#include <cmocka.h>

#include "app/message-id.h"
#include "app/report.h"
#include "app/stream.h"
#include "base/text.h"

int __wrap_sd_journal_sendv(const struct iovec *vectors, int n);
int __wrap_stream_new(const char *parent, const char *app, struct stream **ret_stream,
		      struct error *err);
int __wrap_stream_write(struct stream *stream, const char *line, struct error *err);
void __wrap_stream_free(struct stream *stream);

static struct {
	int records;
	struct text last; /* the fields of the last record, each with a newline behind */
	int lines;
	bool no_stream, broken_stream;
} sent;

int __wrap_sd_journal_sendv(const struct iovec *vectors, int n)
{
	sent.records++;
	text_done(&sent.last);
	sent.last = (struct text){};
	for (int i = 0; i < n; i++) {
		text_add_bytes(&sent.last, vectors[i].iov_base, vectors[i].iov_len);
		text_add(&sent.last, "\n");
	}
	return 0;
}

int __wrap_stream_new(const char *parent, const char *app, struct stream **ret_stream,
		      struct error *err)
{
	assert_string_equal(parent, "/run/flipslot");
	assert_string_equal(app, "gateway");
	if (sent.no_stream)
		return error_set(err, FAULT_INTERNAL, "no /run");
	*ret_stream = (struct stream *)&sent;
	return 0;
}

int __wrap_stream_write(struct stream *stream, const char *line, struct error *err)
{
	assert_ptr_equal(stream, &sent);
	assert_string_equal(line + strlen(line) - 1, "\n");
	sent.lines++;
	return sent.broken_stream ? error_code(err, -ENOSPC, "writing") : 0;
}

void __wrap_stream_free(struct stream *stream)
{
	(void)stream;
}

static void tell(struct report *report, enum event_kind kind, enum outcome outcome)
{
	const struct state state = {
		.phase = PHASE_TRIAL,
		.transaction = { .id = "an-id",
				 .verb = VERB_INSTALL,
				 .target = SLOT_B,
				 .release = { .version = "1.4" },
				 .from_version = "1.3",
				 .outcome = outcome,
				 .fault = outcome == OUTCOME_ROLLED_BACK ? FAULT_UNHEALTHY :
									   FAULT_NONE,
				 .reason = "probe web: HTTP 500" },
	};
	const struct event event = { .kind = kind,
				     .app = "gateway",
				     .unit = "gateway.service",
				     .state = &state,
				     .from = PHASE_SWITCHING,
				     .duration_usec = 412,
				     .step = STAGE_WRITE,
				     .probe = "web",
				     .text = kind == EVENT_PHASE ? NULL : "web: what it says" };
	struct event_listener listener = report_listener(report);

	listener.handle(listener.data, &event);
}

static void forget(void)
{
	text_done(&sent.last);
	memset(&sent, 0, sizeof(sent));
}

static struct report *begin(void)
{
	struct report *report = NULL;

	forget();
	assert_int_equal(report_new("gateway", &report, NULL), 0);
	return report;
}

static void assert_field(const char *field)
{
	_cleanup_free_ char *line = NULL;

	assert_true(asprintf(&line, "%s\n", field) > 0);
	if (!strstr(sent.last.data, line))
		fail_msg("no %s in\n%s", field, sent.last.data);
}

static void test_fields_of_a_phase(void **unused)
{
	_cleanup_(report_freep) struct report *report = begin();

	(void)unused;
	tell(report, EVENT_PHASE, OUTCOME_NONE);
	assert_int_equal(sent.records, 1);
	assert_int_equal(sent.lines, 1);
	assert_string_equal(sent.last.data,
			    "MESSAGE=gateway: trial: 1.4 runs, its start probes are asked\n"
			    "MESSAGE_ID=" MESSAGE_ID_PHASE "\n"
			    "PRIORITY=6\n"
			    "SYSLOG_IDENTIFIER=flipslot\n"
			    "OBJECT_SYSTEMD_UNIT=gateway.service\n"
			    "FLIPSLOT_APP=gateway\n"
			    "FLIPSLOT_TRANSACTION=an-id\n"
			    "FLIPSLOT_VERB=install\n"
			    "FLIPSLOT_PHASE=trial\n"
			    "FLIPSLOT_SLOT=b\n"
			    "FLIPSLOT_VERSION=1.4\n"
			    "FLIPSLOT_FROM_VERSION=1.3\n"
			    "FLIPSLOT_PHASE_FROM=switching\n"
			    "FLIPSLOT_DURATION_USEC=412\n");
}

static void test_fields_of_an_outcome(void **unused)
{
	_cleanup_(report_freep) struct report *report = begin();

	(void)unused;
	tell(report, EVENT_OUTCOME, OUTCOME_ROLLED_BACK);
	assert_field("MESSAGE_ID=" MESSAGE_ID_OUTCOME);
	assert_field("PRIORITY=3");
	assert_field("FLIPSLOT_OUTCOME=rolled-back");
	assert_field("FLIPSLOT_FAULT=unhealthy");
	assert_field("FLIPSLOT_REASON=probe web: HTTP 500");
	assert_field("FLIPSLOT_DURATION_USEC=412");
	tell(report, EVENT_OUTCOME, OUTCOME_COMMITTED);
	assert_field("PRIORITY=5");
}

static void test_progress_stays_out_of_the_journal(void **unused)
{
	_cleanup_(report_freep) struct report *report = begin();

	(void)unused;
	tell(report, EVENT_PROGRESS, OUTCOME_NONE);
	assert_int_equal(sent.records, 0);
	assert_int_equal(sent.lines, 1);
}

/* P6: whatever is not committed is an error. */
static void test_priorities(void **unused)
{
	(void)unused;
	for (enum outcome outcome = OUTCOME_REFUSED; outcome < OUTCOME_MAX; outcome++) {
		const struct event_line line = { .kind = EVENT_OUTCOME, .outcome = outcome };

		assert_int_equal(report_priority(&line), LOG_ERR);
	}
	assert_int_equal(report_priority(&(struct event_line){ .kind = EVENT_WARNING }),
			 LOG_WARNING);
	assert_int_equal(report_priority(&(struct event_line){ .kind = EVENT_FINDING }),
			 LOG_WARNING);
	assert_int_equal(report_priority(&(struct event_line){ .kind = EVENT_PROBE }), LOG_WARNING);
	assert_int_equal(report_priority(&(struct event_line){ .kind = EVENT_PHASE }), LOG_INFO);
}

/* Each kind has an id, no two the same. */
static void test_message_ids(void **unused)
{
	_cleanup_(report_freep) struct report *report = begin();
	char seen[EVENT_KIND_MAX][64] = {};

	(void)unused;
	for (enum event_kind kind = 0; kind < EVENT_KIND_MAX; kind++) {
		if (kind == EVENT_PROGRESS)
			continue;
		tell(report, kind, OUTCOME_COMMITTED);
		assert_true(text_get_field(sent.last.data, "MESSAGE_ID", seen[kind],
					   sizeof(seen[kind])));
		assert_int_equal(strspn(seen[kind], "0123456789abcdef"), 32);
		assert_int_equal(strlen(seen[kind]), 32);
		for (enum event_kind other = 0; other < kind; other++)
			assert_string_not_equal(seen[kind], seen[other]);
	}
}

static void test_a_broken_stream_is_said_once(void **unused)
{
	_cleanup_(report_freep) struct report *report = begin();

	(void)unused;
	sent.broken_stream = true;
	tell(report, EVENT_PROGRESS, OUTCOME_NONE);
	tell(report, EVENT_PROGRESS, OUTCOME_NONE);
	assert_int_equal(sent.records, 1);
	assert_non_null(strstr(sent.last.data, "nobody can follow the events"));
}

static void test_without_a_stream_the_journal_goes_on(void **unused)
{
	_cleanup_(report_freep) struct report *report = NULL;

	(void)unused;
	forget();
	sent.no_stream = true;
	assert_int_equal(report_new("gateway", &report, NULL), 0);
	assert_int_equal(sent.records, 1);
	tell(report, EVENT_PHASE, OUTCOME_NONE);
	assert_int_equal(sent.records, 2);
	assert_int_equal(sent.lines, 0);
}

static void test_late_failure(void **unused)
{
	const struct state state = { .good = { .version = "1.3" } };

	(void)unused;
	report_late_failure("gateway", "gateway.service", &state);
	assert_field(
		"MESSAGE=gateway: gateway.service failed; nothing is under way; known good: 1.3");
	assert_field("MESSAGE_ID=" MESSAGE_ID_LATE_FAILURE);
	assert_field("PRIORITY=3");
	assert_field("OBJECT_SYSTEMD_UNIT=gateway.service");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields_of_a_phase),
		cmocka_unit_test(test_fields_of_an_outcome),
		cmocka_unit_test(test_progress_stays_out_of_the_journal),
		cmocka_unit_test(test_priorities),
		cmocka_unit_test(test_message_ids),
		cmocka_unit_test(test_a_broken_stream_is_said_once),
		cmocka_unit_test(test_without_a_stream_the_journal_goes_on),
		cmocka_unit_test(test_late_failure),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	text_done(&sent.last);
	return failed;
}
