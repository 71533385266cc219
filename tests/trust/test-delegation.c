#include "trust/delegation.h"

#include <openssl/sha.h>

#include "trust/jread.h"

#include "sign.h"

static int read_text(const char *text, struct delegation **ret_delegation, struct error *err)
{
	_cleanup_(jread_freep) json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);

	assert_non_null(json);
	return delegation_read(json, ret_delegation, err);
}

/* The names of all roles that may speak about the path, one after another, "!" behind a terminating one. */
static const char *roles_for(const struct delegation *delegation, const char *path,
			     char ret_names[99])
{
	struct delegation_path asked;
	struct delegation_role role = {};
	size_t at = 0;

	ret_names[0] = '\0';
	assert_int_equal(delegation_path_init(&asked, path, NULL), 0);
	while (delegation_next(delegation, &at, &asked, &role, NULL) == 0) {
		size_t used = strlen(ret_names);

		(void)snprintf(ret_names + used, 99 - used, "%s%s ", role.name,
			       role.terminating ? "!" : "");
		delegation_role_done(&role);
	}
	assert_int_equal(delegation_next(delegation, &at, &asked, &role, NULL), DELEGATION_END);
	return ret_names;
}

static void roles_come_in_their_order_if_they_match(void **state)
{
	static const char text[] =
		"{\"keys\":{},\"roles\":["
		"{\"name\":\"a\",\"keyids\":[],\"threshold\":1,\"paths\":[\"x/*\",\"y\"]},"
		"{\"name\":\"b\",\"keyids\":[],\"threshold\":1,\"paths\":[\"*\"],\"terminating\":true},"
		"{\"name\":\"c\",\"keyids\":[],\"threshold\":1},"
		"{\"name\":\"d\",\"keyids\":[],\"threshold\":1,\"paths\":[]},"
		"{\"name\":\"e\",\"keyids\":[],\"threshold\":1,\"paths\":[\"y\"],\"terminating\":false}]}";
	_cleanup_(delegation_freep) struct delegation *delegation = NULL;
	char names[99];

	assert_int_equal(read_text(text, &delegation, NULL), 0);
	assert_string_equal(roles_for(delegation, "y", names), "a b! e ");
	assert_string_equal(roles_for(delegation, "x/1", names), "a ");
	assert_string_equal(roles_for(delegation, "z", names), "b! ");
	assert_string_equal(roles_for(delegation, "z/z", names), "");
}

/* The names of all roles, "+" behind who may speak about the path, "-" behind who never of such a prefix. */
static const char *all_roles(const char *text, const char *path, char ret_names[99])
{
	_cleanup_(delegation_freep) struct delegation *delegation = NULL;
	struct delegation_role role = {};
	size_t at = 0;

	ret_names[0] = '\0';
	assert_int_equal(read_text(text, &delegation, NULL), 0);
	while (delegation_next_of_all(delegation, &at, &role, NULL) == 0) {
		size_t used = strlen(ret_names);
		bool may;

		assert_int_equal(delegation_may_speak(delegation, &role, path, &may, NULL), 0);
		(void)snprintf(ret_names + used, 99 - used, "%s%s%s ", role.name, may ? "+" : "",
			       delegation_may_begin(delegation, &role, path, 2) ? "" : "-");
		delegation_role_done(&role);
	}
	return ret_names;
}

static void all_roles_can_be_had(void **state)
{
	static const char roles[] =
		"{\"keys\":{},\"roles\":["
		"{\"name\":\"a\",\"keyids\":[],\"threshold\":1,\"paths\":[\"x/*\",\"y\"]},"
		"{\"name\":\"b\",\"keyids\":[],\"threshold\":1,\"paths\":[\"*/1\"]},"
		"{\"name\":\"c\",\"keyids\":[],\"threshold\":1},"
		"{\"name\":\"d\",\"keyids\":[],\"threshold\":1,\"path_hash_prefixes\":[\"\"]},"
		"{\"name\":\"e\",\"keyids\":[],\"threshold\":1,\"paths\":[\"xy*\",\"[z]\"]}]}";
	static const char bins[] = "{\"keys\":{},\"succinct_roles\":{\"keyids\":[],\"threshold\":1,"
				   "\"bit_length\":2,\"name_prefix\":\"p\"}}";
	char names[99];

	assert_string_equal(all_roles(roles, "x/1", names), "a+ b+ c- d+ e ");
	assert_string_equal(all_roles(roles, "xy", names), "a- b c- d+ e+ ");
	assert_string_equal(all_roles(bins, "a", names), "p-0 p-1 p-2 p-3+ "); /* ca978112… */
}

/* sha256("file1.txt") = 55ae75d9…, sha256("a") = ca978112… */
static void hash_prefixes_are_of_the_path(void **state)
{
	static const char text[] =
		"{\"keys\":{},\"roles\":["
		"{\"name\":\"a\",\"keyids\":[],\"threshold\":1,\"path_hash_prefixes\":[\"ca\"]},"
		"{\"name\":\"b\",\"keyids\":[],\"threshold\":1,\"path_hash_prefixes\":[\"5\",\"c\"]},"
		"{\"name\":\"c\",\"keyids\":[],\"threshold\":1,\"path_hash_prefixes\":[\"CA\",\"cb\"]},"
		"{\"name\":\"d\",\"keyids\":[],\"threshold\":1,\"path_hash_prefixes\":[\"\"]}]}";
	_cleanup_(delegation_freep) struct delegation *delegation = NULL;
	char names[99];

	assert_int_equal(read_text(text, &delegation, NULL), 0);
	assert_string_equal(roles_for(delegation, "a", names), "a b d ");
	assert_string_equal(roles_for(delegation, "file1.txt", names), "b d ");
}

/* TAP 15: the first bits of the hash, as many digits as the highest number has. */
static void bins_are_the_first_bits(void **state)
{
	static const struct {
		int bits;
		const char *name;
	} cases[] = { { 1, "p-1! " },	      { 3, "p-6! " },	     { 4, "p-c! " },
		      { 8, "p-ca! " },	      { 9, "p-195! " },	     { 16, "p-ca97! " },
		      { 31, "p-654bc089! " }, { 32, "p-ca978112! " } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(delegation_freep) struct delegation *delegation = NULL;
		char text[200];
		char names[99];

		(void)snprintf(text, sizeof(text),
			       "{\"keys\":{},\"succinct_roles\":{\"keyids\":[],\"threshold\":1,"
			       "\"name_prefix\":\"p\",\"bit_length\":%d}}",
			       cases[i].bits);
		assert_int_equal(read_text(text, &delegation, NULL), 0);
		assert_string_equal(roles_for(delegation, "a", names), cases[i].name);
	}
}

static void signers_are_those_of_the_entry(void **state)
{
	_cleanup_(jread_freep) json_t *json =
		json_pack("{sos[o]}", "keys", sign_keys(3), "roles", sign_role("13", 2));
	_cleanup_(delegation_freep) struct delegation *delegation = NULL;
	_cleanup_(signers_freep) struct signers *signers = NULL;
	struct delegation_path path;
	struct delegation_role role = {};
	json_t *entry = json_array_get(json_object_get(json, "roles"), 0);
	size_t at = 0;

	json_object_set_new(entry, "name", json_string("a"));
	json_object_set_new(entry, "paths", json_pack("[s]", "*"));
	assert_int_equal(delegation_read(json, &delegation, NULL), 0);
	assert_int_equal(delegation_path_init(&path, "x", NULL), 0);
	assert_int_equal(delegation_next(delegation, &at, &path, &role, NULL), 0);
	assert_int_equal(delegation_signers(delegation, &role, &signers, NULL), 0);
	assert_int_equal(signers->n, 2);
	assert_int_equal(signers->threshold, 2);
	assert_string_equal(signers->list[1].keyid, "k3");
	assert_non_null(signers->list[1].key);
	delegation_role_done(&role);
}

static void none_is_none(void **state)
{
	struct delegation *delegation = (struct delegation *)state;

	assert_int_equal(delegation_read(NULL, &delegation, NULL), 0);
	assert_null(delegation);
	delegation_free(NULL);
}

#define ROLE "\"keyids\":[],\"threshold\":1"
#define BINS "\"keyids\":[],\"threshold\":1,\"name_prefix\":\"p\""

static void wrong_forms_are_corrupt(void **state)
{
	static const char *const wrong[] = {
		"{}",
		"{\"keys\":{}}",
		"{\"roles\":[]}",
		"{\"keys\":[],\"roles\":[]}",
		"{\"keys\":{},\"roles\":{}}",
		"{\"keys\":{},\"roles\":[1]}",
		"{\"keys\":{},\"roles\":[{" ROLE "}]}",
		"{\"keys\":{},\"roles\":[{\"name\":1," ROLE "}]}",
		"{\"keys\":{},\"roles\":[{\"name\":\"\"," ROLE "}]}",
		"{\"keys\":{},\"roles\":[{\"name\":\"root\"," ROLE "}]}",
		"{\"keys\":{},\"roles\":[{\"name\":\"timestamp\"," ROLE "}]}",
		"{\"keys\":{},\"roles\":[{\"name\":\"snapshot\"," ROLE "}]}",
		"{\"keys\":{},\"roles\":[{\"name\":\"targets\"," ROLE "}]}",
		"{\"keys\":{},\"roles\":[{\"name\":\"a\"," ROLE "},{\"name\":\"a\"," ROLE "}]}",
		"{\"keys\":{},\"roles\":[{\"name\":\"a\",\"paths\":\"x\"," ROLE "}]}",
		"{\"keys\":{},\"roles\":[{\"name\":\"a\",\"paths\":[\"x\",1]," ROLE "}]}",
		"{\"keys\":{},\"roles\":[{\"name\":\"a\",\"path_hash_prefixes\":[1]," ROLE "}]}",
		"{\"keys\":{},\"roles\":[{\"name\":\"a\",\"terminating\":1," ROLE "}]}",
		"{\"keys\":{},\"roles\":[{\"name\":\"a\",\"paths\":[],\"path_hash_prefixes\":[]," ROLE
		"}]}",
		"{\"keys\":{},\"roles\":[],\"succinct_roles\":{\"bit_length\":1," BINS "}}",
		"{\"keys\":{},\"succinct_roles\":[]}",
		"{\"keys\":{},\"succinct_roles\":{" BINS "}}",
		"{\"keys\":{},\"succinct_roles\":{\"bit_length\":0," BINS "}}",
		"{\"keys\":{},\"succinct_roles\":{\"bit_length\":33," BINS "}}",
		"{\"keys\":{},\"succinct_roles\":{\"bit_length\":1," ROLE "}}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct delegation *delegation = NULL;
		struct error err = {};

		check_error(read_text(wrong[i], &delegation, &err), &err, FAULT_CORRUPT,
			    "delegations");
		assert_null(delegation);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roles_come_in_their_order_if_they_match),
		cmocka_unit_test(all_roles_can_be_had),
		cmocka_unit_test(hash_prefixes_are_of_the_path),
		cmocka_unit_test(bins_are_the_first_bits),
		cmocka_unit_test(signers_are_those_of_the_entry),
		cmocka_unit_test(none_is_none),
		cmocka_unit_test(wrong_forms_are_corrupt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
