#include "deploy/pick.h"

#include <string.h>

#include "trust/jread.h"

#define TRIES_MAX 16 /* names that nobody may speak for, passed over */

/* > 0: PICK_NONE, nobody who may speak for it lists it. */
static int find(const struct pick_wish *wish, const struct refresh *refresh, struct client *client,
		const char *path, const char *version, struct plain **ret_plain, struct error *err)
{
	int r = client_search(client, path, err);

	if (r >= 0)
		r = refresh_run(refresh, client, err);
	if (r < 0)
		return r;
	return client_found(client) ? plain_new(client_found(client), version,
						wish->strip_components, ret_plain, err) :
				      PICK_NONE;
}

static int two_alike(const struct plain *one, const struct plain *other, struct error *err)
{
	char shown[2][JREAD_SHOWN_MAX];

	return error_set(err, FAULT_CORRUPT,
			 "\"%s\" and \"%s\" match, and neither is newer: TargetPattern= must be "
			 "narrower",
			 jread_show(one->found->path, shown[0]),
			 jread_show(other->found->path, shown[1]));
}

/* The first of the names, newest first, that somebody may speak for; no other may be as new. */
static int pick_newest(const struct pick_wish *wish, const struct refresh *refresh,
		       struct client *client, struct plain **ret_plain, struct error *err)
{
	_cleanup_(plain_freep) struct plain *plain = NULL;
	unsigned int tries = 0;
	size_t n;
	const struct listing_name *names = listing_names(client_listed(client), &n);

	for (size_t i = 0; i < n && tries < TRIES_MAX; i++) {
		_cleanup_(plain_freep) struct plain *another = NULL;
		int r;

		if (wish->version[0] && strcmp(names[i].version, wish->version) != 0)
			continue;
		if (plain && target_pattern_compare(names[i].version, plain->version) != 0)
			break;
		tries++;
		r = find(wish, refresh, client, names[i].path, names[i].version, &another, err);
		if (r == 0 && plain)
			r = two_alike(plain, another, err);
		if (r < 0)
			return r;
		if (another)
			plain = TAKE_PTR(another);
	}
	*ret_plain = TAKE_PTR(plain);
	return *ret_plain ? 0 : PICK_NONE;
}

int pick_plain(const struct refresh *refresh, struct client *client, const struct pick_wish *wish,
	       struct plain **ret_plain, struct error *err)
{
	char pattern[TARGET_PATTERN_MAX];
	int r;

	r = target_pattern_expand(wish->pattern, wish->machine, pattern, err);
	if (r < 0)
		return r;
	if (!target_pattern_is_open(pattern))
		return find(wish, refresh, client, pattern, "", ret_plain, err);
	r = client_list(client, pattern, err);
	if (r >= 0)
		r = refresh_run(refresh, client, err);
	return r < 0 ? r : pick_newest(wish, refresh, client, ret_plain, err);
}
