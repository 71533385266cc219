#include <stdio.h>

#include "app/ask.h"
#include "app/report.h"
#include "app/verbs.h"
#include "base/parse.h"
#include "deploy/recover.h"

/* > 0: its worker must be started */
static int settle(const char *app, const struct config *config, struct error *err)
{
	_cleanup_(report_freep) struct report *report = NULL;
	bool resume = false, flipped = false;
	struct event_listener listener;
	int r;

	r = report_new(app, &report, err);
	if (r < 0)
		return r;
	listener = report_listener(report);
	r = recover_app(config_deploy(config), &listener, &resume, &flipped, err);
	if (r < 0)
		return r;
	if (r == RECOVER_BUSY) {
		printf("%s: a worker is at work\n", app);
		return 0;
	}
	if (flipped)
		printf("%s: `current` was put right\n", app);
	if (resume)
		printf("%s: a transaction is under way; its worker goes on with it\n", app);
	return resume;
}

/* What goes wrong with one app must not keep the others from being settled. */
static void recover(const char *app, bool *ret_config_bad)
{
	_cleanup_(config_freep) struct config *config = NULL;
	struct error err = {};
	int r;

	r = cli_load(app, &config, &err);
	*ret_config_bad = r < 0;
	if (r >= 0)
		r = settle(app, config, &err);
	if (r > 0)
		r = ask_start_worker(app, &err);
	if (*ret_config_bad)
		(void)ask_start_worker(app,
				       NULL); /* it knows what to do if something is under way */
	if (r >= 0)
		return;
	(void)error_prefix(&err, r, "%s", app);
	(void)cli_fail(&err);
}

int verb_recover(const struct cli_verb *verb, int argc, char **argv)
{
	static const struct cli_option options[] = { {} };
	_cleanup_(parse_argv_freep) char **apps = NULL;
	struct error err = {};
	char **operands;
	int r, status = 0;

	r = cli_begin(verb, options, 0, 0, argc, argv, &operands);
	if (r != CLI_GO)
		return r;
	r = cli_need_root(verb);
	if (r != CLI_GO)
		return r;
	if (config_list(&apps, &err) < 0)
		return cli_fail(&err);
	for (char **app = apps; *app; app++) {
		bool config_bad;

		recover(*app, &config_bad);
		if (config_bad)
			status = fault_exit_status(FAULT_CONFIG);
	}
	return status;
}
