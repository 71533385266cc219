#include <stdio.h>

#include "app/metrics.h"
#include "app/verbs.h"
#include "base/parse.h"

/* What cannot be read is said, and the others are shown all the same. */
static int print(char **apps, int *ret_status, struct error *err)
{
	_cleanup_text_ struct text text = {};
	_cleanup_free_ struct status *statuses = NULL;
	size_t n = 0;
	int r;

	while (apps[n])
		n++;
	statuses = calloc(n + 1, sizeof(*statuses));
	if (!statuses)
		return error_errno(err, "gathering metrics");
	n = 0;
	for (char **app = apps; *app; app++) {
		struct error why = {};

		if (status_gather_disk(*app, &statuses[n], &why) < 0)
			*ret_status = cli_fail(&why);
		else
			n++;
	}
	metrics_render(statuses, n, &text);
	r = text_check(&text, err);
	if (r == 0 && text.size > 0)
		(void)fputs(text.data, stdout);
	return r;
}

int verb_metrics(const struct cli_verb *verb, int argc, char **argv)
{
	static const struct cli_option options[] = { {} };
	_cleanup_(parse_argv_freep) char **apps = NULL;
	struct error err = {};
	char **operands;
	int r, status = 0;

	r = cli_begin(verb, options, 0, 1, argc, argv, &operands);
	if (r != CLI_GO)
		return r;
	r = operands[0] ? 0 : config_list(&apps, &err);
	if (r == 0)
		r = print(operands[0] ? operands : apps, &status, &err);
	return r < 0 ? cli_fail(&err) : status;
}
