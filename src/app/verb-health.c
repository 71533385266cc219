#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "app/verbs.h"
#include "unit/cgroup.h"
#include "unit/probe-health.h"

static bool is_health(const char *word)
{
	return strcmp(word, PROBE_HEALTH_OKAY) == 0 || strcmp(word, PROBE_HEALTH_WAITING) == 0 ||
	       strcmp(word, PROBE_HEALTH_ERROR) == 0;
}

/* Is one of the parts of the cgroup's path the unit? */
static bool is_inside(const char *unit)
{
	char path[PATH_MAX];
	size_t size = strlen(unit);

	if (cgroup_of(getpid(), path, sizeof(path), NULL) < 0)
		return false;
	for (const char *at = strstr(path, unit); at; at = strstr(at + 1, unit))
		if (at > path && at[-1] == '/' && (at[size] == '/' || at[size] == '\0'))
			return true;
	return false;
}

int verb_health(const struct cli_verb *verb, int argc, char **argv)
{
	const char *why = NULL;
	const struct cli_option options[] = {
		{ "why", '\0', "TEXT", "a few words, for the records", .text = &why },
		{},
	};
	_cleanup_(config_freep) struct config *config = NULL;
	struct error err = {};
	char **operands;
	int r;

	r = cli_begin(verb, options, 2, 2, argc, argv, &operands);
	if (r != CLI_GO)
		return r;
	if (!is_health(operands[1]))
		return cli_refuse(verb, "%.40s is not okay, waiting or error", operands[1]);
	if (cli_load(operands[0], &config, &err) < 0)
		return cli_fail(&err);
	if (!is_inside(config_unit(config))) {
		(void)error_set(&err, FAULT_UNIT,
				"only %s itself can say how it is: this process is not in its "
				"cgroup",
				config_unit(config));
		return cli_fail(&err);
	}
	if (probe_health_say(operands[0], operands[1], why ? why : "", &err) < 0)
		return cli_fail(&err);
	return 0;
}
