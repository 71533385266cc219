#include "publish/bodies.h"

#include "kit.h"

static json_t *public_key(char ret_id[static DIGEST_HEX_MAX])
{
	EVP_PKEY *pkey = NULL;
	json_t *key = NULL;

	kit_good(secret_new(SECRET_ED25519, &pkey, err));
	kit_good(public_of(pkey, &key, err));
	kit_good(public_id(key, ret_id, err));
	EVP_PKEY_free(pkey);
	return key;
}

static void test_keys_of_roles(void **state)
{
	_cleanup_(jread_freep) json_t *root = bodies_root(KIT_NOW);
	char id[DIGEST_HEX_MAX];
	_cleanup_(jread_freep) json_t *key = public_key(id);
	struct error err_ = {};

	check_error(bodies_check_root(root, &err_), &err_, FAULT_CONFIG, "nobody");
	for (enum root_role role = 0; role < ROOT_ROLE_MAX; role++)
		kit_good(bodies_add_key(root, role, key, err));
	kit_good(bodies_check_root(root, err));
	check_error(bodies_add_key(root, ROOT_ROLE_ROOT, key, &err_), &err_, FAULT_CONFIG,
		    "already");
	kit_good(bodies_set_threshold(root, ROOT_ROLE_ROOT, 2, err));
	check_error(bodies_check_root(root, &err_), &err_, FAULT_CONFIG, "root");
	for (enum root_role role = 0; role < ROOT_ROLE_MAX; role++) {
		assert_int_equal(json_object_size(json_object_get(root, "keys")), 1);
		id[8] = '\0';
		kit_good(bodies_remove_key(root, role, id, err));
	}
	assert_int_equal(json_object_size(json_object_get(root, "keys")), 0);
	check_error(bodies_remove_key(root, ROOT_ROLE_ROOT, id, &err_), &err_, FAULT_CONFIG,
		    "no key");
}

static void test_a_cut_id_must_mean_one(void **state)
{
	_cleanup_(jread_freep) json_t *root = bodies_root(KIT_NOW);
	char id[DIGEST_HEX_MAX];
	_cleanup_(jread_freep) json_t *a = public_key(id);
	_cleanup_(jread_freep) json_t *b = public_key(id);
	struct error err_ = {};

	kit_good(bodies_add_key(root, ROOT_ROLE_ROOT, a, err));
	kit_good(bodies_add_key(root, ROOT_ROLE_ROOT, b, err));
	check_error(bodies_remove_key(root, ROOT_ROLE_ROOT, "", &err_), &err_, FAULT_CONFIG,
		    "more than one");
}

static void test_next(void **state)
{
	_cleanup_(jread_freep) json_t *body = bodies_targets(KIT_NOW);
	_cleanup_(jread_freep) json_t *next = NULL;

	kit_good(bodies_set_target(body, "a/b/c.json", "x", 1, err));
	next = bodies_next(body, KIT_NOW + KIT_DAY);
	assert_int_equal(json_integer_value(json_object_get(next, "version")), 2);
	assert_string_equal(json_string_value(json_object_get(next, "expires")),
			    "2027-01-16T08:00:00Z");
	assert_true(json_equal(json_object_get(body, "targets"), json_object_get(next, "targets")));
	assert_int_equal(json_integer_value(json_object_get(body, "version")), 1);
}

static void test_meta(void **state)
{
	_cleanup_(jread_freep) json_t *body = bodies_snapshot(KIT_NOW);

	assert_int_equal(bodies_meta_version(body, "targets.json"), 0);
	kit_good(bodies_set_meta(body, "targets.json", 7, "x", 1, err));
	assert_int_equal(bodies_meta_version(body, "targets.json"), 7);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_keys_of_roles),
		check_in_dir(test_a_cut_id_must_mean_one),
		check_in_dir(test_next),
		check_in_dir(test_meta),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
