/* Choosing a target, in a repository that is all in memory: no delegated role has to be fetched. */
#include "deploy/pick.h"

#include "base/clock.h"
#include "trust/jread.h"

#include "../trust/sign.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct client *client;

/* What the client asks for, of a repository in its first version. */
static char *make(const char *name, const json_t *files)
{
	if (strcmp(name, "timestamp.json") == 0)
		return sign_consume(sign_timestamp_body(1, 1), "2");
	if (strcmp(name, "1.snapshot.json") == 0)
		return sign_consume(
			sign_snapshot_body(1, json_pack("{s{si}}", "targets.json", "version", 1)),
			"3");
	if (strcmp(name, "1.targets.json") == 0)
		return sign_consume(sign_targets_body(1, json_deep_copy(files), NULL), "4");
	return NULL;
}

static void give(const struct client_step *step, const json_t *files)
{
	char *text = step->action == CLIENT_FETCH ? make(step->name, files) : NULL;

	if (step->action == CLIENT_SAVE || step->action == CLIENT_REMOVE)
		assert_int_equal(client_did(client, NULL), 0);
	else if (text)
		assert_int_equal(client_give_consume(client, text, strlen(text), NULL), 0);
	else
		assert_int_equal(client_lacks(client, NULL), 0);
}

/* The targets by their paths, a blank between; the n-th has the length n and a hash that begins with n. */
static void open_repository(const char *paths)
{
	const struct trusted_options options = { .reference = SIGN_NOW * USEC_PER_SEC };
	_cleanup_(jread_freep) json_t *files = json_object();
	_cleanup_free_ char *root = sign_consume(sign_root_body(1), "1");
	char words[512], *save;
	struct client_step step;
	int n = 0;

	(void)snprintf(words, sizeof(words), "%s", paths);
	for (char *word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		char hex[] = HEX;

		hex[0] = (char)('0' + ++n);
		json_object_set_new(files, word,
				    json_pack("{sis{ss}}", "length", n, "hashes", "sha256", hex));
	}
	client_free(client);
	assert_int_equal(client_new(&options, root, strlen(root), &client, NULL), 0);
	for (client_next(client, &step); step.action != CLIENT_READY; client_next(client, &step))
		give(&step, files);
}

static struct pick_wish wish;

static int pick(struct plain **ret_plain, struct error *err)
{
	const struct refresh refresh = {}; /* never asked */

	return pick_plain(&refresh, client, &wish, ret_plain, err);
}

static int setup(void **state)
{
	wish = (struct pick_wish){ .pattern = "a-*-{arch}.tar", .machine = "m", .version = "" };
	return 0;
}

static int teardown(void **state)
{
	client_free(TAKE_PTR(client));
	return 0;
}

static void check_pick(const char *path, const char *version)
{
	_cleanup_(plain_freep) struct plain *plain = NULL;
	struct error err = {};
	int r = pick(&plain, &err);

	if (r < 0)
		fail_msg("%s", err.text);
	if (!path) {
		assert_int_equal(r, PICK_NONE);
		assert_null(plain);
		return;
	}
	assert_int_equal(r, 0);
	assert_string_equal(plain->found->path, path);
	assert_string_equal(plain->version, version);
}

static void the_newest_is_picked(void **state)
{
	open_repository("a-1.9-m.tar a-1.10-m.tar a-2-n.tar b-3-m.tar a-v1.2-m.tar");
	check_pick("a-1.10-m.tar", "1.10");
	wish.version = "1.9";
	check_pick("a-1.9-m.tar", "1.9");
	wish.version = "v1.2";
	check_pick("a-v1.2-m.tar", "v1.2");
	wish.version = "1.2"; /* the very text is asked for */
	check_pick(NULL, NULL);
	wish.version = "";
	wish.machine = "n";
	check_pick("a-2-n.tar", "2");
	wish.machine = "o";
	check_pick(NULL, NULL);
}

static void two_alike_are_nobodys_choice(void **state)
{
	struct plain *plain = NULL;
	struct error err = {};

	open_repository("a-1-m.tar a-2.0-m.tar a-2.00-m.tar");
	check_error(pick(&plain, &err), &err, FAULT_CORRUPT,
		    "\"a-2.0-m.tar\" and \"a-2.00-m.tar\" match");
	assert_null(plain);
	wish.version = "2.00";
	check_pick("a-2.00-m.tar", "2.00");
	open_repository("a-1.0-m.tar a-1.00-m.tar a-2-m.tar");
	wish.version = "";
	check_pick("a-2-m.tar", "2"); /* alike, and not the newest */
}

static void one_file_by_its_name(void **state)
{
	_cleanup_(plain_freep) struct plain *plain = NULL;

	open_repository("a/latest-m.tar a/latest-n.tar");
	wish.pattern = "a/latest-{arch}.tar";
	check_pick("a/latest-m.tar", "1123456789ab");
	assert_int_equal(pick(&plain, NULL), 0);
	assert_false(plain->ordered);
	wish.machine = "z";
	check_pick(NULL, NULL);
}

static void what_it_is_called(void **state)
{
	_cleanup_(plain_freep) struct plain *plain = NULL;
	_cleanup_(plain_freep) struct plain *stripped = NULL;
	char hex[DIGEST_HEX_MAX];

	open_repository("a-1-m.tar");
	assert_int_equal(pick(&plain, NULL), 0);
	assert_true(plain->ordered);
	assert_int_equal(digest_to_hex(&plain->promised, hex)[0], '1');
	assert_memory_equal(hex + 1, &HEX[1], 63);
	wish.strip_components = 1;
	assert_int_equal(pick(&stripped, NULL), 0);
	assert_false(digest_equal(&plain->promised, &stripped->promised));
}

#define pick_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		pick_test(the_newest_is_picked),
		pick_test(two_alike_are_nobodys_choice),
		pick_test(one_file_by_its_name),
		pick_test(what_it_is_called),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
