/*
 * The configuration of one app: /etc/flipslot/APP.conf and APP.conf.d/ drop-ins over vendor defaults in
 * /usr/lib/flipslot/APP.conf[.d]; docs/CONFIG.md is the manual. Only this module and app/init know keys; what
 * deploy needs is handed down as plain values.
 */
#pragma once

#include "base/cleanup.h"
#include "base/error.h"
#include "deploy/options.h"

#define CONFIG_ROOT \
	"/var/lib/flipslot" /* Root= is CONFIG_ROOT/APP unless given; of a user: base/scope.h */

#define CONFIG_TEXTFILE_DIR "/var/lib/prometheus/node-exporter" /* where Debian's looks */

struct config; /* owns every string */

enum alert_template { ALERT_CLOUDEVENTS, ALERT_TEXT, ALERT_CHAT };

struct alert_settings { /* [Alert NAME] */
	char *name;
	bool command_kind; /* Kind=command, otherwise webhook */
	enum alert_template template; /* Template= */
	char *url;
	char *secret, *secret_file; /* NULL: not signed, or in the other one */
	char **command;
	uint64_t timeout_usec;
	unsigned int events; /* see deploy/alert.h */
};

/* Where things are; tests name their own. */
struct config_places {
	const char *etc; /* /etc/flipslot */
	const char *vendor; /* /usr/lib/flipslot */
	const char *state; /* CONFIG_ROOT: parent of the default Root= */
	bool of_user; /* the owner of everything is the one who runs the service, too */
	const char *top; /* "/": Root= is below it, and what is above it is not looked at */
};

/* Those of the scope (base/scope.h); valid until the next call. */
const struct config_places *config_own_places(void);

/*
 * Loads and checks the configuration of `app`. > 0: CONFIG_ABSENT, there is none: *ret_config is not set.
 * FAULT_CONFIG: the first problem with file:line and what to do, and how to see the others.
 */
enum { CONFIG_ABSENT = 1 };
int config_load(const char *app, struct config **ret_config, struct error *err);
void config_free(struct config *config);
CLEANUP_DEFINE(struct config, config_free);

/*
 * For who only looks: as config_load, but a broken configuration is > 0, CONFIG_BROKEN: *ret_config has what
 * could be used of it (config_unit() may be empty, config_root() the default), *ret_problem says what is wrong.
 */
enum { CONFIG_BROKEN = 2 };
int config_load_rough(const struct config_places *places, const char *app,
		      struct config **ret_config, struct error *ret_problem, struct error *err);

/*
 * The same with the files of other places; etc_text (not NULL) stands for the content of ETC/APP.conf, which
 * need not be there.
 */
int config_load_from(const struct config_places *places, const char *app, const char *etc_text,
		     struct config **ret_config, struct error *err);

/* The same; each problem is also told, if tell is not NULL. */
int config_load_telling(const struct config_places *places, const char *app, const char *etc_text,
			void (*tell)(void *data, const char *text), void *data,
			struct config **ret_config, struct error *err);

const struct deploy_options *config_deploy(const struct config *config);
const char *config_root(const struct config *config); /* absolute */
const char *config_unit(const struct config *config);
bool config_same_unit(const struct config *a, const struct config *b); /* of the same manager */
const char *config_user(const struct config *config); /* Scope=user:NAME; NULL: Scope=system */

/* Opens the app's directory. FAULT_CONFIG names `flipslot init` if it is not there. */
int config_open_root(const struct config *config, int *ret_fd, struct error *err);

/* May the timer install what it finds? Shall a start of the service look for an update? */
bool config_auto_install(const struct config *config);
bool config_check_on_start(const struct config *config);

/* Who is to be told; lent. */
const struct alert_settings *config_alerts(const struct config *config, size_t *ret_n);

/* Where the metrics of the app go, absolute; NULL: nowhere. */
const char *config_metrics_dir(const struct config *config);

/* Names of all configured apps, sorted; malloc'ed, NULL-terminated: parse_argv_free. */
int config_list(char ***ret_names, struct error *err);
int config_list_from(const struct config_places *places, char ***ret_names, struct error *err);

/*
 * Checks all files of all apps (or of one, if app is not NULL; FAULT_CONFIG if it has none), calling `finding` for each
 * problem instead of stopping at the first. Between apps, too: two of them cannot have the same unit or
 * directory. *ret_problems: how many.
 */
int config_check(const char *app, void (*finding)(void *data, const char *text), void *data,
		 unsigned int *ret_problems, struct error *err);
int config_check_from(const struct config_places *places, const char *app,
		      void (*finding)(void *data, const char *text), void *data,
		      unsigned int *ret_problems, struct error *err);
