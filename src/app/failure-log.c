#include "app/failure-log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-journal.h>

#include "base/cleanup.h"
#include "base/scope.h"
#include "base/text.h"
#include "store/durable.h"

#define RECORDS_MAX 20000
#define MESSAGE_MAX 2048 /* bytes of a message that are kept */
#define LINE_MAX    (MESSAGE_MAX + 256)
#define ROOM	    (FAILURE_LOG_MAX - 2048) /* for records; the rest is for the head */

/* ---- which records ---- */

static int add_match(sd_journal *journal, const char *key, const char *value)
{
	char match[STATE_UNIT_MAX + 64];

	(void)snprintf(match, sizeof(match), "%s=%s", key, value);
	return sd_journal_add_match(journal, match, 0);
}

/* The unit's own, those of its manager, and ours; who wrote them is sure (_PID, _UID). */
static int add_matches(sd_journal *journal, const struct state_transaction *transaction)
{
	const bool user = scope_is_user();
	char uid[16];
	int r;

	(void)snprintf(uid, sizeof(uid), "%u", (unsigned int)geteuid());
	r = add_match(journal, user ? "_SYSTEMD_USER_UNIT" : "_SYSTEMD_UNIT", transaction->unit);
	if (r >= 0 && user)
		r = add_match(journal, "_UID", uid);
	if (r >= 0)
		r = sd_journal_add_disjunction(journal);
	if (r >= 0)
		r = add_match(journal, user ? "USER_UNIT" : "UNIT", transaction->unit);
	if (r >= 0)
		r = user ? add_match(journal, "_UID", uid) : add_match(journal, "_PID", "1");
	if (r >= 0)
		r = sd_journal_add_disjunction(journal);
	if (r >= 0)
		r = add_match(journal, "FLIPSLOT_TRANSACTION", transaction->id);
	return r >= 0 ? add_match(journal, "_UID", uid) : r;
}

/* ---- one record ---- */

/* The value of a field, escaped; "" if there is none. */
static char *get_field(sd_journal *journal, const char *key, char *ret_text, size_t room)
{
	size_t skip = strlen(key) + 1;
	const void *data;
	size_t size;

	ret_text[0] = '\0';
	if (sd_journal_get_data(journal, key, &data, &size) < 0 || size < skip)
		return ret_text;
	return text_escape((const char *)data + skip, size - skip, ret_text, room);
}

static void add_record(sd_journal *journal, struct text *text)
{
	char message[MESSAGE_MAX], name[64], pid[16], priority[8], when[CLOCK_TEXT_MAX];
	uint64_t realtime = 0;

	(void)sd_journal_get_realtime_usec(journal, &realtime);
	text_add(text, "%s.%06u %s %s[%s]: %s\n", clock_format(realtime, when),
		 (unsigned int)(realtime % USEC_PER_SEC),
		 get_field(journal, "PRIORITY", priority, sizeof(priority)),
		 get_field(journal, "SYSLOG_IDENTIFIER", name, sizeof(name)),
		 get_field(journal, "_PID", pid, sizeof(pid)),
		 get_field(journal, "MESSAGE", message, sizeof(message)));
}

/* ---- all of them ---- */

/* From the newest back to the beginning, or to what there is room for; the number of records. */
static size_t step_back(sd_journal *journal, uint64_t begin)
{
	size_t n = 0, bytes = 0;
	uint64_t realtime;
	const void *data;
	size_t size;

	while (n < RECORDS_MAX && sd_journal_previous(journal) > 0) {
		if (sd_journal_get_realtime_usec(journal, &realtime) < 0 || realtime < begin)
			break;
		if (sd_journal_get_data(journal, "MESSAGE", &data, &size) < 0)
			size = 0;
		bytes += size < MESSAGE_MAX ? size + 128 : LINE_MAX;
		if (bytes > ROOM)
			break;
		n++;
	}
	return n;
}

static int gather(const struct state_transaction *transaction, struct text *text, struct error *err)
{
	_cleanup_(sd_journal_closep) sd_journal *journal = NULL;
	size_t n = 0;
	int r = sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY);

	if (r >= 0)
		r = sd_journal_set_data_threshold(journal, MESSAGE_MAX + 16);
	if (r >= 0)
		r = add_matches(journal, transaction);
	if (r >= 0)
		r = sd_journal_seek_tail(journal);
	if (r < 0)
		return error_code(err, r, "reading the journal of %s", transaction->unit);
	n = step_back(journal, transaction->began);
	if (sd_journal_next(journal) >= 0 && n > 0)
		do
			if (text->size + LINE_MAX < FAILURE_LOG_MAX)
				add_record(journal, text);
		while (--n > 0 && sd_journal_next(journal) > 0);
	return 0;
}

static void add_head(const struct state_transaction *transaction, struct text *text)
{
	char when[CLOCK_TEXT_MAX];

	text_add(text,
		 "transaction %s: %s %s in slot %s: %s\n"
		 "reason: %s\n"
		 "unit %s, invocation on trial %s; kept %s: time, priority, "
		 "who, message\n\n",
		 transaction->id, verb_name(transaction->verb), transaction->release.version,
		 slot_name(transaction->target), outcome_name(transaction->outcome),
		 transaction->reason, transaction->unit,
		 transaction->invocation[0] ? transaction->invocation : "none",
		 clock_format(clock_realtime_usec(), when));
}

bool failure_log_is_due(const struct state_transaction *transaction)
{
	return transaction->switched > 0 && transaction->outcome != OUTCOME_NONE &&
	       transaction->outcome != OUTCOME_COMMITTED &&
	       transaction->outcome != OUTCOME_CANCELLED && transaction->outcome != OUTCOME_REFUSED;
}

int failure_log_keep(int dirfd, const struct state_transaction *transaction, struct error *err)
{
	_cleanup_text_ struct text text = {};
	int r;

	add_head(transaction, &text);
	r = gather(transaction, &text, err);
	if (r >= 0)
		r = text_check(&text, err);
	return r < 0 ? r : durable_replace(dirfd, FAILURE_LOG, text.data, text.size, 0600, err);
}
