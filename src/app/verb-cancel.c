#include "app/errand.h"
#include "app/verbs.h"
#include "base/text.h"

int verb_cancel(const struct cli_verb *verb, int argc, char **argv)
{
	const char *why = NULL;
	bool json = false;
	const struct cli_option options[] = {
		{ "why", '\0', "TEXT", "the reason, for the records", .text = &why },
		{ "json", '\0', NULL, "print events as lines of JSON", .flag = &json },
		{},
	};
	struct request request = { .verb = VERB_CANCEL, .slot = SLOT_NONE };
	char **operands;
	int r;

	r = cli_begin(verb, options, 1, 1, argc, argv, &operands);
	if (r != CLI_GO)
		return r;
	(void)text_copy(why ? why : "", request.why, sizeof(request.why));
	return errand_run(&(struct errand){ .verb = verb, .app = operands[0], .json = json },
			  &request);
}
