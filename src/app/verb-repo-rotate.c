#include "app/publishing.h"
#include "app/verbs.h"
#include "publish/founding.h"

static int rotate(const char *dir, const char *passphrase_file,
		  const struct founding_change *change, struct repo **ret_repo, struct error *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	int r = publishing_open(dir, passphrase_file, &repo, err);

	if (r == 0)
		r = founding_rotate(repo, change, err);
	if (r == 0)
		*ret_repo = TAKE_PTR(repo);
	return r;
}

int verb_repo_rotate(const struct cli_verb *verb, int argc, char **argv)
{
	const char *threshold = NULL, *passphrase_file = NULL;
	struct founding_change change = {};
	const struct cli_option options[] = {
		{ "add", '\0', "LIST", "key files with commas (.pub: the private one is elsewhere)",
		  .text = &change.add },
		{ "remove", '\0', "LIST", "key ids with commas, which may be cut",
		  .text = &change.remove },
		{ "threshold", '\0', "N", "how many keys must sign", .text = &threshold },
		{ "passphrase-file", '\0', "FILE", "of encrypted keys", .text = &passphrase_file },
		{},
	};
	struct error err = {};
	struct repo *repo = NULL;
	char **operands;
	int r = cli_begin(verb, options, 2, 2, argc, argv, &operands);

	if (r != CLI_GO)
		return r;
	if (!change.add && !change.remove && !threshold)
		return cli_refuse(verb, "nothing to change: --add, --remove or --threshold");
	if (publishing_parse_role(operands[1], &change.role, &err) < 0 ||
	    (threshold && publishing_parse_count(threshold, &change.threshold, &err) < 0))
		return cli_refuse(verb, "%s", err.text);
	if (rotate(operands[0], passphrase_file, &change, &repo, &err) < 0)
		return cli_fail(&err);
	return publishing_finish_consume(repo, false);
}
