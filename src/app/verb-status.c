#include <poll.h>
#include <stdio.h>

#include "app/display.h"
#include "app/format.h"
#include "app/paint.h"
#include "app/status-json.h"
#include "app/status-text.h"
#include "app/tail.h"
#include "app/verbs.h"
#include "base/parse.h"
#include "base/scope.h"

#define WATCH_MSEC 1000
#define REDRAW	   "\033[H\033[2J" /* home, clear */

/* ---- one app ---- */

static int print_text(const struct status *status, struct error *err)
{
	_cleanup_text_ struct text text = {};
	int r;

	status_text(status, &text);
	r = text_check(&text, err);
	if (r < 0)
		return r;
	paint_status(status, text.data, display_has_colours(stdout), format_terminal_width(stdout),
		     stdout);
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

/* Again and again: when something happens, and each second; on a terminal in its place. Ends by Ctrl-C. */
static int watch_one(const char *app, int *ret_status, struct error *err)
{
	const bool terminal = display_style_of(stdout, false) == DISPLAY_TERMINAL;
	_cleanup_(tail_freep) struct tail *tail = NULL;
	struct event_line line;
	int r = tail_new(scope_dir(SCOPE_RUN), app, TAIL_END, &tail, err);

	while (r >= 0) {
		struct pollfd pollfd = { .fd = tail_fd(tail), .events = POLLIN };

		if (terminal)
			(void)fputs(REDRAW, stdout);
		r = print_one(app, false, ret_status, err);
		if (r < 0 || fputs(terminal ? "" : "\n", stdout) < 0 || fflush(stdout) != 0)
			break; /* nobody looks any more */
		(void)poll(&pollfd, 1, WATCH_MSEC);
		while (tail_next(tail, &line, NULL, NULL) == 0)
			;
	}
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
	bool json = false, watch = false;
	const struct cli_option options[] = {
		{ "json", '\0', NULL, "print JSON", .flag = &json },
		{ "watch", 'w', NULL, "go on showing it, until Ctrl-C", .flag = &watch },
		{},
	};
	struct error err = {};
	char **operands;
	int r, status = 0;

	r = cli_begin(verb, options, 0, 1, argc, argv, &operands);
	if (r != CLI_GO)
		return r;
	if (watch && (json || !operands[0]))
		return cli_refuse(verb,
				  "--watch is for one app, and not for JSON: `flipslot events "
				  "--follow` tells what happens");
	if (watch)
		r = watch_one(operands[0], &status, &err);
	else
		r = operands[0] ? print_one(operands[0], json, &status, &err) :
				  print_all(json, &status, &err);
	return r < 0 ? cli_fail(&err) : status;
}
