#include "unit/probe-health.h"

#include <stdio.h>
#include <string.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <time.h>

#include "base/text.h"

#define VALUE_MAX      200
#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define MOMENT_NSEC    (10 * 1000 * 1000)
#define MOMENTS_MAX    200

/* ---- saying ---- */

/* journald's native protocol (systemd's docs/JOURNAL_NATIVE_PROTOCOL.md): values without a newline are lines. */
static int write_record(const char *app, const char *health, const char *why, struct text *text,
			struct error *err)
{
	char shown[VALUE_MAX];

	(void)text_escape(why, strlen(why), shown, sizeof(shown));
	text_add(text, "MESSAGE=%s: the service says: %s%s%s\n", app, health, shown[0] ? ": " : "",
		 shown);
	text_add(text, "PRIORITY=%d\nSYSLOG_IDENTIFIER=flipslot\nFLIPSLOT_APP=%s\n",
		 strcmp(health, PROBE_HEALTH_ERROR) == 0 ? LOG_ERR : LOG_INFO, app);
	text_add(text, PROBE_HEALTH_FIELD "=%s\n" PROBE_HEALTH_WHY "=%s\n", health, shown);
	return text_check(text, err);
}

/* What a receiver has not read is still counted as ours (unix(7), SIOCOUTQ). */
static void wait_until_taken(int fd)
{
	const struct timespec moment = { .tv_nsec = MOMENT_NSEC };
	int left = 1;

	for (int i = 0; i < MOMENTS_MAX && left > 0; i++) {
		(void)nanosleep(&moment, NULL);
		if (ioctl(fd, SIOCOUTQ, &left) < 0)
			return;
	}
}

int probe_health_say(const char *app, const char *health, const char *why, struct error *err)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };
	_cleanup_text_ struct text text = {};
	_cleanup_close_ int fd = -1;
	int r = write_record(app, health, why, &text, err);

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    send(fd, text.data, text.size, MSG_NOSIGNAL) < 0)
		return error_errno(err, "writing to the journal (" JOURNAL_SOCKET ")");
	wait_until_taken(fd);
	return 0;
}

/* ---- asking ---- */

/* The value of a field of the present record, or "". */
static void read_field(sd_journal *journal, const char *field, char *ret_value, size_t room)
{
	size_t prefix = strlen(field) + 1;
	const void *data;
	size_t size;

	ret_value[0] = '\0';
	if (sd_journal_get_data(journal, field, &data, &size) >= 0 && size > prefix)
		(void)text_escape((const char *)data + prefix, size - prefix, ret_value, room);
}

/* The invocation is the word of a user's manager: only that user's records count. */
static int add_owner(sd_journal *journal, uint64_t owner)
{
	char match[32];

	if (owner == 0)
		return 0;
	(void)snprintf(match, sizeof(match), "_UID=%u", (unsigned int)owner);
	return sd_journal_add_match(journal, match, 0);
}

static int add_matches(sd_journal *journal, const char *invocation)
{
	static const char *const values[] = { PROBE_HEALTH_OKAY, PROBE_HEALTH_WAITING,
					      PROBE_HEALTH_ERROR };
	char match[96];
	int r;

	(void)snprintf(match, sizeof(match), "_SYSTEMD_INVOCATION_ID=%s", invocation);
	r = sd_journal_add_match(journal, match, 0);
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(values); i++) {
		(void)snprintf(match, sizeof(match), PROBE_HEALTH_FIELD "=%s", values[i]);
		r = sd_journal_add_match(journal, match, 0);
	}
	return r;
}

static int open_journal(const struct probe_order *order, sd_journal **ret_journal)
{
	_cleanup_(sd_journal_closep) sd_journal *journal = NULL;
	int r = sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY);

	if (r >= 0)
		r = add_matches(journal, order->context.invocation);
	if (r >= 0)
		r = add_owner(journal, order->owner);
	if (r >= 0)
		r = sd_journal_seek_tail(journal);
	if (r >= 0)
		*ret_journal = TAKE_PTR(journal);
	return r;
}

bool probe_health_ask(const struct probe_order *order, uint64_t deadline, char *ret_text,
		      size_t room)
{
	_cleanup_(sd_journal_closep) sd_journal *journal = NULL;
	char health[VALUE_MAX], why[VALUE_MAX];
	int r;

	(void)deadline;
	if (!order->context.invocation[0]) {
		(void)snprintf(ret_text, room, "the unit has no invocation to look for");
		return false;
	}
	r = open_journal(order, &journal);
	if (r >= 0)
		r = sd_journal_previous(journal);
	if (r < 0) {
		(void)snprintf(ret_text, room, "the journal cannot be read: %s",
			       strerrordesc_np(-r));
		return false;
	}
	if (r == 0) {
		(void)snprintf(ret_text, room, "the service has not said yet how it is");
		return false;
	}
	read_field(journal, PROBE_HEALTH_FIELD, health, sizeof(health));
	read_field(journal, PROBE_HEALTH_WHY, why, sizeof(why));
	(void)snprintf(ret_text, room, "%s, says the service%s%s", health, why[0] ? ": " : "", why);
	return strcmp(health, PROBE_HEALTH_OKAY) == 0;
}
