#include <inttypes.h>
#include <stdio.h>

#include "app/publishing.h"
#include "app/verbs.h"
#include "base/clock.h"
#include "publish/bodies.h"
#include "publish/catalog.h"
#include "publish/document.h"

/* Keys whose files are there; none is opened. */
static size_t count_at_hand(const struct repo *repo, const json_t *keyids)
{
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(keyids); i++)
		n += settings_find_key(&repo->settings,
				       json_string_value(json_array_get(keyids, i))) != NULL;
	return n;
}

static void print_role(const struct repo *repo, enum root_role role)
{
	const json_t *root = document_body(repo_latest(repo, ROOT_ROLE_ROOT));
	const json_t *keyids = bodies_keyids(root, role);
	const json_t *published = repo->published[role];
	uint64_t expires = published ? document_expires(published) : 0;
	char when[CLOCK_TEXT_MAX];

	printf("%-10s version %" PRIu64 ", expires %s%s, signed by %" PRIu64 " of %zu keys, %zu "
	       "here\n",
	       root_role_name(role), published ? document_version(published) : 0,
	       clock_format(expires, when), expires < repo->options.now ? " (EXPIRED)" : "",
	       bodies_threshold(root, role), json_array_size(keyids), count_at_hand(repo, keyids));
	for (size_t i = 0; i < json_array_size(keyids); i++) {
		const char *keyid = json_string_value(json_array_get(keyids, i));
		const char *name = settings_find_key(&repo->settings, keyid);

		printf("           %.16s  %s\n", keyid, name ? name : "(elsewhere)");
	}
	if (repo->pending[role])
		printf("           version %" PRIu64 " waits: it has %zu signatures\n",
		       document_version(repo->pending[role]),
		       document_count_signatures(repo->pending[role]));
}

static int print_offer(void *data, const char *path, const struct offer *offer, struct error *err)
{
	(void)data;
	(void)path;
	(void)err;
	printf("%s/%s/%s %s: sequence %" PRIu64 ", at least %" PRIu64 ", %" PRIu64
	       " bytes packed, %" PRIu64 " unpacked\n",
	       offer->app, offer->channel, offer->arch, offer->version, offer->sequence,
	       offer->min_sequence, offer->full_length, offer->bytes);
	for (size_t i = 0; i < offer->n_withdrawn; i++)
		printf("           %" PRIu64 " is withdrawn: %s\n", offer->withdrawn[i].sequence,
		       offer->withdrawn[i].why);
	return 0;
}

int verb_repo_list(const struct cli_verb *verb, int argc, char **argv)
{
	const struct cli_option options[] = { {} };
	_cleanup_(repo_freep) struct repo *repo = NULL;
	struct error err = {};
	char **operands;
	int r = cli_begin(verb, options, 1, 1, argc, argv, &operands);

	if (r != CLI_GO)
		return r;
	if (publishing_open(operands[0], NULL, &repo, &err) < 0)
		return cli_fail(&err);
	for (enum root_role role = 0; role < ROOT_ROLE_MAX; role++)
		print_role(repo, role);
	return catalog_list(repo, print_offer, NULL, &err) < 0 ? cli_fail(&err) : 0;
}
