#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "app/publishing.h"
#include "app/verbs.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/text.h"
#include "publish/founding.h"

/* Beside DIR, so that nobody serves it: "/srv/repo.keys", which DIR calls "../repo.keys". */
static int name_keys(const char *dir, struct text *path, struct text *name, struct error *err)
{
	_cleanup_free_ char *real = realpath(dir, NULL);
	int r;

	if (!real)
		return error_errno(err, "%s", dir);
	text_add(path, "%s.keys", real);
	text_add(name, "../%s.keys", basename(real));
	r = text_check(path, err);
	return r < 0 ? r : text_check(name, err);
}

static int create(const char *dir, const char *passphrase_file, struct founding *founding,
		  struct repo **ret_repo, struct error *err)
{
	const struct repo_options options = { .now = clock_realtime_usec(),
					      .ask = publishing_ask,
					      .ask_data = (void *)passphrase_file };
	_cleanup_(repo_freep) struct repo *repo = NULL;
	_cleanup_text_ struct text path = {};
	_cleanup_text_ struct text name = {};
	int r = repo_create(dir, &options, &repo, err);

	if (r == 0)
		r = name_keys(dir, &path, &name, err);
	if (r < 0)
		return r;
	founding->keys_dir = path.data;
	founding->keys_name = name.data;
	r = founding_init(repo, founding, err);
	if (r == 0)
		*ret_repo = TAKE_PTR(repo);
	return r;
}

int verb_repo_init(const struct cli_verb *verb, int argc, char **argv)
{
	struct founding founding = {};
	const char *threshold = NULL, *expires = NULL, *passphrase_file = NULL;
	const struct cli_option options[] = {
		{ "root-keys", '\0', "LIST", "key files with commas; otherwise one is made",
		  .text = &founding.keys[ROOT_ROLE_ROOT] },
		{ "targets-keys", '\0', "LIST", "(.pub: the private one is elsewhere)",
		  .text = &founding.keys[ROOT_ROLE_TARGETS] },
		{ "snapshot-keys", '\0', "LIST", "", .text = &founding.keys[ROOT_ROLE_SNAPSHOT] },
		{ "timestamp-keys", '\0', "LIST", "", .text = &founding.keys[ROOT_ROLE_TIMESTAMP] },
		{ "threshold", '\0', "ROLE=N,…", "how many keys must sign; 1 otherwise",
		  .text = &threshold },
		{ "expires", '\0', "ROLE=SPAN,…", "root=365d,targets=90d,snapshot=30d,timestamp=7d",
		  .text = &expires },
		{ "passphrase-file", '\0', "FILE", "of encrypted keys", .text = &passphrase_file },
		{},
	};
	struct repo *repo = NULL;
	struct error err = {};
	char **operands;
	int r = cli_begin(verb, options, 1, 1, argc, argv, &operands);

	if (r != CLI_GO)
		return r;
	if (publishing_parse_roles(threshold, publishing_parse_count, founding.threshold, &err) <
		    0 ||
	    publishing_parse_roles(expires, parse_span, founding.expires, &err) < 0)
		return cli_refuse(verb, "%s", err.text);
	if (create(operands[0], passphrase_file, &founding, &repo, &err) < 0)
		return cli_fail(&err);
	r = publishing_finish_consume(repo, false);
	if (r == 0)
		printf("devices need %s/metadata/1.root.json; serve all of %s but " REPO_STATE_DIR
		       "\n",
		       operands[0], operands[0]);
	return r;
}
