#include "app/init-agree.h"

#include <string.h>

#include "base/parse.h"

struct agree {
	const char *conf_path;
	void (*note)(void *data, const struct error *why);
	void *data;
};

static void differs(const struct agree *agree, const char *key, const char *value)
{
	struct error why = {};

	(void)error_set(
		&why, FAULT_CONFIG,
		"%s is there and does not have %s=%s: edit it, or overwrite it with --force",
		agree->conf_path, key, value);
	agree->note(agree->data, &why);
}

static bool has_probe(const struct deploy_options *deploy, enum probe_kind kind, const char *target)
{
	for (size_t i = 0; i < deploy->n_probes; i++) {
		const struct probe_options *probe = &deploy->probes[i];
		const char *its = kind == PROBE_HTTP ? probe->url : probe->address;

		if (probe->kind == kind && its && strcmp(its, target) == 0)
			return true;
	}
	return false;
}

static bool is_scope(const char *scope, const char *user)
{
	return user ? strncmp(scope, "user:", 5) == 0 && strcmp(scope + 5, user) == 0 :
		      strcmp(scope, "system") == 0;
}

void init_agree_check(const struct init_options *options, const struct config *config,
		      const char *conf_path, void (*note)(void *data, const struct error *why),
		      void *data)
{
	const struct agree agree = { conf_path, note, data };
	const struct deploy_options *deploy = config_deploy(config);
	uint64_t watch = deploy->watch_usec;

	if (strcmp(config_unit(config), options->unit) != 0)
		differs(&agree, "Unit", options->unit);
	if (options->scope && !is_scope(options->scope, config_user(config)))
		differs(&agree, "Scope", options->scope);
	if (options->root && strcmp(config_root(config), options->root) != 0)
		differs(&agree, "Root", options->root);
	if (options->watch &&
	    (parse_span(options->watch, &watch, NULL) < 0 || watch != deploy->watch_usec))
		differs(&agree, "Watch", options->watch);
	if (options->probe_http && !has_probe(deploy, PROBE_HTTP, options->probe_http))
		differs(&agree, "Url", options->probe_http);
	if (options->probe_tcp && !has_probe(deploy, PROBE_TCP, options->probe_tcp))
		differs(&agree, "Address", options->probe_tcp);
}
