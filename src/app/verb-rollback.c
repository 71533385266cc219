#include "app/errand.h"
#include "app/round.h"
#include "app/verbs.h"
#include "base/text.h"

int verb_rollback(const struct cli_verb *verb, int argc, char **argv)
{
	const char *why = NULL, *group = NULL;
	bool start = false, one_way = false, force = false, no_follow = false, json = false;
	const struct cli_option options[] = {
		{ "why", '\0', "TEXT", "the reason, for the records", .text = &why },
		{ "group", '\0', "NAME", "all members of the group, as one", .text = &group },
		{ "start", '\0', NULL, "go on although the unit is not running", .flag = &start },
		{ "accept-no-rollback", '\0', NULL, "although the data could not be taken back",
		  .flag = &one_way },
		{ "force", '\0', NULL, "although what is in the other slot is damaged",
		  .flag = &force },
		{ "no-follow", '\0', NULL, "return once the worker has accepted",
		  .flag = &no_follow },
		{ "json", '\0', NULL, "print events as lines of JSON", .flag = &json },
		{},
	};
	struct request request = { .verb = VERB_ROLLBACK, .slot = SLOT_NONE };
	char **operands;
	int r;

	r = cli_begin(verb, options, 0, 1, argc, argv, &operands);
	if (r != CLI_GO)
		return r;
	if (!operands[0] == !group)
		return cli_refuse(verb, "one of both: APP, or --group NAME");
	request.start = start;
	request.no_way_back = one_way;
	request.force = force;
	(void)text_copy(why ? why : "", request.why, sizeof(request.why));
	if (group)
		return round_run(
			&(struct round_errand){
				.verb = verb, .name = group, .json = json, .no_follow = no_follow },
			&request);
	return errand_run(
		&(struct errand){
			.verb = verb, .app = operands[0], .json = json, .no_follow = no_follow },
		&request);
}
