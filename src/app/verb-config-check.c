#include <stdio.h>

#include "app/verbs.h"

static void print_finding(void *data, const char *text)
{
	(void)data;
	printf("%s\n", text);
}

int verb_config_check(const struct cli_verb *verb, int argc, char **argv)
{
	static const struct cli_option options[] = { {} };
	unsigned int problems = 0;
	struct error err = {};
	char **operands;
	int r;

	r = cli_begin(verb, options, 0, 1, argc, argv, &operands);
	if (r != CLI_GO)
		return r;
	if (config_check(operands[0], print_finding, NULL, &problems, &err) < 0)
		return cli_fail(&err);
	if (problems > 0) {
		printf("%u problem%s\n", problems, problems == 1 ? "" : "s");
		return fault_exit_status(FAULT_CONFIG);
	}
	printf("%s: no problems\n", operands[0] ? operands[0] : "all apps");
	return 0;
}
