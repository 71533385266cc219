#include "trust/root.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "trust/envelope.h"
#include "trust/jread.h"

static const char *const names[ROOT_ROLE_MAX] = {
	[ROOT_ROLE_ROOT] = "root",
	[ROOT_ROLE_TIMESTAMP] = "timestamp",
	[ROOT_ROLE_SNAPSHOT] = "snapshot",
	[ROOT_ROLE_TARGETS] = "targets",
};

const char *root_role_name(enum root_role role)
{
	return names[role];
}

bool root_is_role_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static int read_role(const json_t *keys, const json_t *roles, enum root_role role,
		     struct root *root, struct error *err)
{
	json_t *object;
	int r = jread_object(roles, names[role], &object, err);

	if (r < 0)
		return r;
	r = signers_read(keys, object, &root->signers[role], err);
	if (r < 0)
		return error_prefix(err, r, "role %s", names[role]);
	return 0;
}

static int read_roles(const json_t *body, struct root *root, struct error *err)
{
	json_t *roles;
	json_t *keys;
	int r = jread_object(body, "keys", &keys, err);

	if (r < 0)
		return r;
	r = jread_object(body, "roles", &roles, err);
	if (r < 0)
		return r;
	for (enum root_role role = 0; role < ROOT_ROLE_MAX; role++) {
		r = read_role(keys, roles, role, root, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Only of a root that has signed itself: before that, no other root would help. */
static void set_hints(struct root *root)
{
	for (enum root_role role = 0; role < ROOT_ROLE_MAX; role++)
		root->signers[role]->hint = ": is root.json that of this repository?";
}

/* What the envelope holds, which must be signed as it says itself. */
static int interpret(const struct envelope *envelope, struct root **ret_root, struct error *err)
{
	_cleanup_(root_freep) struct root *root = calloc(1, sizeof(*root));
	const json_t *body = envelope_body(envelope);
	int r;

	if (!root)
		return error_code(err, -ENOMEM, "reading root metadata");
	r = metadata_read(body, names[ROOT_ROLE_ROOT], &root->metadata, err);
	if (r < 0)
		return r;
	r = jread_flag(body, "consistent_snapshot", &root->consistent, err);
	if (r < 0)
		return r;
	r = read_roles(body, root, err);
	if (r < 0)
		return r;
	r = envelope_verify(envelope, root->signers[ROOT_ROLE_ROOT], err);
	if (r < 0)
		return error_prefix(err, r, "by its own keys");
	set_hints(root);
	*ret_root = TAKE_PTR(root);
	return 0;
}

int root_load(const void *data, size_t size, struct root **ret_root, struct error *err)
{
	_cleanup_(envelope_freep) struct envelope *envelope = NULL;
	int r = envelope_open(data, size, &envelope, err);

	if (r < 0)
		return r;
	return interpret(envelope, ret_root, err);
}

int root_update(const struct root *trusted, const void *data, size_t size, struct root **ret_root,
		struct error *err)
{
	_cleanup_(envelope_freep) struct envelope *envelope = NULL;
	_cleanup_(root_freep) struct root *root = NULL;
	int r = envelope_open(data, size, &envelope, err);

	if (r < 0)
		return r;
	r = envelope_verify(envelope, trusted->signers[ROOT_ROLE_ROOT], err);
	if (r < 0)
		return error_prefix(err, r, "by the keys of the root before it");
	r = interpret(envelope, &root, err);
	if (r < 0)
		return r;
	r = metadata_check_version(&root->metadata, trusted->metadata.version + 1, err);
	if (r < 0)
		return r;
	*ret_root = TAKE_PTR(root);
	return 0;
}

void root_free(struct root *root)
{
	for (size_t i = 0; root && i < ROOT_ROLE_MAX; i++)
		signers_free(root->signers[i]);
	free(root);
}

bool root_rotated(const struct root *before, const struct root *after)
{
	return signers_lost_one(before->signers[ROOT_ROLE_TIMESTAMP],
				after->signers[ROOT_ROLE_TIMESTAMP]) ||
	       signers_lost_one(before->signers[ROOT_ROLE_SNAPSHOT],
				after->signers[ROOT_ROLE_SNAPSHOT]);
}
