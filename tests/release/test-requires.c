/* What an offer requires, as JSON and back. */
#include "release/requires.h"

#include "../base/check.h"

static int read_text(const char *text, struct offer_requires *ret_requires, struct error *err)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
	int r;

	assert_non_null(value);
	*ret_requires = (struct offer_requires){};
	r = requires_read(value, ret_requires, err);
	json_decref(value);
	return r;
}

static void it_comes_back(void **state)
{
	const struct offer_requires before = { .from = 5,
					       .memory = 512 << 20,
					       .kernel = "5.10",
					       .glibc = "2.36",
					       .os = "debian:12",
					       .libraries = "libfoo.so.1 libz.so.1",
					       .commands = "git" };
	struct offer_requires after = {};
	json_t *value = requires_make(&before);

	assert_int_equal(requires_read(value, &after, NULL), 0);
	json_decref(value);
	assert_memory_equal(&before, &after, sizeof(after));
	value = requires_make(&(struct offer_requires){});
	assert_int_equal(json_object_size(value), 0);
	json_decref(value);
}

static void nothing_is_fine(void **state)
{
	struct offer_requires requires = {};

	assert_int_equal(requires_read(NULL, &requires, NULL), 0);
	assert_int_equal(read_text("{}", &requires, NULL), 0);
	assert_string_equal(requires.unknown, "");
}

static void what_is_not_known_is_kept(void **state)
{
	struct offer_requires requires;

	assert_int_equal(read_text("{\"gpu\":[1],\"from\":3}", &requires, NULL), 0);
	assert_string_equal(requires.unknown, "gpu");
	assert_int_equal(requires.from, 3);
	assert_int_equal(read_text("{\"\":1}", &requires, NULL), 0);
	assert_string_equal(requires.unknown, "?");
}

static void what_is_wrong_is_refused(void **state)
{
	static const char *const wrong[] = { "[]",
					     "1",
					     "{\"from\":-1}",
					     "{\"from\":\"5\"}",
					     "{\"kernel\":5}",
					     "{\"os\":12}",
					     "{\"commands\":[\"git\"]}",
					     "{\"glibc\":\"12345678901234567890123456789012\"}",
					     "{\"memory\":null}" };
	struct offer_requires requires;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct error err = {};

		check_error(read_text(wrong[i], &requires, &err), &err, FAULT_CORRUPT, "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_comes_back),
		cmocka_unit_test(nothing_is_fine),
		cmocka_unit_test(what_is_not_known_is_kept),
		cmocka_unit_test(what_is_wrong_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
