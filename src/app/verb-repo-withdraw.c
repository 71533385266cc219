#include "app/publishing.h"
#include "app/verbs.h"
#include "base/parse.h"
#include "publish/catalog.h"

struct withdrawing {
	struct catalog_name name;
	uint64_t sequence;
	uint64_t min_sequence;
	const char *why;
};

static int withdraw(const char *dir, const char *passphrase_file,
		    const struct withdrawing *withdrawing, struct repo **ret_repo,
		    struct error *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	int r = publishing_open(dir, passphrase_file, &repo, err);

	if (r == 0)
		r = catalog_withdraw(repo, &withdrawing->name, withdrawing->sequence,
				     withdrawing->min_sequence, withdrawing->why, err);
	if (r == 0)
		*ret_repo = TAKE_PTR(repo);
	return r;
}

int verb_repo_withdraw(const struct cli_verb *verb, int argc, char **argv)
{
	const char *sequence = NULL, *min_sequence = NULL, *passphrase_file = NULL;
	struct withdrawing withdrawing = { .min_sequence = CATALOG_KEEP };
	const struct cli_option options[] = {
		{ "app", 'a', "APP", "whose release it is (must be given)",
		  .text = &withdrawing.name.app },
		{ "sequence", '\0', "N", "which release (must be given)", .text = &sequence },
		{ "why", '\0', "TEXT", "the reason, which devices show (must be given)",
		  .text = &withdrawing.why },
		{ "channel", 'c', "CHANNEL", "stable otherwise",
		  .text = &withdrawing.name.channel },
		{ "arch", '\0', "ARCH", "any otherwise", .text = &withdrawing.name.arch },
		{ "min-sequence", '\0', "N", "nothing older may run any more",
		  .text = &min_sequence },
		{ "passphrase-file", '\0', "FILE", "of encrypted keys", .text = &passphrase_file },
		{},
	};
	struct error err = {};
	struct repo *repo = NULL;
	char **operands;
	int r = cli_begin(verb, options, 1, 1, argc, argv, &operands);

	if (r != CLI_GO)
		return r;
	if (!withdrawing.name.app || !sequence || !withdrawing.why)
		return cli_refuse(verb, "--app, --sequence and --why must be given");
	if (parse_u64(sequence, 1, INT64_MAX, &withdrawing.sequence, &err) < 0 ||
	    (min_sequence &&
	     parse_u64(min_sequence, 0, INT64_MAX, &withdrawing.min_sequence, &err) < 0))
		return cli_refuse(verb, "%s", err.text);
	if (!withdrawing.name.channel)
		withdrawing.name.channel = "stable";
	if (!withdrawing.name.arch)
		withdrawing.name.arch = "any";
	if (withdraw(operands[0], passphrase_file, &withdrawing, &repo, &err) < 0)
		return cli_fail(&err);
	return publishing_finish_consume(repo, false);
}
