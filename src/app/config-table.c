#include "app/config-table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "app/config-list.h"
#include "app/config-probe-value.h"
#include "app/config-root.h"
#include "base/parse.h"
#include "base/scope.h"
#include "base/text.h"
#include "release/offer.h"
#include "store/state.h"
#include "trust/target-pattern.h"
#include "unit/owner.h"

#define UNIT_SUFFIX	".service"
#define UNIT_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:-_.\\@"
#define UNIT_SIZE_MAX	240 /* systemd allows 255; the drop-in's directory is UNIT.d */

static int set_user(struct config *config, const char *name, struct error *err)
{
	if (scope_is_user())
		return error_set(err, FAULT_CONFIG,
				 "\"user:%s\": what a user's own flipslot (--user) updates are his "
				 "units; leave Scope= away",
				 name);
	if (!owner_is_name(name))
		return error_set(err, FAULT_CONFIG, "\"%s\" is not the name of a user", name);
	if (strcmp(name, "root") == 0)
		return error_set(err, FAULT_CONFIG,
				 "\"user:root\": a service of root's is the system's: system");
	return config_key_copy(&config->user, name, err);
}

static int set_scope(void *object, const char *value, struct error *err)
{
	static const char of_user[] = "user:";
	struct config *config = object;

	free(config->user);
	config->user = NULL;
	if (strcmp(value, "system") == 0)
		return 0;
	if (strncmp(value, of_user, strlen(of_user)) == 0)
		return set_user(config, value + strlen(of_user), err);
	return error_set(err, FAULT_CONFIG, "\"%s\" is not system or user:NAME", value);
}

int config_table_check_unit(void *object, const char *value, struct error *err)
{
	static const char templates[] = "@" UNIT_SUFFIX;
	size_t size = strlen(value);
	size_t suffix = strlen(UNIT_SUFFIX);

	if (size <= suffix || strcmp(value + size - suffix, UNIT_SUFFIX) != 0)
		return error_set(err, FAULT_CONFIG,
				 "\"%s\" is not a service: write the whole name, with .service",
				 value);
	if (size > UNIT_SIZE_MAX || strspn(value, UNIT_CHARACTERS) < size || value[0] == '.')
		return error_set(err, FAULT_CONFIG, "\"%s\" is not the name of a unit", value);
	if (size > strlen(templates) && strcmp(value + size - strlen(templates), templates) == 0)
		return error_set(
			err, FAULT_CONFIG,
			"\"%s\" is a template: name an instance of it, as in foo@1.service", value);
	if (strncmp(value, "flipslot", 8) == 0 && strchr(".@-", value[8]))
		return error_set(err, FAULT_CONFIG, "%s is a unit of flipslot itself", value);
	return 0;
}

static int check_group(void *object, const char *value, struct error *err)
{
	(void)object;
	return parse_is_app_name(value) ? 0 :
					  error_set(err, FAULT_CONFIG,
						    "a group has 1 to 64 of a-z 0-9 _ - in its "
						    "name, a letter or a digit first");
}

static int check_url(void *object, const char *value, struct error *err)
{
	static const char *const schemes[] = { "https://", "http://", "file:///" };

	if (strncmp(value, "http", 4) == 0 && strpbrk(value, "?#"))
		return error_set(
			err, FAULT_CONFIG,
			"a query (?...) or a fragment (#...) cannot be in it: names of files are put behind it");
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (strncmp(value, schemes[i], strlen(schemes[i])) == 0 &&
		    value[strlen(schemes[i])] != '\0')
			return 0;
	return error_set(err, FAULT_CONFIG, "\"%s\" is not an https://, http:// or file:/// URL",
			 value);
}

static int check_channel(void *object, const char *value, struct error *err)
{
	char path[256];

	return offer_path("app", value, "any", path, sizeof(path), err);
}

static int check_target_pattern(void *object, const char *value, struct error *err)
{
	return target_pattern_check(value, err);
}

static int set_expiry(void *object, const char *value, struct error *err)
{
	struct config *config = object;

	for (enum expiry_policy policy = 0; policy < EXPIRY_POLICY_MAX; policy++) {
		if (strcmp(value, expiry_policy_name(policy)) != 0)
			continue;
		config->deploy.source.expiry = policy;
		return 0;
	}
	return error_set(err, FAULT_CONFIG, "\"%s\" is not enforce, floor or warn", value);
}

/* Its place among the words; n: it is none of them. */
static size_t find_word(const char *value, const char *const *words, size_t n)
{
	size_t i = 0;

	while (i < n && strcmp(value, words[i]) != 0)
		i++;
	return i;
}

static int set_dedupe(void *object, const char *value, struct error *err)
{
	static const char *const names[] = {
		[DEDUPE_AUTO] = "auto",
		[DEDUPE_COPY] = "copy",
		[DEDUPE_REFLINK] = "reflink",
		[DEDUPE_HARDLINK] = "hardlink",
	};
	struct config *config = object;
	size_t i = find_word(value, names, ARRAY_SIZE(names));

	if (i == ARRAY_SIZE(names))
		return error_set(err, FAULT_CONFIG, "\"%s\" is not auto, copy, reflink or hardlink",
				 value);
	if (i == DEDUPE_HARDLINK && scope_is_user())
		return error_set(
			err, FAULT_CONFIG,
			"not for a flipslot of your own, whose slots the service could write");
	config->deploy.dedupe = (enum dedupe)i;
	return 0;
}

static int set_delta(void *object, const char *value, struct error *err)
{
	static const char *const names[] = {
		[WAY_PREFER] = "prefer",
		[WAY_REQUIRE] = "require",
		[WAY_OFF] = "off",
	};
	struct config *config = object;
	size_t i = find_word(value, names, ARRAY_SIZE(names));

	if (i == ARRAY_SIZE(names))
		return error_set(err, FAULT_CONFIG, "\"%s\" is not prefer, require or off", value);
	config->deploy.source.way.delta = (enum way_delta)i;
	return 0;
}

static int set_fallback(void *object, const char *value, struct error *err)
{
	struct config *config = object;
	uint64_t *most = &config->deploy.source.way.fallback;
	size_t blanks = strncmp(value, "<=", 2) == 0 ? strspn(value + 2, " ") : 0;

	if (strcmp(value, "full") == 0)
		*most = UINT64_MAX;
	else if (strcmp(value, "refuse") == 0)
		*most = 0;
	else if (strncmp(value, "<=", 2) == 0)
		return parse_size(value + 2 + blanks, most, err);
	else
		return error_set(err, FAULT_CONFIG, "\"%s\" is not full, refuse or <= SIZE", value);
	return 0;
}

static int check_textfile(void *object, const char *value, struct error *err)
{
	if (strcmp(value, "no") == 0 || value[0] == '/')
		return 0;
	return error_set(err, FAULT_CONFIG, "\"%s\" is neither an absolute path nor \"no\"", value);
}

static int set_window(void *object, const char *value, struct error *err)
{
	struct config *config = object;

	return window_parse(value, &config->deploy.window, err);
}

static int set_check(void *object, const char *value, struct error *err)
{
	struct config *config = object;

	return config_probe_value_command(&config->check, value, err);
}

static int set_shipped(void *object, const char *value, struct error *err)
{
	struct config *config = object;

	return config_list_take(value, config_list_check_shipped, &config->shipped, err);
}

/* Those that are up are kept in the state record, each with a comma behind. */
static int set_siblings(void *object, const char *value, struct error *err)
{
	size_t room = sizeof(((struct state_transaction *)0)->siblings) - 1;
	struct config *config = object;
	size_t n = 0, size = 0;
	int r = config_list_take(value, config_table_check_unit, &config->siblings, err);

	if (r < 0)
		return r;
	for (; config->siblings[n]; n++)
		size += strlen(config->siblings[n]) + 1;
	if (size > room)
		return error_set(err, FAULT_CONFIG, "these names have %zu letters, %zu is the most",
				 size - n, room - n);
	return 0;
}

static int set_snapshot(void *object, const char *value, struct error *err)
{
	static const char *const names[] = {
		[SNAPSHOT_NONE] = "none",
		[SNAPSHOT_REFLINK] = "reflink",
		[SNAPSHOT_COPY] = "copy",
	};
	struct config *config = object;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(value, names[i]) != 0)
			continue;
		config->deploy.data.snapshot = (enum data_snapshot)i;
		return 0;
	}
	return error_set(err, FAULT_CONFIG, "\"%s\" is not none, reflink or copy", value);
}

#define OF(member) offsetof(struct config, member)

/* section, name, type, place, least, most, default, how it is taken, help */
#define KEY(section, name, type, place, least, most, fallback, set, help)                     \
	{                                                                                     \
		section, name, CONFIG_KEY_##type, place, { least, most }, fallback, help, set \
	}

const struct config_key config_table[] = {
	KEY("App", "Unit", TEXT, OF(unit), NULL, NULL, NULL, config_table_check_unit,
	    "The service that runs the app. Must be given."),
	KEY("App", "Scope", OTHER, 0, NULL, NULL, "system", set_scope,
	    "Whose manager has the unit: system, or user:NAME, whose service is supervised from "
	    "here."),
	KEY("App", "Root", TEXT, OF(root_given), NULL, NULL, NULL, NULL,
	    "The app's directory, with both slots. Default: " CONFIG_ROOT "/APP."),
	KEY("App", "Units", OTHER, 0, NULL, NULL, NULL, set_shipped,
	    "Unit files of the release that flip with it: lib/systemd/gateway.service. Default: none."),
	KEY("App", "AlsoRestart", OTHER, 0, NULL, NULL, NULL, set_siblings,
	    "Services that are restarted with it, in this order, and are part of the verdict: "
	    "sidecar.service. Default: none."),

	KEY("Source", "Url", TEXT, OF(source_url), NULL, NULL, NULL, check_url,
	    "Where the repository is. Without it releases come from `flipslot install` alone."),
	KEY("Source", "Channel", TEXT, OF(source_channel), NULL, NULL, "stable", check_channel,
	    "Which of its channels this machine follows."),
	KEY("Source", "TargetPattern", TEXT, OF(target_pattern), NULL, NULL, NULL,
	    check_target_pattern,
	    "For a repository made by another TUF tool: the releases are these target files. * is "
	    "the version, {arch} the machine."),
	KEY("Source", "StripComponents", COUNT, OF(deploy.source.strip_components), "0", "64", "0",
	    NULL, "How many leading parts of each name in those archives to drop."),
	KEY("Source", "Expiry", OTHER, 0, NULL, NULL, "floor", set_expiry,
	    "enforce: believe the clock. floor: but never before a time that is known to have "
	    "passed. warn: use what has expired, and say so."),
	KEY("Source", "CAFile", TEXT, OF(ca_file), NULL, NULL, NULL, NULL,
	    "Certificates (PEM) to believe instead of the system's."),
	KEY("Source", "ClientCertificate", TEXT, OF(client_certificate), NULL, NULL, NULL, NULL,
	    "A certificate (PEM) to show the server."),
	KEY("Source", "ClientKey", TEXT, OF(client_key), NULL, NULL, NULL, NULL,
	    "Its key, if it is not in the same file."),
	KEY("Source", "Proxy", TEXT, OF(proxy), NULL, NULL, NULL, NULL,
	    "A proxy for http and https. No environment variable is looked at."),
	KEY("Source", "RateLimit", SIZE, OF(deploy.source.fetch.rate_limit), "0", "1T", "0", NULL,
	    "Bytes a second, at most. 0: as fast as it goes."),
	KEY("Source", "MaxBytesPerDay", SIZE, OF(deploy.source.max_bytes_per_day), "0", "1T", "0",
	    NULL, "Bytes of releases a day, at most; then an update waits. 0: no limit."),
	KEY("Source", "Delta", OTHER, 0, NULL, NULL, "prefer", set_delta,
	    "prefer: fetch what is cheapest. require: over an installed release never the full "
	    "archive. off: only the full archive."),
	KEY("Source", "Fallback", OTHER, 0, NULL, NULL, "full", set_fallback,
	    "Where no delta can be used: full: fetch the full archive. refuse: do not. <= SIZE: "
	    "only if no more than that is to be fetched."),

	KEY("Update", "Auto", BOOL, OF(auto_install), NULL, NULL, "no", NULL,
	    "Whether the timer installs what it finds, or only says that it is there."),
	KEY("Update", "CheckOnStart", BOOL, OF(check_on_start), NULL, NULL, "yes", NULL,
	    "Whether to look for an update when the service was started."),
	KEY("Update", "SwitchMode", CHOICE, OF(stop_start), "restart", "stop-start", "restart",
	    NULL,
	    "restart: flip, then restart. stop-start: stop, flip, start, for services that load "
	    "files late."),
	KEY("Update", "Window", OTHER, 0, NULL, NULL, NULL, set_window,
	    "Days and hours in which a switch may happen: Mon..Fri 22:00-04:00; Sat,Sun. Fetching "
	    "may happen before. Default: always."),
	KEY("Update", "Scrub", SPAN, OF(deploy.scrub_usec), "0", "365d", "7d", NULL,
	    "How often both slots are read and compared with their seals, in the background. 0: "
	    "never."),
	KEY("Update", "MaxInhibit", SPAN, OF(deploy.max_inhibit_usec), "0", "7d", "1h", NULL,
	    "How long processes of the service may hold a switch off (`flipslot inhibit`)."),
	KEY("Update", "Check", OTHER, 0, NULL, NULL, NULL, set_check,
	    "A command of the release that must exit with 0 before it is switched to: "
	    "bin/selftest --check."),
	KEY("Update", "CheckTimeout", SPAN, OF(check.timeout_usec), "1s", "1h", "1min", NULL,
	    "How long that may last, and what a release brings to check itself."),
	KEY("Update", "Reserve", SIZE, OF(deploy.stage.reserve_bytes), "0", "1T", "64M", NULL,
	    "Free space that an update must leave on the disk."),
	KEY("Update", "Dedupe", OTHER, 0, NULL, NULL, "auto", set_dedupe,
	    "How files that the running release has get into the next one. auto: sharing blocks where the file system can, else copied. copy. "
	    "reflink: sharing blocks, or not at all. hardlink: as the same file; only if the service cannot write its slots."),
	KEY("Update", "AllowSetuid", BOOL, OF(deploy.stage.archive.allow_setuid), NULL, NULL, "no",
	    NULL, "Whether releases may hold setuid and setgid files and file capabilities."),
	KEY("Update", "MaxBytes", SIZE, OF(deploy.stage.archive.max_bytes), "1K", "64T", "8G", NULL,
	    "The most that a release may be, unpacked."),
	KEY("Update", "MaxFiles", NUMBER, OF(deploy.stage.archive.max_files), "1", "10000000",
	    "1000000", NULL, "The most files and directories in a release."),
	KEY("Update", "MaxDepth", COUNT, OF(deploy.stage.archive.max_depth), "1", "256", "64", NULL,
	    "How deep its directories may be."),
	KEY("Update", "MaxRatio", COUNT, OF(deploy.stage.archive.max_ratio), "1", "100000", "200",
	    NULL, "How many bytes a byte of the archive may unpack to."),
	KEY("Update", "MaxArchive", SIZE, OF(deploy.stage.max_archive_bytes), "1K", "64T", "4G",
	    NULL, "The most that an archive may be."),

	KEY("Health", "StartDeadline", SPAN, OF(deploy.start_deadline_usec), "1s", "6h", "90s",
	    NULL, "How long a release has from its start until all required probes have passed."),
	KEY("Health", "Watch", SPAN, OF(deploy.watch_usec), "0", "7d", "60s", NULL,
	    "How long it is on probation after that. 0: not at all."),
	KEY("Health", "BootTries", COUNT, OF(deploy.boot_tries), "0", "100", "2", NULL,
	    "How many crashes of the machine a release on probation survives."),
	KEY("Health", "Baseline", BOOL, OF(deploy.baseline), NULL, NULL, "yes", NULL,
	    "Whether a probe that failed on the old release already is not held against the new one."),
	KEY("Health", "MemoryGrowth", COUNT, OF(deploy.memory_growth), "0", "10000", "100", NULL,
	    "Per cent more memory than the old release used, at the end of Watch=, that are told. "
	    "0: never."),
	KEY("Health", "MemoryLevel", CHOICE, OF(deploy.memory_required), "wanted", "required",
	    "wanted", NULL, "required: more than that is no warning, but condemns the release."),
	KEY("Health", "ErrorGrowth", COUNT, OF(deploy.error_growth), "0", "1000000", "100", NULL,
	    "Per cent more errors a minute in the journal than the old release logged, in Watch=, "
	    "that are told. 0: never."),
	KEY("Health", "ErrorLevel", CHOICE, OF(deploy.errors_required), "wanted", "required",
	    "wanted", NULL, "required: more than that is no warning, but condemns the release."),
	KEY("Health", "OnFail", CHOICE, OF(deploy.keep), "rollback", "keep", "rollback", NULL,
	    "What becomes of a release that fails. keep: it stays, and an alert says so. "
	    "One that takes the machine down goes back all the same, see BootTries=."),
	KEY("Health", "MaxRollbacks", COUNT, OF(deploy.max_rollbacks), "1", "20", "3", NULL,
	    "How often to try to get the old release up again, and to look at one that did not stay up."),

	KEY("Data", "Path", TEXT, OF(data_path), NULL, NULL, NULL, config_root_check_data,
	    "The directory with the service's data."),
	KEY("Data", "Snapshot", OTHER, 0, NULL, NULL, "none", set_snapshot,
	    "Whether it is kept aside before a release with newer data (its epoch) runs, and put back with a "
	    "rollback: none, reflink (only shared), copy (copied where it cannot be shared)."),
	KEY("Data", "MaxCopy", SIZE, OF(deploy.data.max_copy), "0", "64T", "1G", NULL,
	    "The most that may be copied."),
	KEY("Data", "Timeout", SPAN, OF(deploy.data.timeout_usec), "1s", "1d", "10min", NULL,
	    "How long that may last; the service is stopped meanwhile."),

	KEY("Group", "Name", TEXT, OF(group), NULL, NULL, NULL, check_group,
	    "The group of which it is a member: apps that are updated as one, all or none."),
	KEY("Group", "Order", COUNT, OF(deploy.group_order), "0", "1000", "50", NULL,
	    "Its place in the order of switching; equal ones go by their names."),

	KEY("Metrics", "Textfile", TEXT, OF(textfile), NULL, NULL, NULL, check_textfile,
	    "The folder of node_exporter's textfile collector, or no. Default: " CONFIG_TEXTFILE_DIR
	    ", if it is there."),
	{},
};

int config_table_set_defaults(struct config *config, struct error *err)
{
	for (const struct config_key *key = config_table; key->name; key++) {
		int r = config_key_set_default(key, config, err);

		if (r < 0)
			return r;
	}
	return 0;
}

void config_table_unknown_key(const struct config_key *table, const char *section,
			      const struct config_entry *entry, struct config_findings *findings)
{
	const char *names[64];
	const char *nearest;
	size_t n = 0;

	for (; table->name; table++) {
		if (strcmp(table->section, section) != 0)
			continue;
		assert(n < ARRAY_SIZE(names) - 1);
		names[n++] = table->name;
	}
	names[n] = NULL;
	nearest = config_key_nearest(entry->key, names);
	config_findings_add(findings, "%s: there is no key %s= in [%s]%s%s%s", entry->where,
			    entry->key, entry->section, nearest ? ": did you mean " : "",
			    nearest ? nearest : "", nearest ? "=?" : "");
}

static bool is_named(const char *section)
{
	return strcmp(section, "Probe") == 0 || strcmp(section, "Alert") == 0;
}

/* Once for each section; what comes behind the first blank (a probe's name) is not compared. */
static void unknown_section(struct config *config, const struct config_entry *entry,
			    struct config_findings *findings)
{
	static const char *const names[] = { "App",   "Source",	 "Update", "Health", "Data",
					     "Group", "Metrics", "Probe",  "Alert",  NULL };
	_cleanup_free_ char *word = NULL;
	const char *nearest;

	if (config->unknown && strcmp(config->unknown, entry->section) == 0)
		return;
	config->unknown = entry->section;
	word = strndup(entry->section, strcspn(entry->section, " "));
	nearest = word ? config_key_nearest(word, names) : NULL;
	config_findings_add(findings, "%s: there is no section [%s]%s%s%s", entry->where,
			    entry->section, nearest ? ": did you mean [" : "",
			    nearest ? nearest : "",
			    !nearest	      ? "" :
			    is_named(nearest) ? " NAME]?" :
						"]?");
}

static bool is_section(const char *name)
{
	for (const struct config_key *key = config_table; key->name; key++)
		if (strcmp(key->section, name) == 0)
			return true;
	return false;
}

int config_table_take(struct config *config, const struct config_entry *entry,
		      struct config_findings *findings, struct error *err)
{
	const struct config_key *key = config_key_find(config_table, entry->section, entry->key);

	if (!is_section(entry->section)) {
		unknown_section(config, entry, findings);
		return 0;
	}
	if (!key) {
		config_table_unknown_key(config_table, entry->section, entry, findings);
		return 0;
	}
	if (entry->value[0] && strcmp(key->name, "Unit") == 0)
		config->unit_where = entry->where;
	if (entry->value[0] && strcmp(key->name, "Root") == 0)
		config->root_where = entry->where;
	return config_key_take(key, config, entry, findings, err);
}
