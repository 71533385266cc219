#include "app/config-alert.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "app/config-probe-value.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/text.h"

#define SECTION	      "Alert"
#define SECTION_BLANK "Alert "
#define ALERTS_MAX    8
#define WORDS_MAX     30
#define BLANKS	      " \t,"

#define OF(member) offsetof(struct alert_settings, member)
#define WEBHOOK	   (1U << 0)
#define COMMAND	   (1U << 1)
#define ANY	   0

/* name, type, place, least, most, default, how it is taken, what it fits, what needs it, help */
#define KEY(name, type, place, least, most, fallback, set, kinds, needed, help)                \
	{                                                                                      \
		SECTION, name, CONFIG_KEY_##type, place, { least, most }, fallback, help, set, \
			kinds, needed                                                          \
	}

static int set_events(void *object, const char *value, struct error *err);
static int set_template(void *object, const char *value, struct error *err);
static int set_command(void *object, const char *value, struct error *err);

const struct config_key config_alert_table[] = {
	KEY("Kind", CHOICE, OF(command_kind), "webhook", "command", NULL, NULL, ANY, 0,
	    "webhook or command. Must be given."),
	KEY("Events", OTHER, 0, NULL, NULL, NULL, set_events, ANY, 0,
	    "What to tell: outcomes, late-failure, damaged-slot, all. Default: all but committed."),
	KEY("Url", TEXT, OF(url), NULL, NULL, NULL, config_probe_value_url, WEBHOOK, WEBHOOK,
	    "webhook: where to POST, http:// or https://."),
	KEY("Template", OTHER, 0, NULL, NULL, "cloudevents", set_template, WEBHOOK, 0,
	    "webhook: cloudevents; text: a sentence, for ntfy; chat: {\"text\": …}, for Slack and such."),
	KEY("Secret", TEXT, OF(secret), NULL, NULL, NULL, NULL, WEBHOOK, 0,
	    "webhook: key of the signature, whsec_BASE64 or a text. Better in a SecretFile=."),
	KEY("SecretFile", TEXT, OF(secret_file), NULL, NULL, NULL, config_probe_value_ca_file,
	    WEBHOOK, 0, "webhook: file that has the key, with mode 0600."),
	KEY("Command", OTHER, 0, NULL, NULL, NULL, set_command, COMMAND, COMMAND,
	    "command: takes the event as JSON on its standard input, and FLIPSLOT_… variables."),
	KEY("Timeout", SPAN, OF(timeout_usec), "1s", "5min", "15s", NULL, ANY, 0,
	    "A receiver that takes longer has not got it."),
	{},
};

static int add_event(unsigned int *events, const char *word, struct error *err)
{
	enum outcome outcome = OUTCOME_COMMITTED;

	if (strcmp(word, "all") == 0) {
		*events = ALERT_ALL;
		return 0;
	}
	if (strcmp(word, "late-failure") == 0) {
		*events |= 1U << ALERT_LATE;
		return 0;
	}
	if (strcmp(word, "damaged-slot") == 0) {
		*events |= 1U << ALERT_DAMAGED;
		return 0;
	}
	while (outcome < OUTCOME_MAX && strcmp(outcome_name(outcome), word) != 0)
		outcome++;
	if (outcome == OUTCOME_MAX)
		return error_set(
			err, FAULT_CONFIG,
			"\"%s\" is neither an outcome nor late-failure, damaged-slot or all", word);
	*events |= 1U << outcome;
	return 0;
}

static int set_events(void *object, const char *value, struct error *err)
{
	struct alert_settings *alert = object;
	_cleanup_free_ char *words = strdup(value);
	char *rest = words;
	char *word;
	int r = 0;

	if (!words)
		return error_errno(err, "reading the configuration");
	alert->events = 0;
	while (r == 0 && (word = strsep(&rest, BLANKS)))
		if (word[0])
			r = add_event(&alert->events, word, err);
	return r;
}

static int set_template(void *object, const char *value, struct error *err)
{
	static const char *const names[] = {
		[ALERT_CLOUDEVENTS] = "cloudevents",
		[ALERT_TEXT] = "text",
		[ALERT_CHAT] = "chat",
	};
	struct alert_settings *alert = object;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(value, names[i]) == 0) {
			alert->template = (enum alert_template)i;
			return 0;
		}
	return error_set(err, FAULT_CONFIG, "\"%s\" is not cloudevents, text or chat", value);
}

static int set_command(void *object, const char *value, struct error *err)
{
	_cleanup_(parse_argv_freep) char **argv = NULL;
	struct alert_settings *alert = object;
	size_t n = 0;
	int r = parse_argv(value, &argv, err);

	if (r < 0)
		return r;
	if (argv[0][0] != '/')
		return error_set(err, FAULT_CONFIG, "\"%s\" is not the absolute path of a program",
				 argv[0]);
	while (argv[n])
		n++;
	if (n > WORDS_MAX)
		return error_set(err, FAULT_CONFIG, "more than %d words", WORDS_MAX);
	parse_argv_free(alert->command);
	alert->command = TAKE_PTR(argv);
	return 0;
}

/* One [Alert NAME] while it is being read. */
struct reading {
	const struct config_read *files;
	const char *section;
	const char *where; /* of its first key */
	struct config_findings *findings;
	struct alert_settings *alert;
	unsigned int kind; /* a bit; 0: not known */
};

bool config_alert_is_section(const char *section)
{
	return strncmp(section, SECTION_BLANK, strlen(SECTION_BLANK)) == 0;
}

/* The entry that gives the key, or NULL; "Key=" gives nothing. */
static const struct config_entry *find_entry(const struct reading *reading, const char *key)
{
	for (size_t i = 0; i < reading->files->n_entries; i++) {
		const struct config_entry *entry = &reading->files->entries[i];

		if (strcmp(entry->section, reading->section) == 0 && strcmp(entry->key, key) == 0)
			return entry->value[0] ? entry : NULL;
	}
	return NULL;
}

static int take_entry(const struct reading *reading, const struct config_entry *entry,
		      struct error *err)
{
	const struct config_key *key = config_key_find(config_alert_table, SECTION, entry->key);

	if (!key) {
		config_table_unknown_key(config_alert_table, SECTION, entry, reading->findings);
		return 0;
	}
	if (reading->kind && key->kinds && !(key->kinds & reading->kind) && entry->value[0]) {
		config_findings_add(reading->findings, "%s: %s= does not fit Kind=%s", entry->where,
				    entry->key,
				    reading->alert->command_kind ? "command" : "webhook");
		return 0;
	}
	return config_key_take(key, reading->alert, entry, reading->findings, err);
}

/* Kind= first: the other keys are judged by it. */
static int take_entries(struct reading *reading, struct error *err)
{
	const struct config_entry *kind = find_entry(reading, "Kind");
	unsigned int findings = reading->findings->n;
	int r = kind ? take_entry(reading, kind, err) : 0;

	if (kind && findings == reading->findings->n)
		reading->kind = reading->alert->command_kind ? COMMAND : WEBHOOK;
	for (size_t i = 0; r == 0 && i < reading->files->n_entries; i++) {
		const struct config_entry *entry = &reading->files->entries[i];

		if (entry != kind && strcmp(entry->section, reading->section) == 0)
			r = take_entry(reading, entry, err);
	}
	return r;
}

/* A key that others can read signs for anybody. What the caller may not look at is not judged. */
static void check_secret(const struct reading *reading, const char *key, bool is_inline)
{
	const struct config_entry *entry = find_entry(reading, key);
	_cleanup_free_ char *file = NULL;
	struct stat st;

	if (!entry)
		return;
	file = is_inline ?
		       strndup(entry->where, (size_t)(strrchr(entry->where, ':') - entry->where)) :
		       strdup(entry->value);
	if (!file || stat(file, &st) < 0)
		return;
	if (is_inline && (st.st_mode & 0007))
		config_findings_add(
			reading->findings,
			"%s: Secret= stands where everybody can read it: use SecretFile=, "
			"or chmod 600 %s",
			entry->where, file);
	else if (!is_inline && (!S_ISREG(st.st_mode) || (st.st_mode & 0077)))
		config_findings_add(reading->findings,
				    "%s: SecretFile= must be a file that nobody else can read: "
				    "chmod 600 %s",
				    entry->where, file);
}

static void check_needed(const struct reading *reading)
{
	if (!find_entry(reading, "Kind"))
		config_findings_add(reading->findings, "%s: [%s] has no Kind=", reading->where,
				    reading->section);
	for (const struct config_key *key = config_alert_table; key->name; key++)
		if (key->needed & reading->kind && !find_entry(reading, key->name))
			config_findings_add(reading->findings,
					    "%s: [%s] is of Kind=%s: %s= is missing",
					    reading->where, reading->section,
					    reading->alert->command_kind ? "command" : "webhook",
					    key->name);
}

static void check_together(const struct reading *reading)
{
	check_secret(reading, "Secret", true);
	check_secret(reading, "SecretFile", false);
	if (find_entry(reading, "Secret") && find_entry(reading, "SecretFile"))
		config_findings_add(reading->findings,
				    "%s: [%s]: Secret= and SecretFile= exclude each other",
				    reading->where, reading->section);
}

static bool is_name(const char *name)
{
	size_t size = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				   "0123456789-_");

	return size >= 1 && size < OUTBOX_RECEIVER_MAX && !name[size];
}

static int add_alert(struct config *config, const char *name, struct alert_settings **ret_alert,
		     struct error *err)
{
	struct alert_settings *more =
		realloc(config->alerts, (config->n_alerts + 1) * sizeof(*more));
	int r;

	if (!more)
		return error_errno(err, "reading the configuration");
	config->alerts = more;
	*ret_alert = &more[config->n_alerts++];
	**ret_alert = (struct alert_settings){ .events = ALERT_DEFAULT };
	r = config_key_copy(&(*ret_alert)->name, name, err);
	for (const struct config_key *key = config_alert_table; r == 0 && key->name; key++)
		r = config_key_set_default(key, *ret_alert, err);
	return r;
}

static int take_section(struct config *config, struct reading *reading, struct error *err)
{
	const char *name = reading->section + strlen(SECTION_BLANK);
	int r;

	if (!is_name(name)) {
		config_findings_add(
			reading->findings,
			"%s: [%s]: an alert's name has at most %d letters, digits, - and _",
			reading->where, reading->section, OUTBOX_RECEIVER_MAX - 1);
		return 0;
	}
	r = add_alert(config, name, &reading->alert, err);
	if (r == 0)
		r = take_entries(reading, err);
	if (r < 0)
		return r;
	if (!reading->files->partial)
		check_needed(reading);
	check_together(reading);
	return 0;
}

/* Is the entry the first one of its section? */
static bool is_first(const struct config_read *files, const struct config_entry *entry)
{
	for (const struct config_entry *e = files->entries; e < entry; e++)
		if (strcmp(e->section, entry->section) == 0)
			return false;
	return true;
}

/* What deploy has to know of them. */
static int make_receivers(struct config *config, struct error *err)
{
	if (config->n_alerts == 0)
		return 0;
	config->receivers = calloc(config->n_alerts, sizeof(*config->receivers));
	if (!config->receivers)
		return error_errno(err, "reading the configuration");
	for (size_t i = 0; i < config->n_alerts; i++)
		config->receivers[i] =
			(struct alert_receiver){ config->alerts[i].name, config->alerts[i].events };
	config->deploy.alerts = config->receivers;
	config->deploy.n_alerts = config->n_alerts;
	return 0;
}

int config_alert_take_all(struct config *config, const struct config_read *files,
			  struct config_findings *findings, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < files->n_entries; i++) {
		const struct config_entry *entry = &files->entries[i];
		struct reading reading = { files, entry->section, entry->where, findings, NULL, 0 };

		if (config_alert_is_section(entry->section) && is_first(files, entry))
			r = take_section(config, &reading, err);
	}
	if (r == 0 && config->n_alerts > ALERTS_MAX)
		config_findings_add(findings, "%s: more than %d receivers of alerts",
				    config->conf_file, ALERTS_MAX);
	return r < 0 ? r : make_receivers(config, err);
}

void config_alert_free_all(struct config *config)
{
	for (size_t i = 0; i < config->n_alerts; i++) {
		struct alert_settings *alert = &config->alerts[i];

		free(alert->name);
		free(alert->url);
		free(alert->secret);
		free(alert->secret_file);
		parse_argv_free(alert->command);
	}
	free(config->alerts);
	free(config->receivers);
}
