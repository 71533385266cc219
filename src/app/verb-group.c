#include <stdio.h>

#include "app/format.h"
#include "app/round.h"
#include "app/status-json.h"
#include "app/verbs.h"
#include "base/parse.h"

static int print_words(const char *name, const struct group *group, struct error *err)
{
	static const char *const head[] = { "APP", "STEP" };
	_cleanup_(format_table_freep) struct format_table *table = NULL;
	char began[CLOCK_TEXT_MAX];
	int r = format_table_new(ARRAY_SIZE(head), &table, err);

	if (r < 0)
		return r;
	if (!group->round[0])
		printf("group %s: there was no round yet\n", name);
	else
		printf("group %s: round of %s, by %s\nverdict   %s%s%s%s%s\n\n", name,
		       clock_format(group->began, began), group->who,
		       group_verdict_name(group->verdict), group->culprit[0] ? ", for " : "",
		       group->culprit, group->reason[0] ? ": " : "", group->reason);
	format_table_add(table, head);
	for (size_t i = 0; i < GROUP_MEMBERS_MAX && group->members[i].app[0]; i++)
		format_table_add(table,
				 (const char *[]){ group->members[i].app,
						   group_step_name(group->members[i].step) });
	return format_table_print(table, stdout, err);
}

static int show(const char *name, bool json, struct error *err)
{
	struct group group = {};
	int r;

	if (!parse_is_app_name(name))
		return error_set(err, FAULT_CONFIG, "that is no name of a group");
	r = round_load(name, &group, err);
	if (r < 0)
		return r;
	if (!group.round[0]) /* who would take part */
		r = round_members(name, &group, err);
	if (r < 0)
		return r;
	return json ? status_json_print(round_json(name, &group), err) :
		      print_words(name, &group, err);
}

int verb_group(const struct cli_verb *verb, int argc, char **argv)
{
	bool json = false;
	const struct cli_option options[] = {
		{ "json", '\0', NULL, "print JSON", .flag = &json },
		{},
	};
	struct error err = {};
	char **operands;
	int r = cli_begin(verb, options, 1, 1, argc, argv, &operands);

	if (r != CLI_GO)
		return r;
	return show(operands[0], json, &err) < 0 ? cli_fail(&err) : 0;
}
