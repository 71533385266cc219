#include <inttypes.h>
#include <stdio.h>

#include "app/publishing.h"
#include "app/repo-json.h"
#include "app/status-json.h"
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
	for (size_t i = 0; i < offer->n_bundles; i++) {
		char hex[DIGEST_HEX_MAX];
		const struct digest *from = &offer->bundles[i].from;

		printf("           bundle from %.12s: %" PRIu64 " bytes\n",
		       digest_is_null(from) ? "any release" : digest_to_hex(from, hex),
		       offer->bundles[i].length);
	}
	if (offer->near.n_from > 0)
		printf("           bundle from any of the %zu releases before: %" PRIu64 " bytes\n",
		       offer->near.n_from, offer->near.bundle.length);
	for (size_t i = 0; i < offer->n_withdrawn; i++)
		printf("           %" PRIu64 " is withdrawn: %s\n", offer->withdrawn[i].sequence,
		       offer->withdrawn[i].why);
	return 0;
}

static int print_text(const struct repo *repo, struct error *err)
{
	for (enum root_role role = 0; role < ROOT_ROLE_MAX; role++)
		print_role(repo, role);
	return catalog_list(repo, print_offer, NULL, err);
}

static int add_offer(void *data, const char *path, const struct offer *offer, struct error *err)
{
	(void)path;
	(void)err;
	(void)json_array_append_new(data, repo_json_offer(offer));
	return 0;
}

static int print_json(const struct repo *repo, struct error *err)
{
	json_t *object = json_object();
	json_t *offers = json_array();
	int r = catalog_list(repo, add_offer, offers, err);

	(void)json_object_set_new(object, "roles", repo_json_roles(repo));
	(void)json_object_set_new(object, "offers", offers);
	if (r < 0) {
		json_decref(object);
		return r;
	}
	return status_json_print(object, err);
}

int verb_repo_list(const struct cli_verb *verb, int argc, char **argv)
{
	bool json = false;
	const struct cli_option options[] = {
		{ "json", '\0', NULL, "for programs: docs/JSON.md", .flag = &json },
		{},
	};
	_cleanup_(repo_freep) struct repo *repo = NULL;
	struct error err = {};
	char **operands;
	int r = cli_begin(verb, options, 1, 1, argc, argv, &operands);

	if (r != CLI_GO)
		return r;
	r = publishing_open(operands[0], NULL, &repo, &err);
	if (r == 0)
		r = json ? print_json(repo, &err) : print_text(repo, &err);
	return r < 0 ? cli_fail(&err) : 0;
}
