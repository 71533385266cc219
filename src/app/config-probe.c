#include "app/config-probe.h"

#include <ctype.h>
#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "app/config-probe-value.h"
#include "base/clock.h"
#include "store/state.h"

#define SECTION	      "Probe"
#define SECTION_BLANK "Probe "

#define OF(member) offsetof(struct probe_options, member)
#define KIND(name) (1U << PROBE_##name)

/* name, type, place, least, most, default, how it is taken, what it fits, what needs it, help */
#define KEY(name, type, place, least, most, fallback, set, kinds, needed, help)                \
	{                                                                                      \
		SECTION, name, CONFIG_KEY_##type, place, { least, most }, fallback, help, set, \
			kinds, needed                                                          \
	}

#define ANY 0

const struct config_key config_probe_table[] = {
	KEY("Kind", OTHER, 0, NULL, NULL, NULL, config_probe_value_kind, ANY, 0,
	    "unit, notify, http, tcp, unix, exec, journal, file or health. Must be given."),
	KEY("Level", CHOICE, OF(required), "wanted", "required", "required", NULL, ANY, 0,
	    "required: it must pass. wanted: it is only reported."),
	KEY("Class", CHOICE, OF(external), "local", "external", "local", NULL, ANY, 0,
	    "external: depends on more than this machine; it delays the commit, but never rolls back."),
	KEY("Phase", OTHER, 0, NULL, NULL, "start,watch", config_probe_value_phase, ANY, 0,
	    "When it is asked: start, watch, or both."),
	KEY("Period", SPAN, OF(period_usec), "100ms", "1h", "2s", NULL, ANY, 0,
	    "From the end of one run to the next (sooner at first, after a start)."),
	KEY("Timeout", SPAN, OF(timeout_usec), "50ms", "10min", "5s", NULL, ANY, 0,
	    "A run that takes longer has failed."),
	KEY("SuccessThreshold", COUNT, OF(success_threshold), "1", "1000", "1", NULL, ANY, 0,
	    "So many runs in a row must pass for the probe to have passed."),
	KEY("FailureThreshold", COUNT, OF(failure_threshold), "1", "1000", "3", NULL, ANY, 0,
	    "So many runs in a row must fail in the watch window for the probe to have failed."),
	KEY("Url", TEXT, OF(url), NULL, NULL, NULL, config_probe_value_url, KIND(HTTP), KIND(HTTP),
	    "http: what to GET, http:// or https://."),
	KEY("Status", OTHER, 0, NULL, NULL, "200-299", config_probe_value_status, KIND(HTTP), 0,
	    "http: accepted status codes and ranges, up to 8, with blanks between."),
	KEY("Body", TEXT, OF(body), NULL, NULL, NULL, NULL, KIND(HTTP), 0,
	    "http: text that the first 64 KiB of the answer must hold."),
	KEY("Header", TEXT, OF(header), NULL, NULL, NULL, config_probe_value_header, KIND(HTTP), 0,
	    "http: \"Name: text\": a header of the answer and text that its value must hold."),
	KEY("CAFile", TEXT, OF(ca_file), NULL, NULL, NULL, config_probe_value_ca_file, KIND(HTTP),
	    0, "http: PEM file of the authorities to believe, instead of the system's."),
	KEY("Insecure", BOOL, OF(insecure), NULL, NULL, "no", NULL, KIND(HTTP), 0,
	    "http: do not verify the certificate."),
	KEY("Address", TEXT, OF(address), NULL, NULL, NULL, config_probe_value_address, KIND(TCP),
	    KIND(TCP), "tcp: HOST:PORT or [IPV6]:PORT that must accept a connection."),
	KEY("Path", TEXT, OF(path), NULL, NULL, NULL, config_probe_value_path,
	    KIND(UNIX) | KIND(FILE), KIND(UNIX) | KIND(FILE),
	    "unix: the socket that must accept a connection. file: the file that must be there. "
	    "Absolute, or relative to the release."),
	KEY("Command", OTHER, 0, NULL, NULL, NULL, config_probe_value_command, KIND(EXEC),
	    KIND(EXEC),
	    "exec: must exit with 0. The program is absolute, or relative to the release."),
	KEY("Match", TEXT, OF(match), NULL, NULL, NULL, NULL,
	    KIND(JOURNAL) | KIND(FILE) | KIND(NOTIFY), 0,
	    "journal: extended regular expression on a message of this start. file: text in the file. "
	    "notify: text in STATUS=."),
	KEY("Reject", TEXT, OF(reject), NULL, NULL, NULL, NULL, KIND(JOURNAL), 0,
	    "journal: a message that matches this condemns the release."),
	KEY("Fresh", BOOL, OF(fresh), NULL, NULL, "no", NULL, KIND(FILE), 0,
	    "file: it must be newer than the start of the service."),
	{},
};

/* One [Probe NAME] while it is being read. */
struct reading {
	const struct config_read *files;
	const char *section;
	const char *where; /* of its first key */
	struct config_findings *findings;
	struct probe_options *probe;
};

bool config_probe_is_section(const char *section)
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
	const struct config_key *key = config_key_find(config_probe_table, SECTION, entry->key);
	enum probe_kind kind = reading->probe->kind;

	if (!key) {
		config_table_unknown_key(config_probe_table, SECTION, entry, reading->findings);
		return 0;
	}
	if (kind < PROBE_KIND_MAX && key->kinds && !(key->kinds & 1U << kind) && entry->value[0]) {
		config_findings_add(reading->findings, "%s: %s= does not fit Kind=%s", entry->where,
				    entry->key, probe_kind_name(kind));
		return 0;
	}
	return config_key_take(key, reading->probe, entry, reading->findings, err);
}

/* Kind= first: the other keys are judged by it. */
static int take_entries(const struct reading *reading, struct error *err)
{
	const struct config_entry *kind = find_entry(reading, "Kind");
	int r = kind ? take_entry(reading, kind, err) : 0;

	for (size_t i = 0; r == 0 && i < reading->files->n_entries; i++) {
		const struct config_entry *entry = &reading->files->entries[i];

		if (entry != kind && strcmp(entry->section, reading->section) == 0)
			r = take_entry(reading, entry, err);
	}
	return r;
}

static int set_defaults(struct probe_options *probe, const char *name, struct error *err)
{
	int r = config_key_copy(&probe->name, name, err);

	for (const struct config_key *key = config_probe_table; r == 0 && key->name; key++)
		r = config_key_set_default(key, probe, err);
	return r;
}

static void check_needed(const struct reading *reading)
{
	enum probe_kind kind = reading->probe->kind;

	if (!find_entry(reading, "Kind"))
		config_findings_add(reading->findings, "%s: [%s] has no Kind=", reading->where,
				    reading->section);
	if (kind >= PROBE_KIND_MAX)
		return;
	for (const struct config_key *key = config_probe_table; key->name; key++)
		if (key->needed & 1U << kind && !find_entry(reading, key->name))
			config_findings_add(reading->findings,
					    "%s: [%s] is of Kind=%s: %s= is missing",
					    reading->where, reading->section, probe_kind_name(kind),
					    key->name);
	if (kind == PROBE_JOURNAL && !find_entry(reading, "Match") &&
	    !find_entry(reading, "Reject"))
		config_findings_add(reading->findings,
				    "%s: [%s] is of Kind=journal: Match= or Reject= is missing",
				    reading->where, reading->section);
}

static void check_pattern(const struct reading *reading, const char *key)
{
	const struct config_entry *entry = find_entry(reading, key);
	char why[128];
	regex_t regex;
	int r;

	if (!entry || reading->probe->kind != PROBE_JOURNAL)
		return;
	r = regcomp(&regex, entry->value, REG_EXTENDED | REG_NOSUB);
	if (r == 0) {
		regfree(&regex);
		return;
	}
	(void)regerror(r, &regex, why, sizeof(why));
	config_findings_add(reading->findings, "%s: %s=: not a regular expression: %s",
			    entry->where, key, why);
}

/* What needs two keys to see. */
static void check_together(const struct reading *reading, uint64_t deadline)
{
	const struct probe_options *probe = reading->probe;
	bool https = probe->url && strncmp(probe->url, "https:", 6) == 0;
	const struct config_entry *entry;

	if (probe->in_start && (probe->success_threshold - 1) * probe->period_usec >= deadline)
		config_findings_add(reading->findings,
				    "%s: [%s] cannot pass %u times, once in a Period=, within "
				    "StartDeadline=",
				    reading->where, reading->section, probe->success_threshold);
	entry = find_entry(reading, "CAFile");
	if (entry && probe->url && !https)
		config_findings_add(reading->findings, "%s: CAFile= is for https://", entry->where);
	entry = find_entry(reading, "Insecure");
	if (entry && probe->url && !https)
		config_findings_add(reading->findings, "%s: Insecure= is for https://",
				    entry->where);
	if (entry && probe->insecure && probe->ca_file)
		config_findings_add(reading->findings,
				    "%s: Insecure= and CAFile= exclude each other", entry->where);
	entry = find_entry(reading, "Path");
	if (entry && probe->kind == PROBE_FILE && entry->value[0] == '@')
		config_findings_add(reading->findings, "%s: Path=: @ is for sockets", entry->where);
	if (entry && probe->kind == PROBE_UNIX &&
	    strlen(entry->value) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		config_findings_add(reading->findings, "%s: Path=: too long for a socket",
				    entry->where);
	check_pattern(reading, "Match");
	check_pattern(reading, "Reject");
}

static bool is_name(const char *name)
{
	size_t size = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				   "0123456789-_");

	return size >= 1 && size <= CONFIG_PROBE_NAME_MAX && !name[size];
}

static int add_probe(struct config *config, const char *name, enum probe_kind kind,
		     struct probe_options **ret_probe, struct error *err)
{
	struct deploy_options *deploy = &config->deploy;
	struct probe_options *more =
		realloc(deploy->probes, (deploy->n_probes + 1) * sizeof(*more));

	if (!more)
		return error_errno(err, "reading the configuration");
	deploy->probes = more;
	*ret_probe = &more[deploy->n_probes++];
	probe_options_init(*ret_probe);
	(*ret_probe)->kind = kind;
	return set_defaults(*ret_probe, name, err);
}

static int take_section(struct config *config, struct reading *reading, struct error *err)
{
	const char *name = reading->section + strlen(SECTION_BLANK);
	int r;

	if (!is_name(name)) {
		config_findings_add(
			reading->findings,
			"%s: [%s]: a probe's name has at most %d letters, digits, - and _",
			reading->where, reading->section, CONFIG_PROBE_NAME_MAX);
		return 0;
	}
	r = add_probe(config, name, PROBE_KIND_MAX, &reading->probe, err);
	if (r == 0)
		r = take_entries(reading, err);
	if (r < 0)
		return r;
	if (!reading->files->partial)
		check_needed(reading);
	check_together(reading, config->deploy.start_deadline_usec);
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

/* Their names are kept in the state record, each with a comma behind. */
static void check_all(const struct config *config, struct config_findings *findings)
{
	size_t room = sizeof(((struct state_transaction *)0)->baseline);
	bool can_commit = false;
	size_t size = 1;

	for (size_t i = 0; i < config->deploy.n_probes; i++) {
		const struct probe_options *probe = &config->deploy.probes[i];

		can_commit |= probe->required && !probe->external && probe->in_start;
		size += strlen(probe->name) + 1;
	}
	if (config->deploy.n_probes > CONFIG_PROBES_MAX || size > room)
		config_findings_add(findings,
				    "%s: too many probes: at most %d, whose names have %zu letters "
				    "together",
				    config->conf_file, CONFIG_PROBES_MAX,
				    room - 1 - config->deploy.n_probes);
	if (!can_commit)
		config_findings_add(
			findings,
			"%s: no probe can approve a release: one must have Level=required, "
			"Class=local and Phase=start (Kind=unit will do)",
			config->conf_file);
}

int config_probe_take_all(struct config *config, const struct config_read *files,
			  struct config_findings *findings, struct error *err)
{
	struct probe_options *unit;
	unsigned int sections = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < files->n_entries; i++) {
		const struct config_entry *entry = &files->entries[i];
		struct reading reading = { files, entry->section, entry->where, findings, NULL };

		if (!config_probe_is_section(entry->section) || !is_first(files, entry))
			continue;
		sections++;
		r = take_section(config, &reading, err);
	}
	if (r == 0 && sections == 0)
		r = add_probe(config, "unit", PROBE_UNIT, &unit, err);
	if (r == 0 && !files->partial && config->deploy.n_probes > 0)
		check_all(config, findings);
	return r;
}

void config_probe_free_all(struct config *config)
{
	for (size_t i = 0; i < config->deploy.n_probes; i++)
		probe_options_done(&config->deploy.probes[i]);
	free(config->deploy.probes);
	config->deploy.probes = NULL;
	config->deploy.n_probes = 0;
}
