#include "app/errand.h"
#include "app/verbs.h"

int verb_follow(const struct cli_verb *verb, int argc, char **argv)
{
	bool json = false;
	const struct cli_option options[] = {
		{ "json", '\0', NULL, "print events as lines of JSON", .flag = &json },
		{},
	};
	char **operands;
	int r;

	r = cli_begin(verb, options, 1, 2, argc, argv, &operands);
	if (r != CLI_GO)
		return r;
	return errand_follow(&(struct errand){ .verb = verb, .app = operands[0], .json = json },
			     operands[1] ? operands[1] : "");
}
