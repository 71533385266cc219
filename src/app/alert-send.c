#include "app/alert-send.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/alert-message.h"
#include "app/report.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"

#define PAUSE_LEAST_USEC (5 * USEC_PER_SEC)
#define PAUSE_MOST_USEC	 (3600 * USEC_PER_SEC)
#define LOOK_USEC	 (2 * USEC_PER_SEC) /* how soon an alert is seen that came meanwhile */
#define SECRET_MAX	 1024
#define HOST_MAX	 256

static void get_host(char ret_host[static HOST_MAX])
{
	if (gethostname(ret_host, HOST_MAX) < 0 || !ret_host[0])
		(void)snprintf(ret_host, HOST_MAX, "localhost");
	ret_host[HOST_MAX - 1] = '\0';
}

/* The key, looked at before it is used: whoever can read it can speak for us. */
static int read_secret_file(const char *path, char ret_secret[static SECRET_MAX], struct error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set(err, FAULT_CONFIG, "SecretFile=%s: %s", path,
				 strerrordesc_np(errno));
	if (!S_ISREG(st.st_mode) || (st.st_mode & 0077))
		return error_set(
			err, FAULT_CONFIG,
			"SecretFile=%s must be a file that nobody else can read: chmod 600 %s",
			path, path);
	n = fd_read_full(fd, ret_secret, SECRET_MAX - 1);
	if (n < 0)
		return error_errno(err, "reading SecretFile=%s", path);
	ret_secret[n] = '\0';
	ret_secret[strcspn(ret_secret, "\r\n")] = '\0';
	return 0;
}

static int sign(const struct alert_settings *alert, const char *id, uint64_t now, const char *body,
		char ret_signature[static ALERT_MESSAGE_SIGNATURE_MAX], struct error *err)
{
	char secret[SECRET_MAX];
	int r = 0;

	ret_signature[0] = '\0';
	if (!alert->secret && !alert->secret_file)
		return 0;
	if (alert->secret_file)
		r = read_secret_file(alert->secret_file, secret, err);
	else
		(void)text_copy(alert->secret, secret, sizeof(secret));
	if (r == 0)
		r = alert_message_sign(secret, id, now, body, ret_signature, err);
	explicit_bzero(secret, sizeof(secret));
	return r;
}

/* Header lines of one request; lines[n] is NULL. */
struct headers {
	char texts[6][ALERT_MESSAGE_TEXT_MAX + 32];
	const char *lines[7];
	size_t n;
};

static void add_header(struct headers *headers, const char *name, const char *value)
{
	char *text = headers->texts[headers->n];

	(void)snprintf(text, sizeof(headers->texts[0]), "%s: %s", name, value);
	headers->lines[headers->n++] = text;
}

static int make_body(const struct alert_settings *alert, const char *app, const char *host,
		     const struct outbox_entry *entry, const char *json, char **ret_body,
		     struct error *err)
{
	char text[ALERT_MESSAGE_TEXT_MAX];

	if (alert->template == ALERT_CHAT)
		return alert_message_chat(app, host, entry, ret_body, err);
	*ret_body = strdup(alert->template == ALERT_TEXT ? alert_message_text(entry, text) : json);
	return *ret_body ? 0 : error_errno(err, "writing the message");
}

static int send_webhook(const struct config *config, const struct alert_settings *alert,
			const struct outbox_entry *entry, const char *host, const char *json,
			struct post_answer *ret_answer, struct error *err)
{
	static const char *const types[] = {
		[ALERT_CLOUDEVENTS] = "application/cloudevents+json; charset=utf-8",
		[ALERT_TEXT] = "text/plain; charset=utf-8",
		[ALERT_CHAT] = "application/json",
	};
	const struct deploy_options *deploy = config_deploy(config);
	char signature[ALERT_MESSAGE_SIGNATURE_MAX] = "";
	char title[ALERT_MESSAGE_TEXT_MAX], when[32];
	uint64_t now = clock_realtime_usec() / USEC_PER_SEC;
	_cleanup_free_ char *body = NULL;
	struct headers headers = {};
	int r = make_body(alert, deploy->app, host, entry, json, &body, err);

	if (r == 0)
		r = sign(alert, entry->id, now, body, signature, err);
	if (r < 0)
		return r;
	(void)snprintf(when, sizeof(when), "%" PRIu64, now);
	add_header(&headers, "Content-Type", types[alert->template]);
	add_header(&headers, "webhook-id", entry->id);
	add_header(&headers, "webhook-timestamp", when);
	if (signature[0])
		add_header(&headers, "webhook-signature", signature);
	if (alert->template == ALERT_TEXT)
		add_header(&headers, "Title", alert_message_title(deploy->app, host, entry, title));
	return post_run(deploy->helper,
			&(struct post_order){ .user = ALERT_SEND_USER,
					      .url = alert->url,
					      .headers = headers.lines,
					      .body = body,
					      .timeout_usec = alert->timeout_usec },
			ret_answer, err);
}

static int run_command(const struct config *config, const struct alert_settings *alert,
		       const struct outbox_entry *entry, const char *host, const char *json,
		       struct post_answer *ret_answer, struct error *err)
{
	const struct deploy_options *deploy = config_deploy(config);
	char title[ALERT_MESSAGE_TEXT_MAX], type[64];
	const struct {
		const char *name;
		const char *value;
	} values[] = {
		{ "APP", deploy->app },
		{ "HOST", host },
		{ "EVENT_ID", entry->id },
		{ "EVENT_TYPE", alert_message_type(entry, type) },
		{ "OUTCOME", entry->outcome == OUTCOME_NONE ? "" : outcome_name(entry->outcome) },
		{ "FAULT", entry->fault == FAULT_NONE ? "" : fault_name(entry->fault) },
		{ "REASON", entry->reason },
		{ "FROM_VERSION", entry->from_version },
		{ "TO_VERSION", entry->to_version },
		{ "TRANSACTION", entry->transaction },
		{ "MESSAGE", alert_message_title(deploy->app, host, entry, title) },
	};
	char texts[ARRAY_SIZE(values)][ALERT_MESSAGE_TEXT_MAX + 32];
	const char *variables[ARRAY_SIZE(values) + 1] = {};

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		(void)snprintf(texts[i], sizeof(texts[i]), "FLIPSLOT_%s=%s", values[i].name,
			       values[i].value);
		variables[i] = texts[i];
	}
	return post_run(deploy->helper,
			&(struct post_order){ .user = ALERT_SEND_USER,
					      .command = (const char *const *)alert->command,
					      .variables = variables,
					      .body = json,
					      .timeout_usec = alert->timeout_usec },
			ret_answer, err);
}

int alert_send_once(const struct config *config, const struct alert_settings *alert,
		    const struct outbox_entry *entry, struct post_answer *ret_answer,
		    struct error *err)
{
	_cleanup_free_ char *json = NULL;
	char host[HOST_MAX];
	int r;

	get_host(host);
	r = alert_message_json(config_deploy(config)->app, host, entry, &json, err);
	if (r < 0)
		return r;
	return alert->command_kind ?
		       run_command(config, alert, entry, host, json, ret_answer, err) :
		       send_webhook(config, alert, entry, host, json, ret_answer, err);
}

uint64_t alert_send_pause(unsigned int attempts, uint64_t chance)
{
	uint64_t pause = PAUSE_LEAST_USEC;

	for (unsigned int i = 1; i < attempts && pause < PAUSE_MOST_USEC; i++)
		pause *= 2;
	if (pause > PAUSE_MOST_USEC)
		pause = PAUSE_MOST_USEC;
	/* three quarters to one: never more than the cap, and not all at once */
	return pause - chance % (pause / 4);
}

/* ---- the outbox ---- */

static const struct alert_settings *find(const struct config *config, const char *name)
{
	size_t n = 0;
	const struct alert_settings *alerts = config_alerts(config, &n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(alerts[i].name, name) == 0)
			return &alerts[i];
	return NULL;
}

/* To the journal, and to who called it by hand. */
static void tell(const struct config *config, const struct outbox_entry *entry)
{
	char sentence[OUTBOX_ERROR_MAX + 256];
	char pause[CLOCK_TEXT_MAX];

	if (entry->delivered > 0)
		(void)snprintf(sentence, sizeof(sentence), "alert %s delivered to %s: %s",
			       entry->id, entry->receiver, entry->error);
	else
		(void)snprintf(sentence, sizeof(sentence),
			       "alert %s not delivered to %s: %s; next try in %s", entry->id,
			       entry->receiver, entry->error,
			       clock_format_span(entry->next - clock_realtime_usec(), pause));
	report_alert(config_deploy(config)->app, config_unit(config),
		     entry->delivered > 0 ? REPORT_ALERT_DELIVERED : REPORT_ALERT_FAILED, entry,
		     sentence);
	printf("%s\n", sentence);
}

static void try_once(const struct config *config, struct outbox_entry *entry)
{
	const struct alert_settings *alert = find(config, entry->receiver);
	struct post_answer answer = {};
	uint64_t now, chance = 0;
	struct error err = {};

	if (!alert) /* it was taken out of the configuration */
		answer = (struct post_answer){ true, "there is no such receiver any more" };
	else if (alert_send_once(config, alert, entry, &answer, &err) < 0)
		(void)text_copy(err.text, answer.text, sizeof(answer.text));
	now = clock_realtime_usec();
	entry->attempts++;
	(void)text_copy(answer.text, entry->error, sizeof(entry->error));
	(void)!getrandom(&chance, sizeof(chance), GRND_NONBLOCK);
	if (answer.delivered)
		entry->delivered = now;
	else
		entry->next = now + alert_send_pause(entry->attempts, chance);
}

/* One that failed holds up those behind it: they arrive in order. */
static bool is_first_of_receiver(const struct outbox_entry *entries, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (entries[j].delivered == 0 &&
		    strcmp(entries[j].receiver, entries[i].receiver) == 0)
			return false;
	return true;
}

/* A clock that jumped back must not make it wait for longer than it ever would. */
static bool is_due(const struct outbox_entry *entry, uint64_t now)
{
	return entry->next <= now || entry->next > now + PAUSE_MOST_USEC;
}

/* *ret_next: when the next one is due; UINT64_MAX: none waits. */
static int send_due(const struct config *config, int dirfd, uint64_t *ret_next, struct error *err)
{
	_cleanup_free_ struct outbox_entry *entries = NULL;
	uint64_t next = UINT64_MAX;
	size_t n = 0;
	int r = outbox_load(dirfd, &entries, &n, err);

	for (size_t i = 0; r >= 0 && i < n; i++) {
		if (!is_first_of_receiver(entries, i))
			continue;
		if (is_due(&entries[i], clock_realtime_usec())) {
			try_once(config, &entries[i]);
			r = outbox_update(dirfd, &entries[i], err);
			tell(config, &entries[i]);
		}
		if (entries[i].delivered == 0 && entries[i].next < next)
			next = entries[i].next;
	}
	*ret_next = next;
	return r < 0 ? r : 0;
}

int alert_send_all(const struct config *config, int dirfd, struct error *err)
{
	uint64_t end = clock_monotonic_usec() + ALERT_SEND_PATIENCE_USEC;
	uint64_t next = 0;

	for (;;) {
		uint64_t now;
		int r = send_due(config, dirfd, &next, err);

		(void)fflush(stdout);
		if (r < 0 || next == UINT64_MAX)
			return r;
		now = clock_realtime_usec();
		if (next > now && next - now + clock_monotonic_usec() > end)
			return 0;
		if (next > now)
			(void)usleep(
				(unsigned int)(next - now < LOOK_USEC ? next - now : LOOK_USEC));
	}
}
