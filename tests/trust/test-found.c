#include "trust/found.h"

#include "../base/check.h"

static void it_says_what_and_where(void **state)
{
	struct targets_file file = { .length = 5,
				     .hashes.has_sha256 = true,
				     .custom = (char *)"{\"a\":1}" };
	_cleanup_(found_freep) struct found *versioned = NULL;
	_cleanup_(found_freep) struct found *plain = NULL;

	assert_int_equal(found_new("a/b c", "role", &file, true, &versioned, NULL), 0);
	assert_string_equal(versioned->path, "a/b c");
	assert_string_equal(versioned->role, "role");
	assert_string_equal(
		versioned->file,
		"a/0000000000000000000000000000000000000000000000000000000000000000.b%20c");
	assert_int_equal(versioned->length, 5);
	assert_string_equal(versioned->custom, "{\"a\":1}");
	file.custom = NULL;
	assert_int_equal(found_new("a/b c", "role", &file, false, &plain, NULL), 0);
	assert_string_equal(plain->file, "a/b%20c");
	assert_null(plain->custom);
	found_free(NULL);
}

static void a_copy_is_its_own(void **state)
{
	struct targets_file file = { .length = 5,
				     .hashes.has_sha256 = true,
				     .custom = (char *)"{}" };
	_cleanup_(found_freep) struct found *copy = NULL;
	struct found *found;

	file.hashes.sha256.bytes[3] = 9;
	assert_int_equal(found_new("a/b c", "role", &file, false, &found, NULL), 0);
	assert_int_equal(found_copy(found, &copy, NULL), 0);
	found_free(found);
	assert_string_equal(copy->path, "a/b c");
	assert_string_equal(copy->role, "role");
	assert_string_equal(copy->file, "a/b%20c");
	assert_string_equal(copy->custom, "{}");
	assert_int_equal(copy->length, 5);
	assert_true(copy->hashes.has_sha256 && copy->hashes.sha256.bytes[3] == 9);
}

static void what_cannot_be_verified_or_fetched_is_refused(void **state)
{
	struct targets_file file = {};
	struct found *found = NULL;
	struct error err = {};

	check_error(found_new("x", "role", &file, true, &found, &err), &err, FAULT_UNTRUSTED,
		    "target \"x\": neither");
	file.hashes.has_sha512 = true;
	check_error(found_new("../x", "role", &file, true, &found, &err), &err, FAULT_CORRUPT,
		    "../x");
	assert_null(found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_what_and_where),
		cmocka_unit_test(a_copy_is_its_own),
		cmocka_unit_test(what_cannot_be_verified_or_fetched_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
