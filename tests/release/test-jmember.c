#include "release/jmember.h"

#include "../base/check.h"
#include "base/cleanup.h"

#define HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static json_t *object;

static int setup(void **state)
{
	object = json_pack("{ss ss% ss ss% sI sI sf}", "text", "1234567", "nul",
			   "12\0"
			   "4",
			   (size_t)4, "hex", HEX, "hexnul",
			   HEX "\0"
			       "0",
			   sizeof(HEX) + 1, "most", (json_int_t)INT64_MAX, "less", (json_int_t)-1,
			   "real", 1.0);
	return object ? 0 : -1;
}

static int teardown(void **state)
{
	json_decref(object);
	return 0;
}

static void a_text_fits_whole_or_not_at_all(void **state)
{
	static const char *const wrong[] = { "nul", "most", "hex", "absent" };
	struct error err = {};
	char text[8] = "before";

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		err = (struct error){};
		check_error(jmember_text(object, wrong[i], text, sizeof(text), &err), &err,
			    FAULT_CORRUPT, wrong[i]);
	}
	assert_true(jmember_text(object, "text", text, sizeof(text) - 1, NULL) < 0);
	assert_string_equal(text, "before");
	assert_int_equal(jmember_text(object, "text", text, sizeof(text), &err), 0);
	assert_string_equal(text, "1234567");
}

static void a_number_is_a_natural_one(void **state)
{
	static const char *const wrong[] = { "less", "real", "text", "absent" };
	uint64_t value = 5;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct error err = {};

		check_error(jmember_number(object, wrong[i], &value, &err), &err, FAULT_CORRUPT,
			    "no valid \"");
	}
	assert_int_equal(value, 5);
	assert_int_equal(jmember_number(object, "most", &value, NULL), 0);
	assert_true(value == INT64_MAX);
}

static void a_digest_is_hex_of_its_length(void **state)
{
	static const char *const wrong[] = { "text", "hexnul", "most", "absent" };
	struct digest digest = {};
	char hex[DIGEST_HEX_MAX];
	struct error err = {};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		check_error(jmember_digest(json_object_get(object, wrong[i]), "index", &digest,
					   &err),
			    &err, FAULT_CORRUPT, "no valid \"index\"");
	assert_true(digest_is_null(&digest));
	assert_int_equal(jmember_digest(json_object_get(object, "hex"), "hex", &digest, NULL), 0);
	assert_string_equal(digest_to_hex(&digest, hex), HEX);
}

static void no_object_has_no_members(void **state)
{
	uint64_t value;

	assert_true(jmember_number(NULL, "most", &value, NULL) < 0);
	assert_true(jmember_number(json_object_get(object, "most"), "most", &value, NULL) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_fits_whole_or_not_at_all),
		cmocka_unit_test(a_number_is_a_natural_one),
		cmocka_unit_test(a_digest_is_hex_of_its_length),
		cmocka_unit_test(no_object_has_no_members),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
