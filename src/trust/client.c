#include "trust/client.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "trust/filename.h"
#include "trust/jread.h"
#include "trust/quest.h"

/*
 * What the client waits for; the numbers are those of the specification.
 *
 *     FETCH_ROOT ⇄ SAVE_ROOT                                              5.3.3 - 5.3.9
 *         │ there is no next one, and this one has not expired            5.3.10
 *     REMOVE_TIMESTAMP ─ REMOVE_SNAPSHOT    if keys were rotated          5.3.11
 *         │
 *     LOAD_TIMESTAMP ─ LOAD_SNAPSHOT        what was trusted earlier
 *         │
 *     FETCH_TIMESTAMP ─ SAVE_TIMESTAMP      not saved if it is the same   5.4
 *         │
 *     FETCH_SNAPSHOT ─ SAVE_SNAPSHOT        not if the loaded one is it   5.5
 *         │
 *     LOAD_ROLE ─ FETCH_ROLE ─ SAVE_ROLE    targets, likewise             5.6
 *         │
 *     READY ⇄ LOAD_ROLE ─ FETCH_ROLE ─ SAVE_ROLE    each role of a search 5.6.7
 */
enum phase {
	FETCH_ROOT,
	SAVE_ROOT,
	REMOVE_TIMESTAMP,
	REMOVE_SNAPSHOT,
	LOAD_TIMESTAMP,
	LOAD_SNAPSHOT,
	FETCH_TIMESTAMP,
	SAVE_TIMESTAMP,
	FETCH_SNAPSHOT,
	SAVE_SNAPSHOT,
	LOAD_ROLE,
	FETCH_ROLE,
	SAVE_ROLE,
	READY,
	FAILED,
};

struct client {
	enum phase phase;
	char *role; /* whose file the step is about */
	char *name; /* how it is called */
	size_t max; /* bytes that may be given */
	void *given; /* what is to be judged or saved */
	size_t given_size;

	struct trusted *trusted;
	unsigned int rotations;
	struct metafile promised; /* of the targets role that is being brought */
	struct targets *brought;
	struct targets *targets;
	struct quest *quest; /* under way */
	struct found *found;
	struct listing *listing;
};

void client_free(struct client *client)
{
	if (!client)
		return;
	quest_free(client->quest);
	listing_free(client->listing);
	found_free(client->found);
	targets_free(client->brought);
	targets_free(client->targets);
	trusted_free(client->trusted);
	free(client->given);
	free(client->role);
	free(client->name);
	free(client);
}

/* The step is about this role from now on, and about its file of that version (0: unversioned). */
static int turn_to(struct client *client, enum phase phase, const char *role, uint64_t version,
		   struct error *err)
{
	char *copy = strdup(role);
	char *name;
	int r;

	if (!copy)
		return error_code(err, -ENOMEM, "refreshing metadata");
	free(client->role);
	client->role = copy;
	r = filename_of_role(copy, version, &name, err);
	if (r < 0)
		return r;
	free(client->name);
	client->name = name;
	client->phase = phase;
	return 0;
}

/* The same for a file of which something was promised. */
static int turn_to_fetch(struct client *client, enum phase phase, const char *role,
			 const struct metafile *promised, size_t max, struct error *err)
{
	bool versioned = trusted_root(client->trusted)->consistent;
	int r = turn_to(client, phase, role, versioned ? promised->version : 0, err);

	if (r < 0)
		return r;
	client->max = promised->has_length ? (size_t)promised->length : max;
	if (promised->has_length && promised->length > CLIENT_PROMISED_MAX)
		return error_set(err, FAULT_NO_SPACE,
				 "%" PRIu64 " bytes are listed, at most %d may be",
				 promised->length, CLIENT_PROMISED_MAX);
	return 0;
}

static int turn_to_save(struct client *client, enum phase phase, struct error *err)
{
	_cleanup_free_ char *role = TAKE_PTR(client->role);

	return turn_to(client, phase, role, 0, err);
}

static int fetch_root(struct client *client, struct error *err)
{
	client->max = CLIENT_ROOT_MAX;
	return turn_to(client, FETCH_ROOT, "root",
		       trusted_root(client->trusted)->metadata.version + 1, err);
}

int client_new(const struct trusted_options *options, const void *root, size_t size,
	       struct client **ret_client, struct error *err)
{
	_cleanup_(client_freep) struct client *client = calloc(1, sizeof(*client));
	int r;

	if (!client)
		return error_code(err, -ENOMEM, "refreshing metadata");
	r = trusted_new(options, root, size, &client->trusted, err);
	if (r < 0)
		return error_prefix(err, r, "root (root.json, the trusted one)");
	r = fetch_root(client, err);
	if (r < 0)
		return r;
	*ret_client = TAKE_PTR(client);
	return 0;
}

/* ---- root ---- */

static int take_root(struct client *client, struct error *err)
{
	int r = trusted_take_root(client->trusted, client->given, client->given_size, err);

	if (r < 0)
		return r;
	client->rotations++;
	return turn_to_save(client, SAVE_ROOT, err);
}

static int remove_snapshot(struct client *client, struct error *err)
{
	return turn_to(client, REMOVE_SNAPSHOT, "snapshot", 0, err);
}

static int load_timestamp(struct client *client, struct error *err)
{
	client->max = CLIENT_TIMESTAMP_MAX;
	return turn_to(client, LOAD_TIMESTAMP, "timestamp", 0, err);
}

/* There is no newer root. */
static int end_root(struct client *client, struct error *err)
{
	int r = turn_to(client, client->phase, "root", 0, err);

	if (r < 0)
		return r;
	r = trusted_end_root(client->trusted, err);
	if (r < 0)
		return r;
	if (trusted_is_rotated(client->trusted))
		return turn_to(client, REMOVE_TIMESTAMP, "timestamp", 0, err);
	return load_timestamp(client, err);
}

static int after_root(struct client *client, struct error *err)
{
	if (client->rotations < CLIENT_ROTATIONS_MAX)
		return fetch_root(client, err);
	trusted_note(client->trusted, "root", "there may be newer ones, for the next refresh");
	return end_root(client, err);
}

/* ---- timestamp and snapshot ---- */

static void note_useless(struct client *client, const struct error *why)
{
	struct error text = *why;

	(void)error_prefix(&text, 0, "the stored %s is of no use", client->name);
	trusted_note(client->trusted, client->role, text.text);
}

static int load_snapshot(struct client *client, struct error *err)
{
	client->max = CLIENT_PROMISED_MAX;
	return turn_to(client, LOAD_SNAPSHOT, "snapshot", 0, err);
}

static int fetch_timestamp(struct client *client, struct error *err)
{
	client->max = CLIENT_TIMESTAMP_MAX;
	return turn_to(client, FETCH_TIMESTAMP, "timestamp", 0, err);
}

static int take_loaded_timestamp(struct client *client, struct error *err)
{
	struct error why = {};

	if (trusted_load_timestamp(client->trusted, client->given, client->given_size, &why) < 0)
		note_useless(client, &why);
	return load_snapshot(client, err);
}

static int take_loaded_snapshot(struct client *client, struct error *err)
{
	struct error why = {};

	if (trusted_load_snapshot_consume(client->trusted, TAKE_PTR(client->given),
					  client->given_size, &why) < 0)
		note_useless(client, &why);
	return fetch_timestamp(client, err);
}

static int load_top_role(struct client *client, struct error *err);

static int after_timestamp(struct client *client, struct error *err)
{
	if (trusted_has_latest_snapshot(client->trusted))
		return load_top_role(client, err);
	return turn_to_fetch(client, FETCH_SNAPSHOT, "snapshot",
			     trusted_promised_snapshot(client->trusted), CLIENT_SNAPSHOT_MAX, err);
}

static int take_timestamp(struct client *client, struct error *err)
{
	int r = trusted_take_timestamp(client->trusted, client->given, client->given_size, err);

	if (r < 0)
		return r;
	if (r == TRUSTED_SAME)
		return after_timestamp(client, err);
	return turn_to_save(client, SAVE_TIMESTAMP, err);
}

static int take_snapshot(struct client *client, struct error *err)
{
	int r = trusted_take_snapshot(client->trusted, client->given, client->given_size, err);

	if (r < 0)
		return r;
	return turn_to_save(client, SAVE_SNAPSHOT, err);
}

/* ---- targets, and the roles that a search asks for ---- */

static int load_role(struct client *client, const char *role, struct error *err)
{
	int r = turn_to(client, LOAD_ROLE, role, 0, err);

	if (r < 0)
		return r;
	client->max = CLIENT_PROMISED_MAX;
	return trusted_find(client->trusted, role, &client->promised, err);
}

static int load_top_role(struct client *client, struct error *err)
{
	return load_role(client, "targets", err);
}

static int fetch_role(struct client *client, struct error *err)
{
	_cleanup_free_ char *role = TAKE_PTR(client->role);

	return turn_to_fetch(client, FETCH_ROLE, role, &client->promised, CLIENT_TARGETS_MAX, err);
}

static int go_on(struct client *client, struct error *err)
{
	_cleanup_(quest_freep) struct quest *quest = NULL;
	int r = quest_next(client->quest, err);

	if (r < 0)
		return r;
	if (r == QUEST_NEED)
		return load_role(client, quest_role(client->quest), err);
	client->phase = READY;
	quest = TAKE_PTR(client->quest);
	return quest_take(quest, trusted_root(client->trusted)->consistent, &client->found,
			  &client->listing, err);
}

static int after_role(struct client *client, struct error *err)
{
	if (client->quest) {
		quest_enter_consume(client->quest, TAKE_PTR(client->brought));
		return go_on(client, err);
	}
	client->targets = TAKE_PTR(client->brought);
	client->phase = READY;
	return 0;
}

static int read_role(struct client *client, struct error *err)
{
	const struct signers *signers =
		client->quest ? quest_signers(client->quest) :
				trusted_root(client->trusted)->signers[ROOT_ROLE_TARGETS];

	return trusted_read_targets(client->trusted, client->role, signers, &client->promised,
				    client->given, client->given_size, &client->brought, err);
}

/* Only the very file that is promised now, signed by whom this way trusts, spares the request. */
static int take_loaded_role(struct client *client, struct error *err)
{
	struct error why = {};

	if (read_role(client, &why) == 0)
		return after_role(client, err);
	if (why.fault == FAULT_CORRUPT)
		note_useless(client, &why);
	return fetch_role(client, err);
}

static int take_role(struct client *client, struct error *err)
{
	int r = read_role(client, err);

	if (r < 0)
		return r;
	return turn_to_save(client, SAVE_ROLE, err);
}

/* ---- the steps ---- */

/* Says whose file it was about, and what can still be done with the client. */
int client_fail(struct client *client, int r, struct error *err)
{
	char shown[JREAD_SHOWN_MAX];
	const char *role = client->role ? client->role : "a role";

	free(TAKE_PTR(client->given));
	targets_free(TAKE_PTR(client->brought));
	quest_free(TAKE_PTR(client->quest));
	listing_free(TAKE_PTR(client->listing));
	found_free(TAKE_PTR(client->found));
	client->phase = client->targets ? READY : FAILED;
	return error_prefix(err, r, "%s (%s)", jread_show(role, shown), client->name);
}

static int missing(struct client *client, struct error *err)
{
	return error_set(err, FAULT_NETWORK,
			 "it is not on the server, or not given out (HTTP 404, 403 or 410)");
}

/* What each phase asks for, what follows when it has it (or did it), what if there is none. */
static const struct {
	enum client_action action;
	int (*then)(struct client *client, struct error *err);
	int (*without)(struct client *client, struct error *err);
} phases[] = {
	[FETCH_ROOT] = { CLIENT_FETCH, take_root, end_root },
	[SAVE_ROOT] = { CLIENT_SAVE, after_root },
	[REMOVE_TIMESTAMP] = { CLIENT_REMOVE, remove_snapshot },
	[REMOVE_SNAPSHOT] = { CLIENT_REMOVE, load_timestamp },
	[LOAD_TIMESTAMP] = { CLIENT_LOAD, take_loaded_timestamp, load_snapshot },
	[LOAD_SNAPSHOT] = { CLIENT_LOAD, take_loaded_snapshot, fetch_timestamp },
	[FETCH_TIMESTAMP] = { CLIENT_FETCH, take_timestamp, missing },
	[SAVE_TIMESTAMP] = { CLIENT_SAVE, after_timestamp },
	[FETCH_SNAPSHOT] = { CLIENT_FETCH, take_snapshot, missing },
	[SAVE_SNAPSHOT] = { CLIENT_SAVE, load_top_role },
	[LOAD_ROLE] = { CLIENT_LOAD, take_loaded_role, fetch_role },
	[FETCH_ROLE] = { CLIENT_FETCH, take_role, missing },
	[SAVE_ROLE] = { CLIENT_SAVE, after_role },
	[READY] = { CLIENT_READY },
	[FAILED] = { CLIENT_READY },
};

void client_next(const struct client *client, struct client_step *ret_step)
{
	assert(client->phase != FAILED);
	*ret_step = (struct client_step){
		.action = phases[client->phase].action,
		.name = client->name,
		.max = client->max,
		.may_lack = client->phase == FETCH_ROOT,
		.data = client->given,
		.size = client->given_size,
	};
}

static int judge(struct client *client, struct error *err)
{
	if (client->given_size <= client->max)
		return phases[client->phase].then(client, err);
	if (phases[client->phase].action == CLIENT_LOAD)
		return phases[client->phase].without(client, err);
	return error_set(err, FAULT_UNTRUSTED, "it has more than %zu bytes", client->max);
}

/* What is to be saved stays until client_did. */
int client_give_consume(struct client *client, void *data, size_t size, struct error *err)
{
	int r;

	assert(phases[client->phase].without && !client->given);
	client->given = data;
	client->given_size = size;
	r = judge(client, err);
	if (r < 0)
		return client_fail(client, r, err);
	if (phases[client->phase].action != CLIENT_SAVE)
		free(TAKE_PTR(client->given));
	return 0;
}

int client_lacks(struct client *client, struct error *err)
{
	int r;

	assert(phases[client->phase].without);
	r = phases[client->phase].without(client, err);
	return r < 0 ? client_fail(client, r, err) : 0;
}

int client_did(struct client *client, struct error *err)
{
	int r;

	assert(phases[client->phase].then && !phases[client->phase].without);
	free(TAKE_PTR(client->given));
	r = phases[client->phase].then(client, err);
	return r < 0 ? client_fail(client, r, err) : 0;
}

static int begin(struct client *client, bool listing, const char *what, struct error *err)
{
	int r;

	assert(client->phase == READY);
	r = turn_to(client, READY, "targets", 0, err);
	if (r >= 0)
		r = listing ? quest_new_listing(client->targets, what, &client->quest, err) :
			      quest_new_search(client->targets, what, &client->quest, err);
	if (r >= 0)
		r = go_on(client, err);
	return r < 0 ? client_fail(client, r, err) : 0;
}

int client_search(struct client *client, const char *path, struct error *err)
{
	return begin(client, false, path, err);
}

int client_list(struct client *client, const char *pattern, struct error *err)
{
	return begin(client, true, pattern, err);
}

const struct found *client_found(const struct client *client)
{
	return client->found;
}

const struct listing *client_listed(const struct client *client)
{
	return client->listing;
}

uint64_t client_version(const struct client *client, enum root_role role, uint64_t *ret_expires)
{
	if (role != ROOT_ROLE_TARGETS || !client->targets)
		return trusted_version(client->trusted, role, ret_expires);
	if (ret_expires)
		*ret_expires = client->targets->metadata.expires;
	return client->targets->metadata.version;
}

const char *client_notes(const struct client *client)
{
	return trusted_notes(client->trusted);
}
