#include "trust/delegation.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "trust/jread.h"
#include "trust/pattern.h"
#include "trust/root.h"

#define BITS_MAX 32

/* Either `roles`, or `succinct` with the two members below it. */
struct delegation {
	json_t *whole;
	json_t *keys;
	json_t *roles;
	json_t *succinct;
	const char *prefix;
	uint64_t bits;
};

int delegation_path_init(struct delegation_path *ret_path, const char *path, struct error *err)
{
	ret_path->path = path;
	if (EVP_Digest(path, strlen(path), ret_path->hash, NULL, EVP_sha256(), NULL) != 1)
		return error_set(err, FAULT_INTERNAL, "OpenSSL cannot hash");
	return 0;
}

/* May a delegated role be called so? Its file must not be that of a top-level role. */
static int check_name(const char *name, struct error *err)
{
	if (name[0] == '\0')
		return error_set(err, FAULT_CORRUPT, "a delegated role has no name");
	if (root_is_role_name(name))
		return error_set(err, FAULT_CORRUPT, "a delegated role is called \"%s\"", name);
	return 0;
}

static int check_strings(const json_t *role, const char *key, struct error *err)
{
	json_t *array;
	int r;

	if (!json_object_get(role, key))
		return 0;
	r = jread_array(role, key, &array, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < json_array_size(array); i++)
		if (!json_is_string(json_array_get(array, i)))
			return error_set(err, FAULT_CORRUPT, "one of \"%s\" is not a string", key);
	return 0;
}

/* Names in `seen` have been there before. */
static int check_role(const json_t *role, json_t *seen, struct error *err)
{
	char shown[JREAD_SHOWN_MAX];
	const char *name;
	bool terminating;
	int r;

	if (!json_is_object(role))
		return error_set(err, FAULT_CORRUPT, "a delegated role is not an object");
	r = jread_string(role, "name", &name, err);
	if (r < 0)
		return r;
	r = check_name(name, err);
	if (r < 0)
		return r;
	if (json_object_get(seen, name))
		return error_set(err, FAULT_CORRUPT, "two delegated roles are called \"%s\"",
				 jread_show(name, shown));
	if (json_object_set_new(seen, name, json_true()) < 0)
		return error_code(err, -ENOMEM, "reading delegations");
	if (json_object_get(role, "paths") && json_object_get(role, "path_hash_prefixes"))
		return error_set(err, FAULT_CORRUPT,
				 "role \"%s\" has both \"paths\" and \"path_hash_prefixes\"",
				 jread_show(name, shown));
	r = jread_flag(role, "terminating", &terminating, err);
	if (r < 0)
		return r;
	r = check_strings(role, "paths", err);
	if (r < 0)
		return r;
	return check_strings(role, "path_hash_prefixes", err);
}

static int check_roles(const json_t *roles, struct error *err)
{
	_cleanup_(jread_freep) json_t *seen = json_object();

	if (!seen)
		return error_code(err, -ENOMEM, "reading delegations");
	for (size_t i = 0; i < json_array_size(roles); i++) {
		int r = check_role(json_array_get(roles, i), seen, err);

		if (r < 0)
			return r;
	}
	return 0;
}

static int read_succinct(struct delegation *delegation, struct error *err)
{
	int r = jread_object(delegation->whole, "succinct_roles", &delegation->succinct, err);

	if (r < 0)
		return r;
	r = jread_string(delegation->succinct, "name_prefix", &delegation->prefix, err);
	if (r < 0)
		return r;
	r = jread_integer(delegation->succinct, "bit_length", 1, &delegation->bits, err);
	if (r < 0)
		return r;
	if (delegation->bits > BITS_MAX)
		return error_set(err, FAULT_CORRUPT, "\"bit_length\" is above %d", BITS_MAX);
	return 0;
}

static int read_members(struct delegation *delegation, struct error *err)
{
	const json_t *whole = delegation->whole;
	int r = jread_object(whole, "keys", &delegation->keys, err);

	if (r < 0)
		return r;
	if (!json_object_get(whole, "succinct_roles")) {
		r = jread_array(whole, "roles", &delegation->roles, err);
		return r < 0 ? r : check_roles(delegation->roles, err);
	}
	if (json_object_get(whole, "roles"))
		return error_set(err, FAULT_CORRUPT,
				 "there are both \"roles\" and \"succinct_roles\"");
	return read_succinct(delegation, err);
}

int delegation_read(const json_t *object, struct delegation **ret_delegation, struct error *err)
{
	_cleanup_(delegation_freep) struct delegation *delegation = NULL;
	int r;

	if (!object) {
		*ret_delegation = NULL;
		return 0;
	}
	delegation = calloc(1, sizeof(*delegation));
	if (!delegation)
		return error_code(err, -ENOMEM, "reading delegations");
	delegation->whole = json_incref((json_t *)object);
	r = read_members(delegation, err);
	if (r < 0)
		return error_prefix(err, r, "delegations");
	*ret_delegation = TAKE_PTR(delegation);
	return 0;
}

void delegation_free(struct delegation *delegation)
{
	if (!delegation)
		return;
	json_decref(delegation->whole);
	free(delegation);
}

static bool matches_pattern(const json_t *patterns, const char *path)
{
	for (size_t i = 0; i < json_array_size(patterns); i++)
		if (pattern_match(json_string_value(json_array_get(patterns, i)), path))
			return true;
	return false;
}

static bool matches_prefix(const json_t *prefixes, const unsigned char hash[static 32])
{
	char hex[65];

	for (size_t i = 0; i < 32; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	for (size_t i = 0; i < json_array_size(prefixes); i++) {
		const char *prefix = json_string_value(json_array_get(prefixes, i));

		if (strncmp(hex, prefix, strlen(prefix)) == 0)
			return true;
	}
	return false;
}

static uint32_t bin_of(const struct delegation *delegation, const unsigned char hash[static 32])
{
	uint32_t first = (uint32_t)hash[0] << 24 | (uint32_t)hash[1] << 16 |
			 (uint32_t)hash[2] << 8 | hash[3];

	return first >> (BITS_MAX - delegation->bits);
}

static int take_bin(const struct delegation *delegation, uint32_t bin,
		    struct delegation_role *ret_role, struct error *err)
{
	struct text name = {};

	text_add(&name, "%s-%0*x", delegation->prefix, (int)(delegation->bits + 3) / 4,
		 (unsigned int)bin);
	ret_role->name = text_take(&name);
	if (!ret_role->name)
		return error_code(err, -ENOMEM, "naming a role");
	ret_role->terminating = true;
	ret_role->json = delegation->succinct;
	return 0;
}

/* All roles at once: exactly one of them speaks for a path, and nobody else after it. */
static int next_bin(const struct delegation *delegation, size_t *at,
		    const struct delegation_path *path, struct delegation_role *ret_role,
		    struct error *err)
{
	if ((*at)++ > 0)
		return DELEGATION_END;
	return take_bin(delegation, bin_of(delegation, path->hash), ret_role, err);
}

static int take_role(const json_t *role, struct delegation_role *ret_role, struct error *err)
{
	ret_role->name = strdup(json_string_value(json_object_get(role, "name")));
	if (!ret_role->name)
		return error_code(err, -ENOMEM, "naming a role");
	ret_role->terminating = json_is_true(json_object_get(role, "terminating"));
	ret_role->json = role;
	return 0;
}

static bool is_for(const json_t *role, const struct delegation_path *path)
{
	return matches_pattern(json_object_get(role, "paths"), path->path) ||
	       matches_prefix(json_object_get(role, "path_hash_prefixes"), path->hash);
}

int delegation_next(const struct delegation *delegation, size_t *at,
		    const struct delegation_path *path, struct delegation_role *ret_role,
		    struct error *err)
{
	if (delegation->succinct)
		return next_bin(delegation, at, path, ret_role, err);
	while (*at < json_array_size(delegation->roles)) {
		const json_t *role = json_array_get(delegation->roles, (*at)++);

		if (is_for(role, path))
			return take_role(role, ret_role, err);
	}
	return DELEGATION_END;
}

int delegation_next_of_all(const struct delegation *delegation, size_t *at,
			   struct delegation_role *ret_role, struct error *err)
{
	size_t i = (*at)++;

	if (delegation->succinct)
		return i >> delegation->bits == 0 ?
			       take_bin(delegation, (uint32_t)i, ret_role, err) :
			       DELEGATION_END;
	return i < json_array_size(delegation->roles) ?
		       take_role(json_array_get(delegation->roles, i), ret_role, err) :
		       DELEGATION_END;
}

int delegation_may_speak(const struct delegation *delegation, const struct delegation_role *role,
			 const char *path, bool *ret_may, struct error *err)
{
	struct delegation_role bin = {};
	struct delegation_path whole;
	int r = delegation_path_init(&whole, path, err);

	if (r >= 0 && delegation->succinct)
		r = take_bin(delegation, bin_of(delegation, whole.hash), &bin, err);
	if (r < 0)
		return r;
	*ret_may = delegation->succinct ? strcmp(bin.name, role->name) == 0 :
					  is_for(role->json, &whole);
	delegation_role_done(&bin);
	return 0;
}

bool delegation_may_begin(const struct delegation *delegation, const struct delegation_role *role,
			  const char *prefix, size_t size)
{
	const json_t *patterns = json_object_get(role->json, "paths");

	if (delegation->succinct || json_object_get(role->json, "path_hash_prefixes"))
		return true;
	for (size_t i = 0; i < json_array_size(patterns); i++) {
		const char *pattern = json_string_value(json_array_get(patterns, i));
		size_t plain = strcspn(pattern, "*?[\\");

		if (strncmp(pattern, prefix, plain < size ? plain : size) == 0)
			return true;
	}
	return false;
}

int delegation_signers(const struct delegation *delegation, const struct delegation_role *role,
		       struct signers **ret_signers, struct error *err)
{
	int r = signers_read(delegation->keys, role->json, ret_signers, err);

	if (r < 0)
		return r;
	(*ret_signers)->hint = ": who delegates to it lists other keys, or it was changed since";
	return 0;
}

void delegation_role_done(struct delegation_role *role)
{
	free(role->name);
	*role = (struct delegation_role){};
}
