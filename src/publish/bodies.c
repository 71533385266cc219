#include "publish/bodies.h"

#include <errno.h>
#include <string.h>

#include "base/digest.h"
#include "base/text.h"
#include "publish/document.h"
#include "publish/public.h"

#define SPEC_VERSION "1.0.31"

static json_t *make(const char *type, uint64_t expires)
{
	char text[DOCUMENT_EXPIRES_MAX];

	return json_pack("{ss ss si ss}", "_type", type, "spec_version", SPEC_VERSION, "version", 1,
			 "expires", document_time(expires, text));
}

/* The body with a member more, which it takes over; NULL if something was missing. */
static json_t *with_consume(json_t *body, const char *name, json_t *value)
{
	if (body && json_object_set_new(body, name, value) == 0)
		return body;
	json_decref(body);
	return NULL;
}

json_t *bodies_root(uint64_t expires)
{
	json_t *roles = json_object();
	json_t *body;

	for (enum root_role role = 0; role < ROOT_ROLE_MAX; role++)
		roles = with_consume(roles, root_role_name(role),
				     json_pack("{s[] si}", "keyids", "threshold", 1));
	body = with_consume(make("root", expires), "consistent_snapshot", json_true());
	body = with_consume(body, "keys", json_object());
	if (!body)
		json_decref(roles);
	return body ? with_consume(body, "roles", roles) : NULL;
}

json_t *bodies_targets(uint64_t expires)
{
	return with_consume(make("targets", expires), "targets", json_object());
}

json_t *bodies_snapshot(uint64_t expires)
{
	return with_consume(make("snapshot", expires), "meta", json_object());
}

json_t *bodies_timestamp(uint64_t expires)
{
	return with_consume(make("timestamp", expires), "meta", json_object());
}

json_t *bodies_next(const json_t *body, uint64_t expires)
{
	json_int_t version = json_integer_value(json_object_get(body, "version"));
	char text[DOCUMENT_EXPIRES_MAX];
	json_t *next = json_deep_copy(body);

	next = with_consume(next, "version", json_integer(version + 1));
	return with_consume(next, "expires", json_string(document_time(expires, text)));
}

/* ---- root ---- */

static json_t *role_of(const json_t *root, enum root_role role)
{
	return json_object_get(json_object_get(root, "roles"), root_role_name(role));
}

static json_t *keyids_of(const json_t *root, enum root_role role)
{
	return json_object_get(role_of(root, role), "keyids");
}

const json_t *bodies_keyids(const json_t *root, enum root_role role)
{
	return keyids_of(root, role);
}

uint64_t bodies_threshold(const json_t *root, enum root_role role)
{
	json_int_t n = json_integer_value(json_object_get(role_of(root, role), "threshold"));

	return n > 0 ? (uint64_t)n : 0;
}

static bool has_id(const json_t *keyids, const char *keyid)
{
	for (size_t i = 0; i < json_array_size(keyids); i++)
		if (strcmp(json_string_value(json_array_get(keyids, i)), keyid) == 0)
			return true;
	return false;
}

int bodies_add_key(json_t *root, enum root_role role, const json_t *key, struct error *err)
{
	json_t *keyids = keyids_of(root, role);
	char keyid[DIGEST_HEX_MAX];
	int r = public_id(key, keyid, err);

	if (r < 0)
		return r;
	if (has_id(keyids, keyid))
		return error_set(err, FAULT_CONFIG, "%s has the key %.16s already",
				 root_role_name(role), keyid);
	if (json_object_set_new(json_object_get(root, "keys"), keyid, json_deep_copy(key)) < 0 ||
	    json_array_append_new(keyids, json_string(keyid)) < 0)
		return error_code(err, -ENOMEM, "adding a key");
	return 0;
}

static bool is_used(const json_t *root, const char *keyid)
{
	for (enum root_role role = 0; role < ROOT_ROLE_MAX; role++)
		if (has_id(keyids_of(root, role), keyid))
			return true;
	return false;
}

/* *ret_at is the one key id that begins so. */
static int find_id(const json_t *keyids, enum root_role role, const char *begin, size_t *ret_at,
		   struct error *err)
{
	size_t found = 0;

	for (size_t i = 0; i < json_array_size(keyids); i++) {
		const char *keyid = json_string_value(json_array_get(keyids, i));

		if (strncmp(keyid, begin, strlen(begin)) != 0)
			continue;
		*ret_at = i;
		found++;
	}
	if (found == 1 && begin[0] != '\0')
		return 0;
	return error_set(err, FAULT_CONFIG, "%s has %s key whose id begins with %.64s",
			 root_role_name(role), found > 0 ? "more than one" : "no", begin);
}

int bodies_remove_key(json_t *root, enum root_role role, const char *keyid, struct error *err)
{
	json_t *keyids = keyids_of(root, role);
	char whole[DIGEST_HEX_MAX] = "";
	size_t at = 0;
	int r = find_id(keyids, role, keyid, &at, err);

	if (r < 0)
		return r;
	(void)text_copy(json_string_value(json_array_get(keyids, at)), whole, sizeof(whole));
	(void)json_array_remove(keyids, at);
	if (!is_used(root, whole))
		(void)json_object_del(json_object_get(root, "keys"), whole);
	return 0;
}

int bodies_set_threshold(json_t *root, enum root_role role, uint64_t threshold, struct error *err)
{
	json_t *value = json_integer((json_int_t)threshold);

	if (json_object_set_new(role_of(root, role), "threshold", value) < 0)
		return error_code(err, -ENOMEM, "setting a threshold");
	return 0;
}

int bodies_check_root(const json_t *root, struct error *err)
{
	for (enum root_role role = 0; role < ROOT_ROLE_MAX; role++) {
		size_t n = json_array_size(keyids_of(root, role));
		uint64_t threshold = bodies_threshold(root, role);

		if (threshold == 0 || threshold > n)
			return error_set(err, FAULT_CONFIG,
					 "%s would have %zu keys and a threshold of %llu: nobody "
					 "could sign",
					 root_role_name(role), n, (unsigned long long)threshold);
	}
	return 0;
}

/* ---- files ---- */

static json_t *make_hashes(const void *data, size_t size)
{
	char hex[DIGEST_HEX_MAX];
	struct digest digest;

	if (digest_of(data, size, &digest, NULL) < 0)
		return NULL;
	return json_pack("{ss}", "sha256", digest_to_hex(&digest, hex));
}

int bodies_set_meta(json_t *body, const char *name, uint64_t version, const void *data, size_t size,
		    struct error *err)
{
	json_t *file = json_pack("{so sI sI}", "hashes", make_hashes(data, size), "length",
				 (json_int_t)size, "version", (json_int_t)version);

	if (json_object_set_new(json_object_get(body, "meta"), name, file) < 0)
		return error_code(err, -ENOMEM, "%s", name);
	return 0;
}

int bodies_set_target(json_t *targets, const char *path, const void *data, size_t size,
		      struct error *err)
{
	json_t *file =
		json_pack("{so sI}", "hashes", make_hashes(data, size), "length", (json_int_t)size);

	if (json_object_set_new(json_object_get(targets, "targets"), path, file) < 0)
		return error_code(err, -ENOMEM, "%s", path);
	return 0;
}

uint64_t bodies_meta_version(const json_t *body, const char *name)
{
	const json_t *file = json_object_get(json_object_get(body, "meta"), name);
	json_int_t version = json_integer_value(json_object_get(file, "version"));

	return version > 0 ? (uint64_t)version : 0;
}
