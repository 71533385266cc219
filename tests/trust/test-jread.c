#include "trust/jread.h"

#include "base/text.h"

#include "../base/check.h"

static int parse(const char *text, json_t **ret_json, struct error *err)
{
	return jread_parse(text, strlen(text), ret_json, err);
}

static void objects_are_read(void **state)
{
	static const char *const right[] = {
		"{}", " { \"a\" : [ 1 , -2 , true , null , \"x\\\"[{\" ] }\n", "{\"\":{\"\":{}}}",
		"{\"a\":1.5}", /* only who asks for an integer minds */
	};

	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		_cleanup_(jread_freep) json_t *json = NULL;

		assert_int_equal(parse(right[i], &json, NULL), 0);
		assert_true(json_is_object(json));
	}
}

static void all_else_is_corrupt(void **state)
{
	static const char *const wrong[] = {
		"",
		"[]",
		"1",
		"\"x\"",
		"null",
		"{",
		"{}{}",
		"{} x",
		"{'a':1}",
		"{\"a\":1,}",
		"{a:1}",
		"{\"a\":01}",
		"{\"a\":+1}",
		"{\"a\":.5}",
		"{\"a\":NaN}",
		"{\"a\":9223372036854775808}",
		"{\"a\":\"\\u0000\"}",
		"{\"a\":\"\xff\"}",
		"{\"a\":\"\xed\xa0\x80\"}",
		"{\"a\":\"\\ud800\"}",
		"{\"a\":\"\n\"}",
		"{\"a\":1,\"a\":1}",
		"{\"x\":[{\"a\":1,\"\\u0061\":2}]}",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct error err = {};
		json_t *json = NULL;

		check_error(parse(wrong[i], &json, &err), &err, FAULT_CORRUPT, "JSON");
		assert_null(json);
	}
	assert_true(jread_parse(NULL, 0, &(json_t *){ NULL }, NULL) < 0);
	assert_true(jread_parse("{}\0", 3, &(json_t *){ NULL }, NULL) < 0);
	assert_true(jread_parse("{\"a\0\":1}", 8, &(json_t *){ NULL }, NULL) < 0);
}

/* An object around n - 1 more opening brackets. */
static int parse_nested(size_t n, const char *open, const char *shut, struct error *err)
{
	_cleanup_(jread_freep) json_t *json = NULL;
	_cleanup_text_ struct text text = {};

	text_add(&text, "{\"a\":");
	for (size_t i = 1; i < n; i++)
		text_add(&text, "%s", open);
	text_add(&text, "1");
	for (size_t i = 1; i < n; i++)
		text_add(&text, "%s", shut);
	text_add(&text, "}");
	return jread_parse(text.data, text.size, &json, err);
}

static void depth_is_limited(void **state)
{
	struct error err = {};

	assert_int_equal(parse_nested(JREAD_DEPTH_MAX, "[", "]", NULL), 0);
	assert_int_equal(parse_nested(JREAD_DEPTH_MAX, "{\"\\\"\":", "}", NULL), 0);
	check_error(parse_nested(JREAD_DEPTH_MAX + 1, "[", "]", &err), &err, FAULT_CORRUPT, "deep");
	check_error(parse_nested(JREAD_DEPTH_MAX + 1, "{\"a\":", "}", &err), &err, FAULT_CORRUPT,
		    "deep");
	check_error(parse_nested(1000000, "[", "", &err), &err, FAULT_CORRUPT, "deep");
}

static void brackets_in_strings_do_not_count(void **state)
{
	_cleanup_text_ struct text text = {};
	_cleanup_(jread_freep) json_t *json = NULL;

	text_add(&text, "{\"a\":\"\\\\\\\"");
	for (int i = 0; i < 1000; i++)
		text_add(&text, "[{");
	text_add(&text, "\"}");
	assert_int_equal(jread_parse(text.data, text.size, &json, NULL), 0);
}

static void members_are_of_the_type_that_was_asked_for(void **state)
{
	_cleanup_(jread_freep) json_t *json = NULL;
	struct error err = {};
	const char *string;
	json_t *value;
	uint64_t number;

	assert_int_equal(
		parse("{\"o\":{},\"a\":[],\"s\":\"x\",\"i\":5,\"r\":5.0,\"n\":-1,\"t\":true,"
		      "\"z\":null}",
		      &json, NULL),
		0);
	assert_int_equal(jread_object(json, "o", &value, NULL), 0);
	assert_int_equal(jread_array(json, "a", &value, NULL), 0);
	assert_int_equal(jread_string(json, "s", &string, NULL), 0);
	assert_string_equal(string, "x");
	assert_int_equal(jread_integer(json, "i", 5, &number, NULL), 0);
	assert_int_equal(number, 5);
	check_error(jread_object(json, "a", &value, &err), &err, FAULT_CORRUPT,
		    "\"a\" is not an object");
	check_error(jread_array(json, "o", &value, &err), &err, FAULT_CORRUPT,
		    "\"o\" is not an array");
	check_error(jread_string(json, "z", &string, &err), &err, FAULT_CORRUPT,
		    "\"z\" is not a string");
	check_error(jread_string(json, "x", &string, &err), &err, FAULT_CORRUPT,
		    "\"x\" is missing");
	check_error(jread_integer(json, "i", 6, &number, &err), &err, FAULT_CORRUPT, "too small");
	check_error(jread_integer(json, "n", 0, &number, &err), &err, FAULT_CORRUPT, "too small");
	check_error(jread_integer(json, "r", 0, &number, &err), &err, FAULT_CORRUPT,
		    "not an integer");
	check_error(jread_integer(json, "t", 0, &number, &err), &err, FAULT_CORRUPT,
		    "not an integer");
}

static void flags_are_false_if_they_are_not_there(void **state)
{
	_cleanup_(jread_freep) json_t *json = NULL;
	struct error err = {};
	bool flag = true;

	assert_int_equal(parse("{\"t\":true,\"f\":false,\"i\":1,\"z\":null}", &json, NULL), 0);
	assert_int_equal(jread_flag(json, "none", &flag, NULL), 0);
	assert_false(flag);
	assert_int_equal(jread_flag(json, "t", &flag, NULL), 0);
	assert_true(flag);
	assert_int_equal(jread_flag(json, "f", &flag, NULL), 0);
	assert_false(flag);
	check_error(jread_flag(json, "i", &flag, &err), &err, FAULT_CORRUPT, "\"i\"");
	check_error(jread_flag(json, "z", &flag, &err), &err, FAULT_CORRUPT, "\"z\"");
}

static void names_are_shown_harmless(void **state)
{
	char shown[JREAD_SHOWN_MAX];
	char name[200];

	assert_string_equal(jread_show("a\x1b[\n", shown), "a\\x1b[\\x0a");
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_true(strlen(jread_show(name, shown)) < JREAD_SHOWN_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_are_read),
		cmocka_unit_test(all_else_is_corrupt),
		cmocka_unit_test(depth_is_limited),
		cmocka_unit_test(brackets_in_strings_do_not_count),
		cmocka_unit_test(members_are_of_the_type_that_was_asked_for),
		cmocka_unit_test(flags_are_false_if_they_are_not_there),
		cmocka_unit_test(names_are_shown_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
