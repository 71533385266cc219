/*
 * The keys of [App], [Update] and [Health], and what they fill. Private to app/config-* and app/init.
 */
#pragma once

#include "app/config-key.h"

#define CONFIG_PROBES_MAX 16

struct config {
	char *app;
	char *conf_file;
	char *unit;
	char *user; /* Scope=user:NAME; NULL: Scope=system */
	char *root_given; /* Root= as written; NULL: the default */
	char *root; /* resolved */
	char *group; /* [Group] Name= */
	char *source_url, *source_channel, *target_pattern;
	char *ca_file, *client_certificate, *client_key, *proxy;
	char *textfile; /* Textfile= of [Metrics] as written; NULL: the default */
	bool auto_install;
	bool check_on_start;
	bool stop_start;
	char *data_path;
	char **shipped; /* Units=, NULL-terminated; NULL: none */
	char **siblings; /* AlsoRestart=; as shipped */
	struct probe_options check; /* Check=: no command: none */
	struct alert_settings *alerts;
	size_t n_alerts;
	struct alert_receiver *receivers; /* the same, for deploy */
	struct deploy_options deploy; /* its strings are those above, its probes are owned */
	/* borrowed while reading: where Unit= and Root= were written (NULL: nowhere) */
	const char *unit_where;
	const char *root_where;
	const char *unknown; /* the section that was complained about last */
};

/* Ends with a NULL name; in the order in which init writes them. */
extern const struct config_key config_table[];

int config_table_set_defaults(struct config *config, struct error *err);

/* One entry of [App], [Update] or [Health]; anything else is a finding. Returns < 0 only without memory. */
int config_table_take(struct config *config, const struct config_entry *entry,
		      struct config_findings *findings, struct error *err);

/* A finding "there is no key …: did you mean …?" with the keys that a table has for a section. */
void config_table_unknown_key(const struct config_key *table, const char *section,
			      const struct config_entry *entry, struct config_findings *findings);

/* Is it the name of a service as a unit has it: "gateway.service", "gateway@1.service"? */
int config_table_check_unit(void *object, const char *value, struct error *err);
