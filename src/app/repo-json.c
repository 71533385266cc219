#include "app/repo-json.h"

#include "publish/bodies.h"
#include "publish/document.h"

/* jansson takes a NULL value for a failure, and the object then lacks the key: no memory is told by whom it is dumped. */
static void put(json_t *object, const char *key, json_t *value)
{
	(void)json_object_set_new(object, key, value);
}

static void put_number(json_t *object, const char *key, uint64_t value)
{
	put(object, key, json_integer((json_int_t)value));
}

static void put_digest(json_t *object, const char *key, const struct digest *digest)
{
	char hex[DIGEST_HEX_MAX];

	put(object, key,
	    digest_is_null(digest) ? json_null() : json_string(digest_to_hex(digest, hex)));
}

/* ---- roles ---- */

static json_t *keys_of(const struct repo *repo, const json_t *keyids)
{
	json_t *keys = json_array();

	for (size_t i = 0; i < json_array_size(keyids); i++) {
		const char *id = json_string_value(json_array_get(keyids, i));
		const char *name = settings_find_key(&repo->settings, id);
		json_t *key = json_object();

		put(key, "id", json_string(id));
		put(key, "name", name ? json_string(name) : json_null());
		(void)json_array_append_new(keys, key);
	}
	return keys;
}

static json_t *pending_of(json_t *document)
{
	json_t *pending;

	if (!document)
		return json_null();
	pending = json_object();
	put_number(pending, "version", document_version(document));
	put_number(pending, "signatures", document_count_signatures(document));
	return pending;
}

json_t *repo_json_roles(const struct repo *repo)
{
	const json_t *root = document_body(repo_latest(repo, ROOT_ROLE_ROOT));
	json_t *roles = json_object();

	for (enum root_role role = 0; role < ROOT_ROLE_MAX; role++) {
		const json_t *published = repo->published[role];
		json_t *object = json_object();

		put_number(object, "version", published ? document_version(published) : 0);
		put_number(object, "expires_usec", published ? document_expires(published) : 0);
		put_number(object, "threshold", bodies_threshold(root, role));
		put(object, "keys", keys_of(repo, bodies_keyids(root, role)));
		put(object, "pending", pending_of(repo->pending[role]));
		put(roles, root_role_name(role), object);
	}
	return roles;
}

/* ---- offers ---- */

static json_t *bundles_of(const struct offer *offer)
{
	json_t *bundles = json_array();

	for (size_t i = 0; i < offer->n_bundles; i++) {
		json_t *bundle = json_object();

		put_digest(bundle, "from", &offer->bundles[i].from);
		put_digest(bundle, "sha256", &offer->bundles[i].blob);
		put_number(bundle, "length", offer->bundles[i].length);
		(void)json_array_append_new(bundles, bundle);
	}
	return bundles;
}

static json_t *near_of(const struct offer_near *near)
{
	json_t *object;
	json_t *from;
	char hex[DIGEST_HEX_MAX];

	if (near->n_from == 0)
		return json_null();
	object = json_object();
	from = json_array();
	for (size_t i = 0; i < near->n_from; i++)
		(void)json_array_append_new(from, json_string(digest_to_hex(&near->from[i], hex)));
	put(object, "from", from);
	put_digest(object, "sha256", &near->bundle.blob);
	put_number(object, "length", near->bundle.length);
	return object;
}

static json_t *withdrawn_of(const struct offer *offer)
{
	json_t *withdrawn = json_array();

	for (size_t i = 0; i < offer->n_withdrawn; i++) {
		json_t *one = json_object();

		put_number(one, "sequence", offer->withdrawn[i].sequence);
		put_digest(one, "index", &offer->withdrawn[i].index);
		put(one, "why", json_string(offer->withdrawn[i].why));
		(void)json_array_append_new(withdrawn, one);
	}
	return withdrawn;
}

json_t *repo_json_offer(const struct offer *offer)
{
	json_t *object = json_object();

	put(object, "app", json_string(offer->app));
	put(object, "channel", json_string(offer->channel));
	put(object, "arch", json_string(offer->arch));
	put(object, "version", json_string(offer->version));
	put_number(object, "sequence", offer->sequence);
	put_number(object, "min_sequence", offer->min_sequence);
	put_number(object, "epoch", offer->epoch);
	put_digest(object, "index", &offer->index);
	put_number(object, "bytes", offer->bytes);
	put_number(object, "files", offer->files);
	put_digest(object, "full", &offer->full);
	put_number(object, "full_length", offer->full_length);
	put(object, "bundles", bundles_of(offer));
	put(object, "near", near_of(&offer->near));
	put(object, "withdrawn", withdrawn_of(offer));
	return object;
}

/* ---- verify ---- */

json_t *repo_json_audit(const struct audit_result *result)
{
	json_t *object = json_object();
	json_t *roles = json_object();

	for (enum root_role role = 0; role < ROOT_ROLE_MAX; role++) {
		json_t *one = json_object();

		put_number(one, "version", result->version[role]);
		put_number(one, "expires_usec", result->expires[role]);
		put(roles, root_role_name(role), one);
	}
	put(object, "good", json_true());
	put(object, "roles", roles);
	put_number(object, "targets", result->targets);
	put_number(object, "offers", result->offers);
	put_number(object, "full_bytes", result->bytes);
	put_number(object, "bundles", result->bundles.bundles);
	put_number(object, "bundle_bytes", result->bundles.bytes);
	put_number(object, "bundles_undecoded", result->bundles.undecoded);
	return object;
}
