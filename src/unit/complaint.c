#include "unit/complaint.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <systemd/sd-journal.h>

#include "base/parse.h"
#include "base/text.h"

#define TIMEOUT_USEC (5 * USEC_PER_SEC)
#define LINE_MAX     4096 /* bytes of a record that are looked at */

/* ---- the child ---- */

static int add_matches(sd_journal *journal, const char *invocation)
{
	char match[96];
	int r;

	(void)snprintf(match, sizeof(match), "_SYSTEMD_INVOCATION_ID=%s", invocation);
	r = sd_journal_add_match(journal, match, 0);
	for (int priority = LOG_EMERG; r >= 0 && priority <= LOG_ERR; priority++) {
		(void)snprintf(match, sizeof(match), "PRIORITY=%d", priority);
		r = sd_journal_add_match(journal, match, 0);
	}
	return r;
}

/* From the newest back to the first that is older. An invocation is of one boot: its monotonic times compare. */
static unsigned int count(sd_journal *journal, uint64_t since, uint64_t deadline)
{
	sd_id128_t boot_id;
	uint64_t at;
	unsigned int n;

	for (n = 0; n < COMPLAINT_MAX; n++) {
		if (sd_journal_previous(journal) <= 0 ||
		    sd_journal_get_monotonic_usec(journal, &at, &boot_id) < 0 || at < since)
			break;
		if (n % 256 == 255 && clock_monotonic_usec() > deadline)
			break;
	}
	return n;
}

bool complaint_ask(const struct probe_order *order, uint64_t deadline, char *ret_text, size_t room)
{
	_cleanup_(sd_journal_closep) sd_journal *journal = NULL;
	int r;

	r = sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY);
	if (r >= 0)
		r = add_matches(journal, order->context.invocation);
	if (r >= 0)
		r = sd_journal_seek_tail(journal);
	if (r < 0) {
		(void)snprintf(ret_text, room, "the journal cannot be read: %s",
			       strerrordesc_np(-r));
		return false;
	}
	(void)snprintf(ret_text, room, "%u", count(journal, order->context.started, deadline));
	return true;
}

static int add_writer(sd_journal *journal, const struct probe_order *order)
{
	char match[96];
	int r;

	(void)snprintf(match, sizeof(match), "_SYSTEMD_INVOCATION_ID=%s",
		       order->context.invocation);
	r = sd_journal_add_match(journal, match, 0);
	if (r < 0 || order->owner == 0)
		return r;
	(void)snprintf(match, sizeof(match), "_UID=%u", (unsigned int)order->owner);
	return sd_journal_add_match(journal, match, 0);
}

static bool read_line(sd_journal *journal, char *ret_text, size_t room)
{
	static const char field[] = "MESSAGE=";
	const size_t head = sizeof(field) - 1;
	const char *text;
	const void *data;
	size_t size;

	if (sd_journal_get_data(journal, "MESSAGE", &data, &size) < 0 || size < head)
		return false;
	text = (const char *)data + head;
	size -= head;
	while (size > 0 && isspace((unsigned char)text[size - 1]))
		size--;
	if (size == 0)
		return false;
	(void)snprintf(ret_text, room, "%.*s", (int)size,
		       text); /* who reads the answer makes it printable */
	return true;
}

static bool find_line(sd_journal *journal, uint64_t deadline, char *ret_text, size_t room)
{
	for (unsigned int n = 0; n < COMPLAINT_MAX; n++) {
		if (sd_journal_previous(journal) <= 0 || clock_monotonic_usec() > deadline)
			return false;
		if (read_line(journal, ret_text, room))
			return true;
	}
	return false;
}

bool complaint_ask_last(const struct probe_order *order, uint64_t deadline, char *ret_text,
			size_t room)
{
	_cleanup_(sd_journal_closep) sd_journal *journal = NULL;
	int r;

	(void)text_copy("nothing", ret_text, room);
	r = sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY);
	if (r >= 0)
		r = sd_journal_set_data_threshold(journal, LINE_MAX);
	if (r >= 0)
		r = add_writer(journal, order);
	if (r >= 0)
		r = sd_journal_seek_tail(journal);
	return r >= 0 && find_line(journal, deadline, ret_text, room);
}

/* ---- who has it asked ---- */

/* The answer to a question of that kind. > 0: COMPLAINT_UNKNOWN. */
static int ask(enum probe_kind kind, const struct probe_context *context,
	       struct probe_answer *ret_answer, struct error *err)
{
	const struct probe_options options = { .kind = kind, .timeout_usec = TIMEOUT_USEC };
	int r = context->invocation[0] ? probe_run_once(&options, context, ret_answer, err) : 0;

	if (r < 0)
		return r;
	return r == PROBE_UNASKED || !ret_answer->passed ? COMPLAINT_UNKNOWN : 0;
}

int complaint_count(const struct probe_context *context, unsigned int *ret_n, struct error *err)
{
	struct probe_answer answer = {};
	uint64_t n;
	int r = ask(PROBE_ERRORS, context, &answer, err);

	if (r != 0)
		return r;
	if (parse_u64(answer.text, 0, COMPLAINT_MAX, &n, NULL) < 0)
		return COMPLAINT_UNKNOWN;
	*ret_n = (unsigned int)n;
	return 0;
}

int complaint_last(const struct probe_context *context, char *ret_line, size_t room,
		   struct error *err)
{
	struct probe_answer answer = {};
	int r = ask(PROBE_LAST, context, &answer, err);

	if (r == 0)
		(void)text_copy(answer.text, ret_line, room);
	return r;
}

int complaint_of_address(const struct probe_context *context, bool *ret_said, struct error *err)
{
	char match[] = "[Aa]ddress (is )?(already )?in use|EADDRINUSE";
	const struct probe_options options = { .kind = PROBE_JOURNAL,
					       .match = match,
					       .timeout_usec = TIMEOUT_USEC };
	struct probe_answer answer = {};
	int r = context->invocation[0] ? probe_run_once(&options, context, &answer, err) : 0;

	if (r < 0)
		return r;
	*ret_said = answer.passed;
	return 0;
}
