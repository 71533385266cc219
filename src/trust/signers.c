#include "trust/signers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "trust/jread.h"

/* The key of that id; NULL if it is not listed or of no use. */
static int find_key(const json_t *keys, const char *keyid, struct key **ret_key, struct error *err)
{
	char shown[JREAD_SHOWN_MAX];
	json_t *object;
	int r;

	*ret_key = NULL;
	if (!json_object_get(keys, keyid))
		return 0;
	r = jread_object(keys, keyid, &object, err);
	if (r < 0)
		return r;
	r = key_read(object, ret_key, err);
	if (r < 0)
		return error_prefix(err, r, "key %s", jread_show(keyid, shown));
	return 0;
}

static int add_one(struct signers *signers, const json_t *keys, const json_t *keyid,
		   struct error *err)
{
	struct signers_one *one = &signers->list[signers->n];
	int r;

	if (!json_is_string(keyid))
		return error_set(err, FAULT_CORRUPT, "a key id is not a string");
	r = find_key(keys, json_string_value(keyid), &one->key, err);
	if (r < 0)
		return r;
	signers->n++;
	one->keyid = strdup(json_string_value(keyid));
	if (!one->keyid)
		return error_code(err, -ENOMEM, "reading keys");
	return 0;
}

int signers_read(const json_t *keys, const json_t *role, struct signers **ret_signers,
		 struct error *err)
{
	_cleanup_(signers_freep) struct signers *signers = NULL;
	json_t *keyids;
	int r = jread_array(role, "keyids", &keyids, err);

	if (r < 0)
		return r;
	if (json_array_size(keyids) > SIGNERS_MAX)
		return error_set(err, FAULT_CORRUPT, "more than %d key ids", SIGNERS_MAX);
	signers = calloc(1, sizeof(*signers) + json_array_size(keyids) * sizeof(signers->list[0]));
	if (!signers)
		return error_code(err, -ENOMEM, "reading keys");
	r = jread_integer(role, "threshold", 1, &signers->threshold, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < json_array_size(keyids); i++) {
		r = add_one(signers, keys, json_array_get(keyids, i), err);
		if (r < 0)
			return r;
	}
	*ret_signers = TAKE_PTR(signers);
	return 0;
}

void signers_free(struct signers *signers)
{
	for (size_t i = 0; signers && i < signers->n; i++) {
		free(signers->list[i].keyid);
		key_free(signers->list[i].key);
	}
	free(signers);
}

static bool has_key(const struct signers *signers, const struct key *key)
{
	for (size_t i = 0; i < signers->n; i++)
		if (signers->list[i].key && key_equal(signers->list[i].key, key))
			return true;
	return false;
}

bool signers_lost_one(const struct signers *before, const struct signers *after)
{
	for (size_t i = 0; i < before->n; i++)
		if (before->list[i].key && !has_key(after, before->list[i].key))
			return true;
	return false;
}
