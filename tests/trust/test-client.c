#include "trust/client.h"

#include "base/clock.h"
#include "trust/jread.h"

#include "sign.h"

/* ---- a server and a store in memory, and who drives the client between them ---- */

#define FILES_MAX 16

struct folder {
	struct {
		char *name;
		char *text;
	} files[FILES_MAX];
};

static char **find(struct folder *folder, const char *name, bool make)
{
	for (size_t i = 0; i < FILES_MAX; i++) {
		if (folder->files[i].name && strcmp(folder->files[i].name, name) == 0)
			return &folder->files[i].text;
		if (!folder->files[i].name && make) {
			folder->files[i].name = strdup(name);
			return &folder->files[i].text;
		}
	}
	return NULL;
}

static const char *get(struct folder *folder, const char *name)
{
	char **text = find(folder, name, false);

	return text ? *text : NULL;
}

static void put_consume(struct folder *folder, const char *name, char *text)
{
	char **place = find(folder, name, true);

	assert_non_null(place);
	free(*place);
	*place = text;
}

static void empty(struct folder *folder)
{
	for (size_t i = 0; i < FILES_MAX; i++) {
		free(folder->files[i].name);
		free(folder->files[i].text);
	}
	*folder = (struct folder){};
}

struct world {
	struct folder server;
	struct folder store;
	char log[600]; /* what was done: "F2.root.json " fetched, L loaded, S saved, R removed */
};

static void say(struct world *world, char what, const char *name)
{
	size_t used = strlen(world->log);

	assert_true(used + strlen(name) + 3 < sizeof(world->log));
	(void)snprintf(world->log + used, sizeof(world->log) - used, "%c%s ", what, name);
}

static int answer(struct world *world, struct client *client, const struct client_step *step,
		  struct error *err)
{
	struct folder *folder = step->action == CLIENT_FETCH ? &world->server : &world->store;
	const char *text = get(folder, step->name);

	say(world, " FLSR"[step->action], step -> name);
	switch (step->action) {
	case CLIENT_FETCH:
	case CLIENT_LOAD:
		if (!text)
			return client_lacks(client, err);
		return client_give_consume(client, strdup(text), strlen(text), err);
	case CLIENT_SAVE:
		put_consume(folder, step->name, strndup(step->data, step->size));
		return client_did(client, err);
	default:
		if (text)
			put_consume(folder, step->name, NULL);
		return client_did(client, err);
	}
}

/* Answers at most `most` times. > 0: not ready yet. */
static int drive(struct world *world, struct client *client, int most, struct error *err)
{
	struct client_step step;

	for (client_next(client, &step); step.action != CLIENT_READY; client_next(client, &step)) {
		int r = most-- == 0 ? 1 : answer(world, client, &step, err);

		if (r != 0)
			return r;
	}
	return 0;
}

static struct client *start(struct world *world)
{
	const struct trusted_options options = { .reference = SIGN_NOW * USEC_PER_SEC };
	const char *root = get(&world->store, "root.json");
	struct client *client;

	world->log[0] = '\0';
	assert_int_equal(client_new(&options, root, strlen(root), &client, NULL), 0);
	return client;
}

static int refresh(struct world *world, struct error *err)
{
	_cleanup_(client_freep) struct client *client = start(world);

	return drive(world, client, INT32_MAX, err);
}

static uint64_t stored_version(struct world *world, const char *name)
{
	const char *text = get(&world->store, name);
	const char *at = text ? strstr(text, "\"version\":") : NULL;
	json_t *json = text ? json_loads(text, 0, NULL) : NULL;
	json_int_t version;

	if (!json || !at)
		return 0;
	version = json_integer_value(json_object_get(json_object_get(json, "signed"), "version"));
	json_decref(json);
	return (uint64_t)version;
}

static json_t *meta(int targets, int role)
{
	return json_pack("{s{si}s{si}}", "targets.json", "version", targets, "role.json", "version",
			 role);
}

static json_t *delegations(void)
{
	return json_pack("{sos[{sss[s]sis[s]}]}", "keys", sign_keys(5), "roles", "name", "role",
			 "keyids", "k5", "threshold", 1, "paths", "r/*");
}

static json_t *file(void)
{
	return json_pack("{sis{ss}}", "length", 0, "hashes", "sha256",
			 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* All in version 1; "file" is the top role's, "r/file" the delegated one's. */
static void make(struct world *world)
{
	*world = (struct world){};
	put_consume(&world->store, "root.json", sign_consume(sign_root_body(1), "1"));
	put_consume(&world->server, "timestamp.json", sign_consume(sign_timestamp_body(1, 1), "2"));
	put_consume(&world->server, "1.snapshot.json",
		    sign_consume(sign_snapshot_body(1, meta(1, 1)), "3"));
	put_consume(
		&world->server, "1.targets.json",
		sign_consume(sign_targets_body(1, json_pack("{so}", "file", file()), delegations()),
			     "4"));
	put_consume(&world->server, "1.role.json",
		    sign_consume(sign_targets_body(1, json_pack("{so}", "r/file", file()), NULL),
				 "5"));
}

static void done(struct world *world)
{
	empty(&world->server);
	empty(&world->store);
}

/* Version 2 of all but the roots. */
static void publish(struct world *world)
{
	put_consume(&world->server, "timestamp.json", sign_consume(sign_timestamp_body(2, 2), "2"));
	put_consume(&world->server, "2.snapshot.json",
		    sign_consume(sign_snapshot_body(2, meta(2, 1)), "3"));
	put_consume(&world->server, "2.targets.json",
		    sign_consume(sign_targets_body(2, json_object(), delegations()), "4"));
}

/* ---- tests ---- */

#define FIRST                                                                          \
	"F2.root.json Ltimestamp.json Lsnapshot.json Ftimestamp.json Stimestamp.json " \
	"F1.snapshot.json Ssnapshot.json Ltargets.json F1.targets.json Stargets.json "

static void steps_are_those_of_the_specification(void **state)
{
	struct world world;

	make(&world);
	assert_int_equal(refresh(&world, NULL), 0);
	assert_string_equal(world.log, FIRST);
	assert_int_equal(refresh(&world, NULL), 0);
	assert_string_equal(world.log,
			    "F2.root.json Ltimestamp.json Lsnapshot.json Ftimestamp.json "
			    "Ltargets.json ");
	publish(&world);
	assert_int_equal(refresh(&world, NULL), 0);
	assert_string_equal(world.log,
			    "F2.root.json Ltimestamp.json Lsnapshot.json Ftimestamp.json "
			    "Stimestamp.json F2.snapshot.json Ssnapshot.json Ltargets.json "
			    "F2.targets.json Stargets.json ");
	done(&world);
}

static void roots_are_stored_one_by_one_and_rotation_forgets(void **state)
{
	struct world world;
	json_t *body = sign_root_body(3);

	make(&world);
	assert_int_equal(refresh(&world, NULL), 0);
	put_consume(&world.server, "2.root.json", sign_consume(sign_root_body(2), "1"));
	json_object_set_new(json_object_get(body, "roles"), "snapshot", sign_role("6", 1));
	put_consume(&world.server, "3.root.json", sign_consume(body, "1"));
	put_consume(&world.server, "1.snapshot.json",
		    sign_consume(sign_snapshot_body(1, meta(1, 1)), "6"));
	assert_int_equal(refresh(&world, NULL), 0);
	assert_string_equal(world.log,
			    "F2.root.json Sroot.json F3.root.json Sroot.json F4.root.json "
			    "Rtimestamp.json Rsnapshot.json Ltimestamp.json Lsnapshot.json "
			    "Ftimestamp.json Stimestamp.json F1.snapshot.json Ssnapshot.json "
			    "Ltargets.json ");
	done(&world);
}

static void limits_are_told_with_each_step(void **state)
{
	static const struct {
		const char *name;
		size_t max;
	} limits[] = { { "2.root.json", CLIENT_ROOT_MAX },
		       { "timestamp.json", CLIENT_TIMESTAMP_MAX },
		       { "1.snapshot.json", CLIENT_SNAPSHOT_MAX },
		       { "1.targets.json", CLIENT_TARGETS_MAX } };
	struct world world;
	struct client *client;
	struct client_step step;
	size_t n = 0;

	make(&world);
	client = start(&world);
	for (client_next(client, &step); step.action != CLIENT_READY; client_next(client, &step)) {
		if (step.action == CLIENT_FETCH) {
			assert_string_equal(step.name, limits[n].name);
			assert_int_equal(step.max, limits[n].max);
			assert_int_equal(step.may_lack, n == 0);
			n++;
		}
		assert_int_equal(answer(&world, client, &step, NULL), 0);
	}
	assert_int_equal(n, ARRAY_SIZE(limits));
	client_free(client);
	client_free(NULL);
	done(&world);
}

static void more_than_the_limit_is_refused(void **state)
{
	struct world world;
	struct client *client;
	struct error err = {};

	make(&world);
	client = start(&world);
	check_error(client_give_consume(client, calloc(1, CLIENT_ROOT_MAX + 1), CLIENT_ROOT_MAX + 1,
					&err),
		    &err, FAULT_UNTRUSTED, "root (2.root.json): it has more than 524288 bytes");
	client_free(client);
	done(&world);
}

static void messages_name_role_file_and_reason(void **state)
{
	static const struct {
		const char *file;
		const char *text;
		enum fault fault;
		const char *says;
	} cases[] = {
		{ "2.root.json", "{", FAULT_CORRUPT, "root (2.root.json): no JSON" },
		{ "timestamp.json", NULL, FAULT_NETWORK,
		  "timestamp (timestamp.json): it is not on" },
		{ "timestamp.json", "[]", FAULT_CORRUPT, "timestamp (timestamp.json): " },
		{ "timestamp.json", "\r\n<!DOCTYPE html><html>", FAULT_CORRUPT,
		  "timestamp (timestamp.json): no JSON, but a web page" },
		{ "timestamp.json", "\x1f\x8b\x08", FAULT_CORRUPT,
		  "timestamp (timestamp.json): no JSON, but compressed" },
		{ "1.snapshot.json", "{\"signed\":{},\"signatures\":[]}", FAULT_UNTRUSTED,
		  "snapshot (1.snapshot.json): signed by 0 of the 1 different keys" },
		{ "1.targets.json", NULL, FAULT_NETWORK, "targets (1.targets.json): it is not on" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct world world;
		struct error err = {};

		make(&world);
		put_consume(&world.server, cases[i].file,
			    cases[i].text ? strdup(cases[i].text) : NULL);
		check_error(refresh(&world, &err), &err, cases[i].fault, cases[i].says);
		done(&world);
	}
}

static void a_root_that_is_not_one_begins_nothing(void **state)
{
	const struct trusted_options options = {};
	struct client *client = NULL;
	struct error err = {};

	check_error(client_new(&options, "{}", 2, &client, &err), &err, FAULT_CORRUPT,
		    "root (root.json, the trusted one): ");
	assert_null(client);
}

static void targets_are_searched_again_and_again(void **state)
{
	struct world world;
	struct client *client;

	make(&world);
	client = start(&world);
	assert_int_equal(drive(&world, client, INT32_MAX, NULL), 0);
	assert_null(client_found(client));
	for (int round = 0; round < 2; round++) {
		world.log[0] = '\0';
		assert_int_equal(client_search(client, "file", NULL), 0);
		assert_int_equal(drive(&world, client, INT32_MAX, NULL), 0);
		assert_string_equal(world.log, "");
		assert_string_equal(client_found(client)->role, "targets");
		assert_string_equal(client_found(client)->path, "file");
		assert_int_equal(client_search(client, "r/file", NULL), 0);
		assert_int_equal(drive(&world, client, INT32_MAX, NULL), 0);
		assert_string_equal(world.log,
				    round ? "Lrole.json " : "Lrole.json F1.role.json Srole.json ");
		assert_string_equal(client_found(client)->role, "role");
		assert_string_equal(
			client_found(client)->file,
			"r/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
			".file");
		assert_int_equal(client_search(client, "r/none", NULL), 0);
		assert_int_equal(drive(&world, client, INT32_MAX, NULL), 0);
		assert_null(client_found(client));
	}
	assert_int_equal(client_version(client, ROOT_ROLE_TARGETS, NULL), 1);
	assert_int_equal(client_version(client, ROOT_ROLE_SNAPSHOT, NULL), 1);
	assert_string_equal(client_notes(client), "");
	client_free(client);
	done(&world);
}

static void a_search_that_fails_harms_no_other(void **state)
{
	struct world world;
	struct client *client;
	struct error err = {};

	make(&world);
	put_consume(&world.server, "1.role.json", strdup("{}"));
	client = start(&world);
	assert_int_equal(drive(&world, client, INT32_MAX, NULL), 0);
	assert_int_equal(client_search(client, "r/file", NULL), 0);
	check_error(drive(&world, client, INT32_MAX, &err), &err, FAULT_CORRUPT,
		    "role (1.role.json): ");
	assert_null(client_found(client));
	assert_int_equal(client_search(client, "file", NULL), 0);
	assert_int_equal(drive(&world, client, INT32_MAX, NULL), 0);
	assert_non_null(client_found(client));
	client_free(client);
	done(&world);
}

/* Stopped after any number of steps, the next refresh ends with the latest of everything. */
static void it_can_be_stopped_after_any_step(void **state)
{
	bool ready = false;

	for (int most = 0; !ready; most++) {
		struct world world;
		struct client *client;
		json_t *body = sign_root_body(3);

		make(&world);
		assert_int_equal(refresh(&world, NULL), 0);
		publish(&world);
		put_consume(&world.server, "2.root.json", sign_consume(sign_root_body(2), "1"));
		json_object_set_new(json_object_get(body, "roles"), "snapshot", sign_role("6", 1));
		put_consume(&world.server, "3.root.json", sign_consume(body, "1"));
		/* after a fast-forward attack: the snapshot's version falls with its new key */
		put_consume(&world.store, "timestamp.json",
			    sign_consume(sign_timestamp_body(1, 1000), "2"));
		put_consume(&world.store, "snapshot.json",
			    sign_consume(sign_snapshot_body(1000, meta(1000, 1000)), "3"));
		put_consume(&world.server, "2.snapshot.json",
			    sign_consume(sign_snapshot_body(2, meta(2, 1)), "6"));
		client = start(&world);
		ready = drive(&world, client, most, NULL) == 0;
		client_free(client);
		assert_int_equal(refresh(&world, NULL), 0);
		assert_int_equal(stored_version(&world, "root.json"), 3);
		assert_int_equal(stored_version(&world, "timestamp.json"), 2);
		assert_int_equal(stored_version(&world, "snapshot.json"), 2);
		assert_int_equal(stored_version(&world, "targets.json"), 2);
		done(&world);
	}
}

/* Whatever happened to the files of the store but the root: they are fetched again. */
static void what_rots_in_the_store_is_fetched_again(void **state)
{
	static const char *const names[] = { "timestamp.json", "snapshot.json", "targets.json" };

	for (int round = 0; round < 300; round++) {
		const char *name = names[check_below(ARRAY_SIZE(names))];
		struct world world;
		char **text;

		make(&world);
		assert_int_equal(refresh(&world, NULL), 0);
		text = find(&world.store, name, false);
		if (check_below(3) == 0)
			(*text)[check_below(strlen(*text))] = '\0';
		else
			(*text)[check_below(strlen(*text))] ^= (char)(1 << check_below(7));
		assert_int_equal(refresh(&world, NULL), 0);
		assert_int_equal(stored_version(&world, "timestamp.json"), 1);
		assert_int_equal(stored_version(&world, "snapshot.json"), 1);
		assert_int_equal(stored_version(&world, "targets.json"), 1);
		done(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_are_those_of_the_specification),
		cmocka_unit_test(roots_are_stored_one_by_one_and_rotation_forgets),
		cmocka_unit_test(limits_are_told_with_each_step),
		cmocka_unit_test(more_than_the_limit_is_refused),
		cmocka_unit_test(messages_name_role_file_and_reason),
		cmocka_unit_test(a_root_that_is_not_one_begins_nothing),
		cmocka_unit_test(targets_are_searched_again_and_again),
		cmocka_unit_test(a_search_that_fails_harms_no_other),
		cmocka_unit_test(it_can_be_stopped_after_any_step),
		cmocka_unit_test(what_rots_in_the_store_is_fetched_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
