#include "app/init-probe.h"

#include "deploy/switching.h"
#include "unit/probe.h"

/* Nothing is said where it cannot be asked. */
static void ask(const struct deploy_options *options, const struct probe_options *probe,
		const struct unit *unit, const char *conf_path, struct text *todo)
{
	const struct probe_context context = {
		.helper = options->helper,
		.app = options->app,
		.unit = options->unit,
		.slot_path = options->root,
		.user = unit->user,
		.group = unit->group,
		.dynamic_user = unit->dynamic_user,
		.invocation = unit->invocation,
		.started = unit->started_usec,
	};
	struct probe_answer answer = {};

	if (probe_run_once(probe, &context, &answer, NULL) != 0 || answer.passed)
		return;
	text_add(todo,
		 "- Probe %s fails on the service that runs now: %s. As it stands it cannot tell a "
		 "good release from a bad one: mend the service, or [Probe %s] in %s\n",
		 probe->name, answer.text, probe->name, conf_path);
}

void init_probe_ask(const struct config *config, const struct unit *unit, const char *conf_path,
		    struct text *todo)
{
	const struct deploy_options *options = config_deploy(config);

	if (!unit_has_been_up(unit, SWITCHING_STEADY_USEC))
		return;
	for (size_t i = 0; i < options->n_probes; i++) {
		enum probe_kind kind = options->probes[i].kind;

		if (kind == PROBE_HTTP || kind == PROBE_TCP)
			ask(options, &options->probes[i], unit, conf_path, todo);
	}
}
