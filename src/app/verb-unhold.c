#include "app/errand.h"
#include "app/verbs.h"

int verb_unhold(const struct cli_verb *verb, int argc, char **argv)
{
	bool json = false;
	const struct cli_option options[] = {
		{ "json", '\0', NULL, "print the event as a line of JSON", .flag = &json },
		{},
	};
	struct request request = { .verb = VERB_UNHOLD, .slot = SLOT_NONE };
	char **operands;
	int r;

	r = cli_begin(verb, options, 1, 1, argc, argv, &operands);
	if (r != CLI_GO)
		return r;
	return errand_run(&(struct errand){ .verb = verb, .app = operands[0], .json = json },
			  &request);
}
