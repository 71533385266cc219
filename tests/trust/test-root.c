#include "trust/root.h"

#include "trust/jread.h"

#include "sign.h"

static int load_consume(char *text, struct root **ret_root, struct error *err)
{
	int r = root_load(text, strlen(text), ret_root, err);

	free(text);
	return r;
}

static int update_consume(const struct root *trusted, char *text, struct root **ret_root,
			  struct error *err)
{
	int r = root_update(trusted, text, strlen(text), ret_root, err);

	free(text);
	return r;
}

static void set_role(json_t *body, const char *role, const char *digits, int threshold)
{
	json_object_set_new(json_object_get(body, "roles"), role, sign_role(digits, threshold));
}

/* Version 1, with these keys for root. */
static struct root *first(const char *digits, int threshold)
{
	json_t *body = sign_root_body(1);
	struct root *root;

	set_role(body, "root", digits, threshold);
	assert_int_equal(load_consume(sign_consume(body, digits), &root, NULL), 0);
	return root;
}

static void a_root_says_who_signs(void **state)
{
	_cleanup_(root_freep) struct root *root = first("1", 1);

	assert_int_equal(root->metadata.version, 1);
	assert_true(root->consistent);
	assert_string_equal(root->signers[ROOT_ROLE_ROOT]->list[0].keyid, "k1");
	assert_string_equal(root->signers[ROOT_ROLE_TIMESTAMP]->list[0].keyid, "k2");
	assert_string_equal(root->signers[ROOT_ROLE_SNAPSHOT]->list[0].keyid, "k3");
	assert_string_equal(root->signers[ROOT_ROLE_TARGETS]->list[0].keyid, "k4");
	root_free(NULL);
}

static void it_must_be_signed_by_itself(void **state)
{
	struct root *root = NULL;
	struct error err = {};

	check_error(load_consume(sign_consume(sign_root_body(1), "2345"), &root, &err), &err,
		    FAULT_UNTRUSTED, "its own keys");
	assert_null(root);
}

static void consistent_snapshots_are_off_unless_said(void **state)
{
	_cleanup_(root_freep) struct root *root = NULL;
	json_t *body = sign_root_body(1);
	struct root *none;

	json_object_del(body, "consistent_snapshot");
	assert_int_equal(load_consume(sign_consume(body, "1"), &root, NULL), 0);
	assert_false(root->consistent);
	body = sign_root_body(1);
	json_object_set_new(body, "consistent_snapshot", json_integer(1));
	assert_true(load_consume(sign_consume(body, "1"), &none, NULL) < 0);
}

static void every_role_must_be_there(void **state)
{
	for (enum root_role role = 0; role < ROOT_ROLE_MAX; role++) {
		json_t *body = sign_root_body(1);
		struct root *root;
		struct error err = {};

		json_object_del(json_object_get(body, "roles"), root_role_name(role));
		check_error(load_consume(sign_consume(body, "1"), &root, &err), &err, FAULT_CORRUPT,
			    root_role_name(role));
	}
}

/* Old keys, new keys, who signs: taken? */
static void old_and_new_keys_must_vouch(void **state)
{
	static const struct {
		const char *old, *new, *signing;
		int old_threshold, new_threshold;
		const char *refusal; /* NULL: taken */
	} cases[] = {
		{ "1", "1", "1", 1, 1, NULL },
		{ "1", "5", "15", 1, 1, NULL },
		{ "1", "5", "5", 1, 1, "root before it" },
		{ "1", "5", "1", 1, 1, "its own keys" },
		{ "156", "178", "1578", 2, 2, NULL },
		{ "156", "178", "178", 2, 2, "root before it" },
		{ "156", "178", "156", 2, 2, "its own keys" },
		{ "15", "15", "1", 1, 2, "its own keys" },
		{ "15", "15", "1", 2, 1, "root before it" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(root_freep) struct root *old =
			first(cases[i].old, cases[i].old_threshold);
		_cleanup_(root_freep) struct root *next = NULL;
		json_t *body = sign_root_body(2);
		struct error err = {};
		int r;

		set_role(body, "root", cases[i].new, cases[i].new_threshold);
		r = update_consume(old, sign_consume(body, cases[i].signing), &next, &err);
		if (cases[i].refusal)
			check_error(r, &err, FAULT_UNTRUSTED, cases[i].refusal);
		else
			assert_int_equal(r, 0);
	}
}

static void the_next_version_is_one_more(void **state)
{
	static const int versions[] = { 1, 3, 1000 };
	_cleanup_(root_freep) struct root *old = first("1", 1);

	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		struct root *next = NULL;
		struct error err = {};

		check_error(update_consume(old, sign_consume(sign_root_body(versions[i]), "1"),
					   &next, &err),
			    &err, versions[i] < 2 ? FAULT_STALE : FAULT_UNTRUSTED,
			    "where 2 is due");
		assert_null(next);
	}
}

/* What is not vouched for is not even read: a wrong form is told only behind good signatures. */
static void signatures_come_first(void **state)
{
	_cleanup_(root_freep) struct root *old = first("1", 1);
	struct root *next;
	struct error err = {};

	check_error(update_consume(old, sign_consume(sign_body("nonsense", 2), "5"), &next, &err),
		    &err, FAULT_UNTRUSTED, "root before it");
	check_error(update_consume(old, sign_consume(sign_body("nonsense", 2), "1"), &next, &err),
		    &err, FAULT_CORRUPT, "nonsense");
}

static void only_lost_keys_of_timestamp_and_snapshot_are_a_rotation(void **state)
{
	static const struct {
		const char *role, *digits;
		bool rotated;
	} cases[] = {
		{ "timestamp", "2", false }, { "timestamp", "26", false },
		{ "timestamp", "6", true },  { "snapshot", "63", false },
		{ "snapshot", "6", true },   { "targets", "6", false },
		{ "root", "16", false },
	};
	_cleanup_(root_freep) struct root *old = first("1", 1);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(root_freep) struct root *next = NULL;
		json_t *body = sign_root_body(2);

		set_role(body, cases[i].role, cases[i].digits, 1);
		assert_int_equal(update_consume(old, sign_consume(body, "1"), &next, NULL), 0);
		assert_int_equal(root_rotated(old, next), cases[i].rotated);
	}
}

static void names_of_roles(void **state)
{
	assert_true(root_is_role_name("root") && root_is_role_name("timestamp"));
	assert_true(root_is_role_name("snapshot") && root_is_role_name("targets"));
	assert_false(root_is_role_name("Root") || root_is_role_name("mirrors") ||
		     root_is_role_name(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_root_says_who_signs),
		cmocka_unit_test(it_must_be_signed_by_itself),
		cmocka_unit_test(consistent_snapshots_are_off_unless_said),
		cmocka_unit_test(every_role_must_be_there),
		cmocka_unit_test(old_and_new_keys_must_vouch),
		cmocka_unit_test(the_next_version_is_one_more),
		cmocka_unit_test(signatures_come_first),
		cmocka_unit_test(only_lost_keys_of_timestamp_and_snapshot_are_a_rotation),
		cmocka_unit_test(names_of_roles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
