#include "trust/canonical.h"

#include "trust/jread.h"

#include "../base/check.h"

/* What goes in as JSON, and the bytes that python's securesystemslib and go's cjson make of it. */
static const struct {
	const char *json;
	const char *bytes;
} vectors[] = {
	{ "{}", "{}" },
	{ "{ \"b\" : 2 , \"a\" : [ ] }", "{\"a\":[],\"b\":2}" },
	{ "{\"a\":[1,-1,0,-0,9223372036854775807,-9223372036854775808,true,false,null,{}]}",
	  "{\"a\":[1,-1,0,0,9223372036854775807,-9223372036854775808,true,false,null,{}]}" },
	{ "{\"a\":\"\\\"\\\\\\/\\n\\t\\u0001\\u007f\"}", "{\"a\":\"\\\"\\\\/\n\t\x01\x7f\"}" },
	{ "{\"a\":\"\\u00e9\\u20ac\\ud83d\\ude00\"}",
	  "{\"a\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}" },
	{ "{\"a\\\"\\n\":1}", "{\"a\\\"\n\":1}" },
	/* not as UTF-16 would have it: U+FF61 is before U+1F600 */
	{ "{\"\\ud83d\\ude00\":1,\"\\uff61\":2,\"z\":3,\"A\":4,\"\":5,\"aa\":6,\"a\":7}",
	  "{\"\":5,\"A\":4,\"a\":7,\"aa\":6,\"z\":3,\"\xef\xbd\xa1\":2,\"\xf0\x9f\x98\x80\":1}" },
};

static void bytes_are_those_of_others(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_(jread_freep) json_t *json = NULL;
		_cleanup_free_ char *bytes = NULL;
		size_t size;

		assert_int_equal(jread_parse(vectors[i].json, strlen(vectors[i].json), &json, NULL),
				 0);
		assert_int_equal(canonical_encode(json, &bytes, &size, NULL), 0);
		assert_string_equal(bytes, vectors[i].bytes);
		assert_int_equal(size, strlen(vectors[i].bytes));
	}
}

static void nul_in_a_string_is_a_character(void **state)
{
	_cleanup_(jread_freep) json_t *json = json_stringn("a\0b", 3);
	_cleanup_free_ char *bytes = NULL;
	size_t size;

	assert_int_equal(canonical_encode(json, &bytes, &size, NULL), 0);
	assert_int_equal(size, 5);
	assert_memory_equal(bytes, "\"a\0b\"", 5);
}

static void reals_are_refused_wherever_they_are(void **state)
{
	static const char *const wrong[] = { "{\"a\":1.0}", "{\"a\":[{\"b\":1e3}]}" };

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		_cleanup_(jread_freep) json_t *json = NULL;
		struct error err = {};
		char *bytes = NULL;
		size_t size;

		assert_int_equal(jread_parse(wrong[i], strlen(wrong[i]), &json, NULL), 0);
		check_error(canonical_encode(json, &bytes, &size, &err), &err, FAULT_CORRUPT,
			    "not an integer");
		assert_null(bytes);
	}
}

static void depth_is_limited(void **state)
{
	_cleanup_(jread_freep) json_t *json = json_array();
	struct error err = {};
	char *bytes;
	size_t size;

	for (int i = 0; i < JREAD_DEPTH_MAX; i++)
		json = json_pack("[o]", json);
	assert_int_equal(canonical_encode(json, &bytes, &size, NULL), 0);
	free(bytes);
	json = json_pack("[o]", json);
	check_error(canonical_encode(json, &bytes, &size, &err), &err, FAULT_CORRUPT, "deep");
}

static json_t *random_value(int depth);

static json_t *random_object(int depth)
{
	json_t *object = json_object();

	for (size_t n = check_below(6); n > 0; n--) {
		char name[6];

		check_text(name, sizeof(name), "ab\"\\c \xc3");
		(void)json_object_set_new(object, name,
					  random_value(depth - 1)); /* bad UTF-8: not set */
	}
	return object;
}

static json_t *random_array(int depth)
{
	json_t *array = json_array();

	for (size_t n = check_below(6); n > 0; n--)
		json_array_append_new(array, random_value(depth - 1));
	return array;
}

static json_t *random_value(int depth)
{
	char text[8];

	switch (check_below(depth > 0 ? 6 : 4)) {
	case 0:
		return json_integer((json_int_t)check_random());
	case 1:
		return json_boolean(check_below(2));
	case 2:
		return json_null();
	case 3:
		check_text(text, sizeof(text), "ab\"\\/{}[]:,");
		return json_string(text);
	case 4:
		return random_array(depth);
	default:
		return random_object(depth);
	}
}

/* Without control characters the bytes are JSON themselves: of the same value, and canonical. */
static void it_says_the_same_and_nothing_else(void **state)
{
	for (int round = 0; round < 3000; round++) {
		_cleanup_(jread_freep) json_t *json = random_object(4);
		_cleanup_(jread_freep) json_t *same = NULL;
		_cleanup_free_ char *bytes = NULL;
		_cleanup_free_ char *again = NULL;
		size_t size;

		assert_int_equal(canonical_encode(json, &bytes, &size, NULL), 0);
		assert_int_equal(jread_parse(bytes, size, &same, NULL), 0);
		assert_true(json_equal(json, same));
		assert_int_equal(canonical_encode(same, &again, &size, NULL), 0);
		assert_string_equal(bytes, again);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_those_of_others),
		cmocka_unit_test(nul_in_a_string_is_a_character),
		cmocka_unit_test(reals_are_refused_wherever_they_are),
		cmocka_unit_test(depth_is_limited),
		cmocka_unit_test(it_says_the_same_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
