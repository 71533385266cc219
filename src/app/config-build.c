#include "app/config-build.h"

#include <string.h>

#include "app/config-alert.h"
#include "app/config-probe.h"
#include "app/config-root.h"
#include "base/parse.h"
#include "base/scope.h"

void config_build_free(struct config *config)
{
	if (!config)
		return;
	config_probe_free_all(config);
	probe_options_done(&config->check);
	config_alert_free_all(config);
	free(config->data_path);
	parse_argv_free(config->shipped);
	parse_argv_free(config->siblings);
	free(config->app);
	free(config->conf_file);
	free(config->unit);
	free(config->user);
	free(config->root_given);
	free(config->group);
	free(config->source_url);
	free(config->source_channel);
	free(config->target_pattern);
	free(config->ca_file);
	free(config->client_certificate);
	free(config->client_key);
	free(config->proxy);
	free(config->textfile);
	free(config->root);
	free(config);
}

static int take_entries(struct config *config, const struct config_read *files,
			struct config_findings *findings, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < files->n_entries; i++)
		if (!config_probe_is_section(files->entries[i].section) &&
		    !config_alert_is_section(files->entries[i].section))
			r = config_table_take(config, &files->entries[i], findings, err);
	return r;
}

static int resolve_root(struct config *config, const struct config_places *places,
			struct config_findings *findings, struct error *err)
{
	struct error why = {};
	int r = config_root_resolve(places, config->app, config->root_given, &config->root, &why);

	if (r < 0 && why.fault != FAULT_CONFIG)
		return error_set(err, why.fault, "%s", why.text);
	if (r < 0)
		config_findings_add(findings, "%s: Root=: %s",
				    config->root_where ? config->root_where : config->conf_file,
				    why.text);
	return 0;
}

static void fill_source(struct config *config)
{
	struct source_options *source = &config->deploy.source;
	uint64_t rate_limit = source->fetch.rate_limit;

	fetch_settings_init(&source->fetch);
	source->fetch.rate_limit = rate_limit;
	source->fetch.ca_file = config->ca_file;
	source->fetch.client_certificate = config->client_certificate;
	source->fetch.client_key = config->client_key;
	source->fetch.proxy = config->proxy;
	source->auto_install = config->auto_install;
	source->channel = config->source_channel;
	source->target_pattern = config->target_pattern;
	source->url = config->source_url;
	if (!config->source_url)
		return;
	for (size_t size = strlen(config->source_url); config->source_url[size - 1] == '/'; size--)
		config->source_url[size - 1] = '\0';
	if (strncmp(config->source_url, "file://", 7) == 0)
		source->fetch.file_root = config->source_url + 7;
}

static void fill_deploy(struct config *config)
{
	struct deploy_options *deploy = &config->deploy;

	deploy->app = config->app;
	deploy->unit = config->unit;
	deploy->user = config->user;
	deploy->root = config->root;
	deploy->conf_file = config->conf_file;
	deploy->group = config->group;
	deploy->groups = scope_dir(SCOPE_STATE);
	deploy->helper = "/proc/self/exe";
	fill_source(config);
	deploy->data.path = config->data_path;
	deploy->shipped = config->shipped;
	deploy->siblings = config->siblings;
	deploy->check = &config->check;
	deploy->switch_mode = config->stop_start ? SWITCH_STOP_START : SWITCH_RESTART;
}

static void check_siblings(const struct config *config, struct config_findings *findings)
{
	for (char **name = config->siblings; config->unit && name && *name; name++)
		if (strcmp(*name, config->unit) == 0)
			config_findings_add(
				findings,
				"%s: [App] AlsoRestart=: %s is the app's own unit, which "
				"is restarted in any case",
				config->conf_file, *name);
}

static int build(struct config *config, const struct config_places *places,
		 const struct config_read *files, struct config_findings *findings,
		 struct error *err)
{
	int r;

	probe_options_init(&config->check);
	config->check.kind = PROBE_EXEC;
	r = config_key_copy(&config->check.name, "check", err);
	if (r == 0)
		r = config_table_set_defaults(config, err);
	if (r == 0)
		r = take_entries(config, files, findings, err);
	if (r == 0 && !config->unit && !config->unit_where && !files->partial)
		config_findings_add(findings, "%s: [App] Unit= is missing", config->conf_file);
	if (r == 0 && config->user && config->shipped)
		config_findings_add(findings,
				    "%s: Units= is for units of the system's manager, not for "
				    "Scope=user:%s",
				    config->conf_file, config->user);
	if (r == 0)
		check_siblings(config, findings);
	if (r == 0)
		r = resolve_root(config, places, findings, err);
	if (r == 0)
		r = config_probe_take_all(config, files, findings, err);
	if (r == 0)
		r = config_alert_take_all(config, files, findings, err);
	if (r == 0 && config->deploy.data.snapshot != SNAPSHOT_NONE && !config->data_path)
		config_findings_add(findings,
				    "%s: [Data] Snapshot= needs Path=", config->conf_file);
	if (r == 0 && config->shipped && config->user)
		config_findings_add(findings,
				    "%s: [App] Units= is for units of the system, not for "
				    "Scope=user:NAME",
				    config->conf_file);
	fill_deploy(config);
	/* borrowed from files, which go */
	config->unit_where = NULL;
	config->root_where = NULL;
	config->unknown = NULL;
	return r;
}

int config_build(const struct config_places *places, const char *app, const char *etc_text,
		 struct config_findings *findings, struct config **ret_config, struct error *err)
{
	_cleanup_(config_build_freep) struct config *config = NULL;
	_cleanup_config_read_ struct config_read files = {};
	int r = config_read_files(places, app, etc_text, findings, &files, err);

	if (r != 0)
		return r;
	config = calloc(1, sizeof(*config));
	if (!config)
		return error_errno(err, "reading the configuration");
	config->conf_file = TAKE_PTR(files.main_file);
	r = config_key_copy(&config->app, app, err);
	if (r == 0)
		r = build(config, places, &files, findings, err);
	if (r < 0)
		return r;
	*ret_config = TAKE_PTR(config);
	return 0;
}
