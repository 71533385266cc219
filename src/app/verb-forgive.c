#include <string.h>

#include "app/errand.h"
#include "app/verbs.h"
#include "base/text.h"

int verb_forgive(const struct cli_verb *verb, int argc, char **argv)
{
	bool json = false;
	const struct cli_option options[] = {
		{ "json", '\0', NULL, "print the event as a line of JSON", .flag = &json },
		{},
	};
	struct request request = { .verb = VERB_FORGIVE, .slot = SLOT_NONE };
	char **operands;
	int r;

	r = cli_begin(verb, options, 1, 2, argc, argv, &operands);
	if (r != CLI_GO)
		return r;
	if (operands[1] && !operands[1][0])
		return cli_refuse(verb, "which release? Without one all are forgiven");
	if (operands[1] && strlen(operands[1]) >= sizeof(request.version))
		return cli_refuse(verb, "%.40s… is no release: too long", operands[1]);
	(void)text_copy(operands[1] ? operands[1] : "", request.version, sizeof(request.version));
	return errand_run(&(struct errand){ .verb = verb, .app = operands[0], .json = json },
			  &request);
}
