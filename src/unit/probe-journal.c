#include "unit/probe-journal.h"

#include <errno.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-journal.h>

#include "base/clock.h"
#include "base/text.h"

#define RECORDS_MAX 200000
#define MESSAGE_MAX 4096 /* bytes of a MESSAGE= that are looked at */
#define SHOWN_MAX   160

/* regfree() may be called only after a regcomp() that succeeded. */
struct pattern {
	regex_t regex;
	bool is_set;
};

static void pattern_done(struct pattern *pattern)
{
	if (pattern->is_set)
		regfree(&pattern->regex);
}

struct search {
	sd_journal *journal;
	unsigned int records; /* seen in the last search */
	bool is_complete; /* it saw all there are */
	char message[MESSAGE_MAX];
};

__attribute__((format(printf, 2, 3))) static int add_match(sd_journal *journal, const char *format,
							   ...)
{
	char match[512];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(match, sizeof(match), format, ap);
	va_end(ap);
	return sd_journal_add_match(journal, match, 0);
}

/* Records of this invocation: of its processes, and of the manager. Others could write INVOCATION_ID=, too. */
static int add_matches(sd_journal *journal, const char *invocation)
{
	int r = add_match(journal, "_SYSTEMD_INVOCATION_ID=%s", invocation);

	if (r >= 0)
		r = sd_journal_add_disjunction(journal);
	if (r >= 0)
		r = add_match(journal, "INVOCATION_ID=%s", invocation);
	return r < 0 ? r : add_match(journal, "_PID=1");
}

/* The invocation is the word of a user's manager: nothing counts that is not a record of that user's. */
static int add_matches_of(sd_journal *journal, const struct probe_order *order)
{
	unsigned int uid = (unsigned int)order->owner;
	int r = add_match(journal, "_SYSTEMD_INVOCATION_ID=%s", order->context.invocation);

	if (r >= 0)
		r = add_match(journal, "_SYSTEMD_USER_UNIT=%s", order->context.unit);
	if (r >= 0)
		r = add_match(journal, "_UID=%u", uid);
	if (r >= 0)
		r = sd_journal_add_disjunction(journal);
	if (r >= 0)
		r = add_match(journal, "USER_INVOCATION_ID=%s", order->context.invocation);
	return r < 0 ? r : add_match(journal, "_UID=%u", uid);
}

/* False: a record without a text. */
static bool read_message(struct search *search)
{
	static const char field[] = "MESSAGE=";
	const void *data;
	size_t size;

	if (sd_journal_get_data(search->journal, "MESSAGE", &data, &size) < 0 ||
	    size < strlen(field))
		return false;
	data = (const char *)data + strlen(field);
	size -= strlen(field);
	if (size >= sizeof(search->message))
		size = sizeof(search->message) - 1;
	memcpy(search->message, data, size);
	search->message[size] = '\0';
	return true;
}

/* Leaves the message found in search->message. `previous` or `next`: sd_journal_… of that name. */
static bool find(struct search *search, const regex_t *regex, int (*step)(sd_journal *),
		 uint64_t deadline)
{
	search->is_complete = false;
	for (search->records = 0; search->records < RECORDS_MAX; search->records++) {
		if (step(search->journal) <= 0) {
			search->is_complete = true;
			return false;
		}
		if (search->records % 256 == 255 && clock_monotonic_usec() > deadline)
			return false;
		if (read_message(search) && regexec(regex, search->message, 0, NULL, 0) == 0)
			return true;
	}
	return false;
}

static bool compile(struct pattern *pattern, const char *text, char *ret_text, size_t room)
{
	char why[128];
	int r;

	if (!text)
		return true;
	r = regcomp(&pattern->regex, text, REG_EXTENDED | REG_NOSUB | REG_NEWLINE);
	pattern->is_set = r == 0;
	if (r == 0)
		return true;
	(void)regerror(r, &pattern->regex, why, sizeof(why));
	(void)snprintf(ret_text, room, "a regular expression is wrong: %s", why);
	return false;
}

static const char *shorten(const char *text, char *ret_text)
{
	return text_copy(text, ret_text, SHOWN_MAX);
}

static bool has_rejected(struct search *search, const struct pattern *reject, uint64_t deadline,
			 char *ret_text, size_t room)
{
	char shown[SHOWN_MAX];

	if (!reject->is_set || sd_journal_seek_tail(search->journal) < 0 ||
	    !find(search, &reject->regex, sd_journal_previous, deadline))
		return false;
	(void)snprintf(ret_text, room, "the journal has what Reject= forbids: \"%s\"",
		       shorten(search->message, shown));
	return true;
}

static bool has_wanted(struct search *search, const struct pattern *match, const char *wanted,
		       uint64_t deadline, char *ret_text, size_t room)
{
	char shown[SHOWN_MAX];

	if (sd_journal_seek_head(search->journal) >= 0 &&
	    find(search, &match->regex, sd_journal_next, deadline)) {
		(void)snprintf(ret_text, room, "the journal has \"%s\"",
			       shorten(search->message, shown));
		return true;
	}
	(void)snprintf(ret_text, room, "%s %u records of this invocation matches \"%s\"",
		       search->is_complete ? "none of the" : "none of the first", search->records,
		       shorten(wanted, shown));
	return false;
}

static bool judge(struct search *search, const struct probe_options *options, uint64_t deadline,
		  char *ret_text, size_t room)
{
	_cleanup_(pattern_done) struct pattern reject = {};
	_cleanup_(pattern_done) struct pattern match = {};
	uint64_t now = clock_monotonic_usec();
	uint64_t half = deadline > now ? (deadline - now) / 2 : 0;

	if (!compile(&reject, options->reject, ret_text, room) ||
	    !compile(&match, options->match, ret_text, room) ||
	    has_rejected(search, &reject, now + half, ret_text, room))
		return false;
	if (match.is_set)
		return has_wanted(search, &match, options->match, deadline, ret_text, room);
	(void)snprintf(ret_text, room, "nothing that Reject= forbids in %s%u records",
		       search->is_complete ? "" : "the newest ", search->records);
	return true;
}

bool probe_journal_ask(const struct probe_order *order, uint64_t deadline, char *ret_text,
		       size_t room)
{
	_cleanup_(sd_journal_closep) sd_journal *journal = NULL;
	struct search search = {};
	int r;

	if (!order->context.invocation[0]) {
		(void)snprintf(ret_text, room, "the unit has no invocation to look for");
		return false;
	}
	r = sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY);
	if (r >= 0)
		r = sd_journal_set_data_threshold(journal, MESSAGE_MAX + 16);
	if (r >= 0)
		r = order->owner == 0 ? add_matches(journal, order->context.invocation) :
					add_matches_of(journal, order);
	if (r < 0) {
		(void)snprintf(ret_text, room, "the journal cannot be read: %s",
			       strerrordesc_np(-r));
		return false;
	}
	search.journal = journal;
	return judge(&search, &order->options, deadline, ret_text, room);
}
