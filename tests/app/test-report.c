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
			    "FLIPSLOT_UNIT=gateway.service\n"
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
	assert_field("MESSAGE_ID=" MESSAGE_ID_ROLLED_BACK);
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

/* ---- ids, and what explains them ---- */

static char catalog[1 << 16], manual[1 << 16];

static void load_file(const char *name, char *ret_text, size_t room)
{
	_cleanup_fclose_ FILE *f = fopen(name, "re");

	if (!f)
		skip(); /* not called from the top of the source */
	ret_text[fread(ret_text, 1, room - 1, f)] = '\0';
}

/* The catalog's entry of the last record; the caller's. */
static char *explain(void)
{
	_cleanup_free_ char *head = NULL;
	char id[64];
	char *at;

	assert_true(text_get_field(sent.last.data, "MESSAGE_ID", id, sizeof(id)));
	assert_true(asprintf(&head, "\n-- %s\n", id) > 0);
	at = strstr(catalog, head);
	if (!at) {
		fail_msg("units/catalog/flipslot.catalog does not explain\n%s", sent.last.data);
		return NULL;
	}
	if (!strstr(manual, id))
		fail_msg("docs/JOURNAL.md does not have\n%s", sent.last.data);
	at += strlen(head);
	return strndup(at, strstr(at, "\n-- ") ? (size_t)(strstr(at, "\n-- ") - at) : strlen(at));
}

/* journalctl puts the name of a field that a record has not: each @FIELD@ is one that it has. */
static void assert_explained(void)
{
	_cleanup_free_ char *entry = explain();
	char *at = entry;

	assert_int_equal(strncmp(entry, "Subject: ", 9), 0);
	assert_non_null(strstr(entry, "\nDefined-By: flipslot\n"));
	assert_non_null(strstr(entry, "\nDocumentation: man:flipslot(1)\n\n"));
	while ((at = strchr(at, '@'))) {
		size_t n = strspn(++at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
		char field[64];

		if (n == 0 || at[n] != '@' || strncmp(at, "DOCDIR@", 7) == 0)
			continue;
		(void)snprintf(field, sizeof(field), "\n%.*s=", (int)n, at);
		if (!strstr(sent.last.data, field))
			fail_msg("no %s in\n%s", field + 1, sent.last.data);
		at += n + 1;
	}
}

/* All kinds that there are. */
static void for_each_record(void (*look)(void))
{
	_cleanup_(report_freep) struct report *report = begin();
	static const struct outbox_entry alert = { .id = "an-id", .receiver = "ops" };
	const struct state state = {};

	for (enum event_kind kind = 0; kind < EVENT_KIND_MAX; kind++) {
		if (kind == EVENT_PROGRESS || kind == EVENT_OUTCOME)
			continue;
		tell(report, kind, OUTCOME_NONE);
		look();
	}
	for (enum outcome outcome = OUTCOME_NONE + 1; outcome < OUTCOME_MAX; outcome++) {
		tell(report, EVENT_OUTCOME, outcome);
		look();
	}
	for (enum report_alert what = 0; what <= REPORT_ALERT_DROPPED; what++) {
		report_alert("gateway", "gateway.service", what, &alert, "so it is");
		look();
	}
	report_late_failure("gateway", "gateway.service", &state);
	look();
}

static char seen[64][64];
static size_t n_seen;

static void assert_new_id(void)
{
	char *id = seen[n_seen++];

	assert_true(n_seen < ARRAY_SIZE(seen));
	assert_true(text_get_field(sent.last.data, "MESSAGE_ID", id, sizeof(seen[0])));
	assert_int_equal(strlen(id), 32);
	assert_int_equal(strspn(id, "0123456789abcdef"), 32);
	for (size_t other = 0; other + 1 < n_seen; other++)
		assert_string_not_equal(id, seen[other]);
}

static size_t count(const char *text, const char *word)
{
	size_t n = 0;

	for (; (text = strstr(text, word)); text += strlen(word))
		n++;
	return n;
}

/* Each kind has an id, no two the same; and none is explained that there is not. */
static void test_message_ids(void **unused)
{
	static char header[1 << 14];

	(void)unused;
	n_seen = 0;
	for_each_record(assert_new_id);
	load_file("include/app/message-id.h", header, sizeof(header));
	assert_int_equal(count(header, "#define MESSAGE_ID_"), n_seen);
	load_file("units/catalog/flipslot.catalog", catalog, sizeof(catalog));
	assert_int_equal(count(catalog, "\n-- "), n_seen);
}

static void test_catalog_and_manual(void **unused)
{
	(void)unused;
	load_file("units/catalog/flipslot.catalog", catalog, sizeof(catalog));
	load_file("docs/JOURNAL.md", manual, sizeof(manual));
	for_each_record(assert_explained);
}

static void assert_documented(void)
{
	for (char *at = sent.last.data; *at; at += strcspn(at, "\n") + 1) {
		char name[64];

		(void)snprintf(name, sizeof(name), "`%.*s=`", (int)strcspn(at, "="), at);
		if (!strstr(manual, name))
			fail_msg("docs/JOURNAL.md does not have %s", name);
	}
}

static void test_fields_are_documented(void **unused)
{
	(void)unused;
	load_file("docs/JOURNAL.md", manual, sizeof(manual));
	for_each_record(assert_documented);
}

static void test_alerts(void **unused)
{
	const struct outbox_entry entry = { .id = "an-id",
					    .receiver = "ops",
					    .outcome = OUTCOME_FAILED,
					    .transaction = "an-id",
					    .error = "HTTP 500" };

	(void)unused;
	forget();
	report_alert("gateway", "gateway.service", REPORT_ALERT_FAILED, &entry, "so it is");
	assert_field("MESSAGE=gateway: so it is");
	assert_field("MESSAGE_ID=" MESSAGE_ID_ALERT_FAILED);
	assert_field("PRIORITY=4");
	assert_field("OBJECT_SYSTEMD_UNIT=gateway.service");
	assert_field("FLIPSLOT_RECEIVER=ops");
	assert_field("FLIPSLOT_EVENT_ID=an-id");
	assert_field("FLIPSLOT_OUTCOME=failed");
	assert_field("FLIPSLOT_REASON=HTTP 500");
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
		cmocka_unit_test(test_catalog_and_manual),
		cmocka_unit_test(test_fields_are_documented),
		cmocka_unit_test(test_alerts),
		cmocka_unit_test(test_a_broken_stream_is_said_once),
		cmocka_unit_test(test_without_a_stream_the_journal_goes_on),
		cmocka_unit_test(test_late_failure),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	text_done(&sent.last);
	return failed;
}
