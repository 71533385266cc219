#include <errno.h>

#include "app/errand.h"
#include "app/verbs.h"
#include "base/parse.h"

int verb_update(const struct cli_verb *verb, int argc, char **argv)
{
	const char *to = NULL;
	bool start = false, no_follow = false, json = false;
	const struct cli_option options[] = {
		{ "to", '\0', "SEQ", "only if the release with this sequence is what is offered",
		  .text = &to },
		{ "start", '\0', NULL, "go on although the unit is not running", .flag = &start },
		{ "no-follow", '\0', NULL, "return once the worker has accepted",
		  .flag = &no_follow },
		{ "json", '\0', NULL, "print events as lines of JSON", .flag = &json },
		{},
	};
	struct request request = { .verb = VERB_UPDATE, .slot = SLOT_NONE };
	struct error err = {};
	char **operands;
	int r;

	r = cli_begin(verb, options, 1, 1, argc, argv, &operands);
	if (r != CLI_GO)
		return r;
	if (to && parse_u64(to, 1, INT64_MAX, &request.sequence, &err) < 0) {
		(void)error_prefix(&err, -EINVAL, "--to");
		return cli_fail(&err);
	}
	request.start = start;
	return errand_run(
		&(struct errand){
			.verb = verb, .app = operands[0], .json = json, .no_follow = no_follow },
		&request);
}
