#include <stdio.h>

#include "app/format.h"
#include "app/status-json.h"
#include "app/status-text.h"
#include "app/verbs.h"
#include "base/parse.h"

/* ---- one app ---- */

static int print_text(const struct status *status, struct error *err)
{
	_cleanup_text_ struct text text = {};
	int r;

	status_text(status, &text);
	r = text_check(&text, err);
	if (r < 0)
		return r;
	(void)fputs(text.data, stdout);
	return 0;
}

/* What is known is shown; that the configuration is broken comes last. */
static int tell_problem(const struct status *status, int exit_status)
{
	if (status->config_problem.fault == FAULT_NONE)
		return exit_status;
	return cli_fail(&status->config_problem);
}

static int print_one(const char *app, bool json, int *ret_status, struct error *err)
{
	struct status status;
	int r;

	r = status_gather(app, &status, err);
	if (r < 0)
		return r;
	r = json ? status_json_print(status_json(&status), err) : print_text(&status, err);
	*ret_status = tell_problem(&status, 0);
	return r;
}

/* ---- all apps: what cannot be read is said, and the others are shown all the same ---- */

static void add_row(struct format_table *table, const struct status *status)
{
	const struct history_entry *entry = &status->last.entry;
	char runs[160], last[240], ago[FORMAT_MAX];

	(void)snprintf(last, sizeof(last), "%s %s: %s %s", verb_name(entry->verb),
		       entry->to_version, outcome_name(entry->outcome),
		       format_ago(entry->ended, status->now, ago));
	format_table_add(table, (const char *[]){
					status->app, status_text_runs(status, runs, sizeof(runs)),
					slot_name(status->current), phase_name(status->state.phase),
					state_is_held(&status->state, status->now) ? "held" : "-",
					status->last_known ? last : "-" });
}

static int print_table(char **apps, int *ret_status, struct error *err)
{
	static const char *const head[] = { "APP", "RUNS", "SLOT", "PHASE", "HOLD", "LAST" };
	_cleanup_(format_table_freep) struct format_table *table = NULL;
	int r;

	r = format_table_new(ARRAY_SIZE(head), &table, err);
	if (r < 0)
		return r;
	format_table_add(table, head);
	for (char **app = apps; *app; app++) {
		struct error why = {};
		struct status status;

		if (status_gather(*app, &status, &why) < 0)
			*ret_status = cli_fail(&why);
		else {
			add_row(table, &status);
			*ret_status = tell_problem(&status, *ret_status);
		}
	}
	return format_table_print(table, stdout, err);
}

static int print_array(char **apps, int *ret_status, struct error *err)
{
	json_t *array = json_array();

	for (char **app = apps; *app; app++) {
		struct error why = {};
		struct status status;

		if (status_gather(*app, &status, &why) < 0)
			*ret_status = cli_fail(&why);
		else {
			(void)json_array_append_new(array, status_json(&status));
			*ret_status = tell_problem(&status, *ret_status);
		}
	}
	return status_json_print(array, err);
}

static int print_all(bool json, int *ret_status, struct error *err)
{
	_cleanup_(parse_argv_freep) char **apps = NULL;
	int r;

	r = config_list(&apps, err);
	if (r < 0)
		return r;
	if (!apps[0] && !json)
		printf("There is no app yet: flipslot init APP --unit UNIT makes a service one.\n");
	return json ? print_array(apps, ret_status, err) : print_table(apps, ret_status, err);
}

int verb_status(const struct cli_verb *verb, int argc, char **argv)
{
	bool json = false;
	const struct cli_option options[] = {
		{ "json", '\0', NULL, "print JSON", .flag = &json },
		{},
	};
	struct error err = {};
	char **operands;
	int r, status = 0;

	r = cli_begin(verb, options, 0, 1, argc, argv, &operands);
	if (r != CLI_GO)
		return r;
	r = operands[0] ? print_one(operands[0], json, &status, &err) :
			  print_all(json, &status, &err);
	return r < 0 ? cli_fail(&err) : status;
}
