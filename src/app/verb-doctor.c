#include <jansson.h>
#include <stdio.h>

#include "app/doctor.h"
#include "app/status-json.h"
#include "app/verbs.h"
#include "base/parse.h"

struct visit {
	const char *app;
	bool online;
	json_t *findings; /* NULL: printed as they come */
	unsigned int n;
	enum fault fault; /* of the first problem */
};

static void take(void *data, const struct doctor_finding *finding)
{
	struct visit *visit = data;

	visit->n++;
	if (!finding->warning && visit->fault == FAULT_NONE)
		visit->fault = finding->fault;
	if (!visit->findings) {
		printf("%s: %s%s\n", visit->app, finding->warning ? "note: " : "", finding->text);
		return;
	}
	(void)json_array_append_new(
		visit->findings,
		json_pack("{s:s,s:s,s:s,s:s}", "app", visit->app, "kind",
			  finding->warning ? "note" : "problem", "fault",
			  finding->fault == FAULT_NONE ? "" : fault_name(finding->fault), "text",
			  finding->text));
}

static int see(struct visit *visit, const char *app, struct error *err)
{
	const struct doctor_listener listener = { .handle = take, .data = visit };
	unsigned int before = visit->n;
	unsigned int problems = 0;
	int r;

	visit->app = app;
	r = doctor_run(app, visit->online, &listener, &problems, err);
	if (r == 0 && visit->n == before && !visit->findings)
		printf("%s: nothing stands in the way of the next update or rollback\n", app);
	return r;
}

static int see_all(struct visit *visit, const char *app, struct error *err)
{
	_cleanup_(parse_argv_freep) char **apps = NULL;
	int r = 0;

	if (app)
		return see(visit, app, err);
	r = config_list(&apps, err);
	for (char **name = apps; r >= 0 && name && *name; name++)
		r = see(visit, *name, err);
	return r;
}

int verb_doctor(const struct cli_verb *verb, int argc, char **argv)
{
	bool json = false;
	struct visit visit = {};
	const struct cli_option options[] = {
		{ "online", '\0', NULL,
		  "ask the source now: is it reached, could what it offers be installed?",
		  .flag = &visit.online },
		{ "json", '\0', NULL, "print the findings as JSON", .flag = &json },
		{},
	};
	struct error err = {};
	char **operands;
	int r;

	r = cli_begin(verb, options, 0, 1, argc, argv, &operands);
	if (r == CLI_GO)
		r = cli_need_root(verb);
	if (r != CLI_GO)
		return r;
	visit.findings = json ? json_array() : NULL;
	r = see_all(&visit, operands[0], &err);
	if (json && status_json_print(visit.findings, &err) < 0)
		r = -1;
	if (r < 0)
		return cli_fail(&err);
	return fault_exit_status(visit.fault);
}
