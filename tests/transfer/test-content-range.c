#include "transfer/content-range.h"

#include "kit.h"

static bool parse(const char *value, struct content_range *ret_range)
{
	size_t size;
	_cleanup_free_ char *exact = kit_exact(value, &size);

	return content_range_parse(exact, size, ret_range);
}

static void what_servers_say_is_read(void **state)
{
	struct content_range range;

	assert_true(parse("bytes 0-499/1234", &range));
	assert_int_equal(range.first, 0);
	assert_int_equal(range.last, 499);
	assert_int_equal(range.total, 1234);
	assert_true(parse(" Bytes  42-42/43 ", &range));
	assert_int_equal(range.first, 42);
	assert_true(parse("bytes 0-0/*", &range));
	assert_true(range.total == UINT64_MAX);
	assert_true(parse("bytes 18446744073709551613-18446744073709551614/*", &range));
	assert_true(range.last == UINT64_MAX - 1);
}

static void what_cannot_be_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"bytes",
		"bytes ",
		"bytes 0-499",
		"bytes 0-499/",
		"bytes 0-499/499",
		"bytes 0-499/100",
		"bytes 500-499/1000",
		"bytes -499/1000",
		"bytes 0-/1000",
		"bytes */1000",
		"bytes 0-499/1000x",
		"bytes 0-499/1000, bytes 600-700/1000",
		"bytes 0-18446744073709551616/*",
		"bytes 0-18446744073709551615/*",
		"items 0-499/1234",
		"bytes=0-499/1234",
		"bytes 0x0-499/1234",
		"bytes +0-499/1234",
		"bytes 0 - 499/1234",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct content_range range;

		if (parse(bad[i], &range))
			fail_msg("\"%s\" was taken", bad[i]);
	}
}

static void only_the_very_range_is_the_range(void **state)
{
	const struct content_range range = { 100, 199, 1000 };

	assert_true(content_range_is(&range, 100, 100));
	assert_false(content_range_is(&range, 100, 99));
	assert_false(content_range_is(&range, 100, 101));
	assert_false(content_range_is(&range, 99, 100));
	assert_false(content_range_is(&range, 101, 99));
	assert_false(content_range_is(&range, 100, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_servers_say_is_read),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(only_the_very_range_is_the_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
