#include "app/publishing.h"
#include "app/verbs.h"

int verb_repo_refresh(const struct cli_verb *verb, int argc, char **argv)
{
	const char *passphrase_file = NULL;
	const struct cli_option options[] = {
		{ "passphrase-file", '\0', "FILE", "of encrypted keys", .text = &passphrase_file },
		{},
	};
	struct error err = {};
	struct repo *repo = NULL;
	char **operands;
	int r = cli_begin(verb, options, 1, 1, argc, argv, &operands);

	if (r != CLI_GO)
		return r;
	if (publishing_open(operands[0], passphrase_file, &repo, &err) < 0)
		return cli_fail(&err);
	return publishing_finish_consume(repo, true);
}
