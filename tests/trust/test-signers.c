#include "trust/signers.h"

#include "trust/jread.h"

#include "sign.h"

static int read_text(const char *keys, const char *role, struct signers **ret_signers,
		     struct error *err)
{
	_cleanup_(jread_freep) json_t *keys_json = NULL;
	_cleanup_(jread_freep) json_t *role_json = NULL;

	assert_int_equal(jread_parse(keys, strlen(keys), &keys_json, NULL), 0);
	assert_int_equal(jread_parse(role, strlen(role), &role_json, NULL), 0);
	return signers_read(keys_json, role_json, ret_signers, err);
}

static struct signers *read_digits(const char *digits, int threshold)
{
	_cleanup_(jread_freep) json_t *keys = sign_keys(9);
	_cleanup_(jread_freep) json_t *role = sign_role(digits, threshold);
	struct signers *signers;

	assert_int_equal(signers_read(keys, role, &signers, NULL), 0);
	return signers;
}

static void keys_are_found_by_their_ids(void **state)
{
	_cleanup_(signers_freep) struct signers *signers = read_digits("13", 2);

	assert_int_equal(signers->n, 2);
	assert_int_equal(signers->threshold, 2);
	assert_string_equal(signers->list[0].keyid, "k1");
	assert_string_equal(signers->list[1].keyid, "k3");
	assert_non_null(signers->list[1].key);
	signers_free(NULL);
}

static void ids_without_a_usable_key_stay_without(void **state)
{
	_cleanup_(signers_freep) struct signers *signers = NULL;

	assert_int_equal(read_text("{\"a\":{\"keytype\":\"new\",\"scheme\":\"new\",\"keyval\":{}}}",
				   "{\"keyids\":[\"a\",\"b\"],\"threshold\":1}", &signers, NULL),
			 0);
	assert_int_equal(signers->n, 2);
	assert_null(signers->list[0].key);
	assert_null(signers->list[1].key);
}

static void wrong_forms_are_corrupt(void **state)
{
	static const char *const wrong[] = {
		"{}",
		"{\"keyids\":[]}",
		"{\"threshold\":1}",
		"{\"keyids\":{},\"threshold\":1}",
		"{\"keyids\":[1],\"threshold\":1}",
		"{\"keyids\":[],\"threshold\":0}",
		"{\"keyids\":[],\"threshold\":-1}",
		"{\"keyids\":[],\"threshold\":1.0}",
		"{\"keyids\":[],\"threshold\":\"1\"}",
		"{\"keyids\":[\"bad\"],\"threshold\":1}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct signers *signers = NULL;
		struct error err = {};

		check_error(read_text("{\"bad\":{}}", wrong[i], &signers, &err), &err,
			    FAULT_CORRUPT, "");
		assert_null(signers);
	}
}

static void nobody_has_that_many_keys(void **state)
{
	_cleanup_(jread_freep) json_t *keys = json_object();
	_cleanup_(jread_freep) json_t *role = sign_role("", 1);
	json_t *keyids = json_object_get(role, "keyids");
	struct signers *signers = NULL;
	struct error err = {};

	for (int i = 0; i < SIGNERS_MAX; i++)
		json_array_append_new(keyids, json_string("x"));
	assert_int_equal(signers_read(keys, role, &signers, NULL), 0);
	signers_free(signers);
	json_array_append_new(keyids, json_string("x"));
	check_error(signers_read(keys, role, &signers, &err), &err, FAULT_CORRUPT, "more than");
}

static void a_key_is_lost_when_no_id_leads_to_it(void **state)
{
	static const struct {
		const char *before;
		const char *after;
		bool lost;
	} cases[] = {
		{ "12", "12", false }, { "12", "21", false }, { "12", "123", false },
		{ "12", "1", true },   { "12", "13", true },  { "12", "", true },
		{ "", "1", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(signers_freep) struct signers *before = read_digits(cases[i].before, 1);
		_cleanup_(signers_freep) struct signers *after = read_digits(cases[i].after, 1);

		assert_int_equal(signers_lost_one(before, after), cases[i].lost);
	}
}

static void another_id_for_the_same_key_loses_nothing(void **state)
{
	_cleanup_(signers_freep) struct signers *before = read_digits("1", 1);
	_cleanup_(signers_freep) struct signers *after = NULL;
	_cleanup_(jread_freep) json_t *keys = json_pack("{so}", "other", sign_public(1));
	_cleanup_(jread_freep)
		json_t *role = json_pack("{s[s]si}", "keyids", "other", "threshold", 1);

	assert_int_equal(signers_read(keys, role, &after, NULL), 0);
	assert_false(signers_lost_one(before, after));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_found_by_their_ids),
		cmocka_unit_test(ids_without_a_usable_key_stay_without),
		cmocka_unit_test(wrong_forms_are_corrupt),
		cmocka_unit_test(nobody_has_that_many_keys),
		cmocka_unit_test(a_key_is_lost_when_no_id_leads_to_it),
		cmocka_unit_test(another_id_for_the_same_key_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
