#include <inttypes.h>
#include <stdio.h>

#include "app/publishing.h"
#include "app/verbs.h"
#include "base/parse.h"
#include "publish/prune.h"

#define GRACE_USUAL "7d"
#define KEEP_USUAL  DELTA_BASES_USUAL
#define KEEP_MAX    1000

static void print_blob(void *data, const char *name, uint64_t bytes)
{
	(void)data;
	printf("%s %" PRIu64 "\n", name, bytes);
}

static int prune(const char *dir, const struct prune_options *options, struct error *err)
{
	_cleanup_(repo_freep) struct repo *repo = NULL;
	struct prune_result result = {};
	int r = publishing_open(dir, NULL, &repo, err);

	if (r == 0)
		r = prune_run(repo, options, &result, err);
	if (r == 0)
		printf("%s %" PRIu64 " blobs, %" PRIu64 " bytes; %" PRIu64 " are needed\n",
		       options->dry ? "would remove" : "removed", result.blobs, result.bytes,
		       result.kept);
	return r;
}

int verb_repo_prune(const struct cli_verb *verb, int argc, char **argv)
{
	const char *grace = NULL, *keep = NULL;
	struct prune_options prune_options = {};
	bool verbose = false;
	const struct cli_option options[] = {
		{ "grace", '\0', "TIME",
		  "how long what is no longer offered may still be fetched; 7d otherwise",
		  .text = &grace },
		{ "keep", '\0', "N",
		  "releases of which archive and blocks are kept, the latest; 3 otherwise",
		  .text = &keep },
		{ "dry-run", 'n', NULL, "remove nothing", .flag = &prune_options.dry },
		{ "verbose", 'v', NULL, "name each blob that goes", .flag = &verbose },
		{},
	};
	uint64_t n = KEEP_USUAL;
	struct error err = {};
	char **operands;
	int r = cli_begin(verb, options, 1, 1, argc, argv, &operands);

	if (r != CLI_GO)
		return r;
	if (parse_span(grace ? grace : GRACE_USUAL, &prune_options.grace, &err) < 0)
		return cli_refuse(verb, "--grace: %s", err.text);
	if (keep && parse_u64(keep, 1, KEEP_MAX, &n, &err) < 0)
		return cli_refuse(verb, "--keep: %s", err.text);
	prune_options.keep = (unsigned int)n;
	prune_options.removed = verbose ? print_blob : NULL;
	return prune(operands[0], &prune_options, &err) < 0 ? cli_fail(&err) : 0;
}
