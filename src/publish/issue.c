#include "publish/issue.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "publish/bodies.h"
#include "publish/document.h"
#include "store/durable.h"
#include "trust/envelope.h"
#include "trust/filename.h"
#include "trust/signers.h"

#define LINE_MAX_ 64
#define PUBLISHED "published"

/* What shall be in force: lent from the repository, but for what was made. */
struct choice {
	json_t *root;
	json_t *targets;
	json_t *snapshot;
	json_t *timestamp;
	json_t *made[2];
	bool waiting;
};

static void choice_done(const struct choice *choice)
{
	json_decref(choice->made[0]);
	json_decref(choice->made[1]);
}

static const json_t *body_or_null(const json_t *document)
{
	return document ? document_body(document) : NULL;
}

/* ---- signatures ---- */

int issue_check(const json_t *root, enum root_role role, json_t *document, struct error *err)
{
	_cleanup_(signers_freep) struct signers *signers = NULL;
	_cleanup_(envelope_freep) struct envelope *envelope = NULL;
	_cleanup_free_ char *data = NULL;
	const json_t *roles = json_object_get(root, "roles");
	size_t size;
	int r = signers_read(json_object_get(root, "keys"),
			     json_object_get(roles, root_role_name(role)), &signers, err);

	if (r == 0)
		r = document_encode(document, &data, &size, err);
	if (r == 0)
		r = envelope_open(data, size, &envelope, err);
	return r < 0 ? r : envelope_verify(envelope, signers, err);
}

static bool is_signed(const json_t *root, enum root_role role, json_t *document)
{
	return root && document && issue_check(document_body(root), role, document, NULL) == 0;
}

/* > 0: KEYRING_ABSENT */
static int get_key(struct repo *repo, const char *keyid, EVP_PKEY **ret_pkey, struct error *err)
{
	return keyring_get(&repo->keyring, &repo->settings, repo->dirfd, keyid, repo->options.ask,
			   repo->options.ask_data, ret_pkey, err);
}

/* By the keys at hand of the role in that root, which have not signed yet. */
static int sign_for(struct repo *repo, const json_t *root, enum root_role role, json_t *document,
		    struct error *err)
{
	const json_t *keyids = bodies_keyids(body_or_null(root), role);

	for (size_t i = 0; i < json_array_size(keyids); i++) {
		const char *keyid = json_string_value(json_array_get(keyids, i));
		char id[DIGEST_HEX_MAX];
		EVP_PKEY *pkey;
		int r;

		if (document_has_signature(document, keyid))
			continue;
		r = get_key(repo, keyid, &pkey, err);
		if (r == 0)
			r = document_sign(document, pkey, id, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* For the root that is and for the one that comes. */
static int sign(struct repo *repo, enum root_role role, json_t *document, struct error *err)
{
	int r = sign_for(repo, repo->published[ROOT_ROLE_ROOT], role, document, err);

	if (r == 0 && repo->pending[ROOT_ROLE_ROOT])
		r = sign_for(repo, repo->pending[ROOT_ROLE_ROOT], role, document, err);
	return r;
}

int issue_count_keys(struct repo *repo, enum root_role role, uint64_t *ret_n, struct error *err)
{
	const json_t *root = document_body(repo_latest(repo, ROOT_ROLE_ROOT));
	const json_t *keyids = bodies_keyids(root, role);

	*ret_n = 0;
	for (size_t i = 0; i < json_array_size(keyids); i++) {
		EVP_PKEY *pkey;
		int r = get_key(repo, json_string_value(json_array_get(keyids, i)), &pkey, err);

		if (r < 0)
			return r;
		*ret_n += r == 0;
	}
	return 0;
}

/* ---- choosing ---- */

static void say_waiting(const json_t *document, struct text *report)
{
	text_add(report, "%s %" PRIu64 " waits for signatures (it has %zu)\n",
		 document_type(document), document_version(document),
		 document_count_signatures(document));
}

/* The successor is signed by the old and by the new keys; the first root by its own. */
static bool root_is_complete(const struct repo *repo)
{
	json_t *pending = repo->pending[ROOT_ROLE_ROOT];
	const json_t *old = repo->published[ROOT_ROLE_ROOT];

	return pending && is_signed(pending, ROOT_ROLE_ROOT, pending) &&
	       (!old || is_signed(old, ROOT_ROLE_ROOT, pending));
}

/* The latest targets that this root vouches for; NULL: none. */
static json_t *find_targets(const struct repo *repo, const json_t *root)
{
	json_t *const candidates[] = { repo->pending[ROOT_ROLE_TARGETS],
				       repo->published[ROOT_ROLE_TARGETS] };

	for (size_t i = 0; i < ARRAY_SIZE(candidates); i++)
		if (is_signed(root, ROOT_ROLE_TARGETS, candidates[i]))
			return candidates[i];
	return NULL;
}

/* A new root whose keys have not signed the targets needs new ones. */
static int need_targets(struct repo *repo, struct error *err)
{
	json_t *body;

	if (!root_is_complete(repo) || repo->pending[ROOT_ROLE_TARGETS] ||
	    is_signed(repo->pending[ROOT_ROLE_ROOT], ROOT_ROLE_TARGETS,
		      repo->published[ROOT_ROLE_TARGETS]))
		return 0;
	return repo_edit(repo, ROOT_ROLE_TARGETS, &body, err);
}

static int sign_pending(struct repo *repo, enum root_role role, struct error *err)
{
	return repo->pending[role] ? sign(repo, role, repo->pending[role], err) : 0;
}

static int choose(struct repo *repo, struct choice *choice, struct text *report, struct error *err)
{
	json_t *pending = repo->pending[ROOT_ROLE_ROOT];
	int r = sign_pending(repo, ROOT_ROLE_ROOT, err);

	if (r == 0)
		r = need_targets(repo, err);
	if (r == 0)
		r = sign_pending(repo, ROOT_ROLE_TARGETS, err);
	if (r == 0)
		r = repo_save_pending(repo, err);
	if (r < 0)
		return r;
	choice->root = root_is_complete(repo) ? pending : repo->published[ROOT_ROLE_ROOT];
	choice->targets = find_targets(repo, choice->root);
	if (!choice->targets && choice->root == pending) {
		choice->root = repo->published[ROOT_ROLE_ROOT];
		choice->targets = find_targets(repo, choice->root);
	}
	if (pending && !root_is_complete(repo))
		say_waiting(pending, report);
	else if (pending && choice->root != pending)
		text_add(report, "root %" PRIu64 " waits for targets\n", document_version(pending));
	pending = repo->pending[ROOT_ROLE_TARGETS];
	if (pending && choice->targets != pending)
		say_waiting(pending, report);
	choice->waiting = report->size > 0;
	return 0;
}

/* ---- snapshot and timestamp ---- */

static bool is_due(const struct repo *repo, enum root_role role, const json_t *document)
{
	uint64_t expires = document_expires(document);

	return expires < repo->options.now + repo->settings.expires[role] / 2;
}

static int make(struct repo *repo, const struct choice *choice, enum root_role role, json_t *of,
		json_t **ret_document, struct error *err)
{
	const json_t *before = repo->published[role];
	uint64_t expires = repo_expires(repo, role);
	_cleanup_(jread_freep) json_t *document = NULL;
	_cleanup_free_ char *data = NULL;
	char name[LINE_MAX_];
	json_t *body;
	size_t size = 0;
	int r;

	if (before)
		body = bodies_next(document_body(before), expires);
	else
		body = role == ROOT_ROLE_SNAPSHOT ? bodies_snapshot(expires) :
						    bodies_timestamp(expires);
	r = document_new_consume(body, &document, err);
	if (r == 0)
		r = document_encode(of, &data, &size, err);
	(void)snprintf(name, sizeof(name), "%s.json", document_type(of));
	if (r == 0)
		r = bodies_set_meta(document_body(document), name, document_version(of), data, size,
				    err);
	if (r == 0)
		r = sign(repo, role, document, err);
	if (r < 0)
		return r;
	if (!is_signed(choice->root, role, document))
		return error_set(err, FAULT_CONFIG,
				 "not enough keys of %s are at hand (%s/config lists where they "
				 "are)",
				 root_role_name(role), REPO_STATE_DIR);
	*ret_document = TAKE_PTR(document);
	return 0;
}

static int make_one(struct repo *repo, struct choice *choice, enum root_role role, json_t *of,
		    bool changed, json_t **ret_document, struct error *err)
{
	json_t *before = repo->published[role];
	json_t **made = &choice->made[role == ROOT_ROLE_TIMESTAMP];
	int r;

	*ret_document = before;
	if (!changed && is_signed(choice->root, role, before) && !is_due(repo, role, before))
		return 0;
	r = make(repo, choice, role, of, made, err);
	if (r == 0)
		*ret_document = *made;
	return r;
}

static int make_rest(struct repo *repo, struct choice *choice, struct error *err)
{
	int r = make_one(repo, choice, ROOT_ROLE_SNAPSHOT, choice->targets,
			 choice->targets != repo->published[ROOT_ROLE_TARGETS], &choice->snapshot,
			 err);

	if (r < 0)
		return r;
	return make_one(repo, choice, ROOT_ROLE_TIMESTAMP, choice->snapshot,
			choice->snapshot != repo->published[ROOT_ROLE_SNAPSHOT], &choice->timestamp,
			err);
}

/* ---- writing ---- */

static int write_one(struct repo *repo, enum root_role role, json_t *document, struct text *report,
		     struct error *err)
{
	uint64_t version = document_version(document);
	_cleanup_free_ char *data = NULL;
	_cleanup_free_ char *name = NULL;
	_cleanup_free_ char *path = NULL;
	size_t size = 0;
	int r;

	if (document == repo->published[role])
		return 0;
	r = filename_of_role(root_role_name(role), role == ROOT_ROLE_TIMESTAMP ? 0 : version, &name,
			     err);
	if (r == 0)
		r = document_encode(document, &data, &size, err);
	if (r < 0)
		return r;
	if (asprintf(&path, REPO_METADATA_DIR "/%s", name) < 0) {
		path = NULL;
		return error_code(err, -ENOMEM, "%s", name);
	}
	r = durable_replace(repo->dirfd, path, data, size, 0644, err);
	if (r < 0)
		return r;
	text_add(report, PUBLISHED " %s %" PRIu64 "\n", root_role_name(role), version);
	json_decref(repo->published[role]);
	repo->published[role] = json_incref(document);
	return 0;
}

/* Do readers of the root that is published now understand the rest? */
static bool suits_old_root(const struct repo *repo, const struct choice *choice)
{
	const json_t *old = repo->published[ROOT_ROLE_ROOT];

	return is_signed(old, ROOT_ROLE_TARGETS, choice->targets) &&
	       is_signed(old, ROOT_ROLE_SNAPSHOT, choice->snapshot) &&
	       is_signed(old, ROOT_ROLE_TIMESTAMP, choice->timestamp);
}

static int write_all(struct repo *repo, const struct choice *choice, struct text *report,
		     struct error *err)
{
	bool root_last = suits_old_root(repo, choice);
	int r = root_last ? 0 : write_one(repo, ROOT_ROLE_ROOT, choice->root, report, err);

	if (r == 0)
		r = write_one(repo, ROOT_ROLE_TARGETS, choice->targets, report, err);
	if (r == 0)
		r = write_one(repo, ROOT_ROLE_SNAPSHOT, choice->snapshot, report, err);
	/* commit point */
	if (r == 0)
		r = write_one(repo, ROOT_ROLE_TIMESTAMP, choice->timestamp, report, err);
	if (r == 0 && root_last)
		r = write_one(repo, ROOT_ROLE_ROOT, choice->root, report, err);
	return r;
}

static int drop_published(struct repo *repo, struct error *err)
{
	static const enum root_role roles[] = { ROOT_ROLE_ROOT, ROOT_ROLE_TARGETS };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(roles); i++)
		if (repo->pending[roles[i]] && repo->pending[roles[i]] == repo->published[roles[i]])
			r = repo_drop_pending(repo, roles[i], err);
	return r;
}

int issue_run(struct repo *repo, struct text *report, struct error *err)
{
	_cleanup_(choice_done) struct choice choice = {};
	int r = choose(repo, &choice, report, err);

	if (r < 0)
		return r;
	if (!choice.root || !choice.targets)
		return ISSUE_WAITING;
	r = make_rest(repo, &choice, err);
	if (r == 0)
		r = write_all(repo, &choice, report, err);
	if (r == 0)
		r = drop_published(repo, err);
	if (r < 0)
		return r;
	return choice.waiting ? ISSUE_WAITING : 0;
}

/* ---- refreshing ---- */

static int renew(struct repo *repo, enum root_role role, struct text *report, struct error *err)
{
	const json_t *document = repo->published[role];
	char when[DOCUMENT_EXPIRES_MAX];
	uint64_t threshold, n;
	json_t *body;
	int r;

	if (!document || repo->pending[role] || !is_due(repo, role, document))
		return 0;
	threshold = bodies_threshold(document_body(repo->published[ROOT_ROLE_ROOT]), role);
	r = issue_count_keys(repo, role, &n, err);
	if (r == 0 && n >= threshold)
		return repo_edit(repo, role, &body, err);
	if (r == 0)
		text_add(report,
			 "%s expires %s and must be signed by %" PRIu64
			 " of its keys: repo sign --renew\n",
			 root_role_name(role), document_time(document_expires(document), when),
			 threshold);
	return r;
}

int issue_refresh(struct repo *repo, struct text *report, struct error *err)
{
	_cleanup_text_ struct text done = {};
	int r = renew(repo, ROOT_ROLE_ROOT, report, err);

	if (r == 0)
		r = renew(repo, ROOT_ROLE_TARGETS, report, err);
	if (r == 0)
		r = issue_run(repo, &done, err);
	if (done.size > 0 && strstr(done.data, PUBLISHED)) /* who waits was told when it began */
		text_add_bytes(report, done.data, done.size);
	return r;
}
