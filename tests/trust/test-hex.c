#include "trust/hex.h"

#include "../base/check.h"

static void digits_of_either_case_become_bytes(void **state)
{
	unsigned char bytes[4] = {};

	assert_true(hex_read("00fFAb9c", bytes, 4));
	assert_memory_equal(bytes, "\x00\xff\xab\x9c", 4);
	assert_true(hex_read("", bytes, 0));
}

static void anything_else_is_refused_and_leaves_the_bytes_alone(void **state)
{
	static const char *const wrong[] = {
		"",	    "0",	"00ffab9",    "00ffab9c0",     "00ffab9g", "00:ff:ab:9c",
		"0x00ffab", " 0ffab9c", "00ffab9c\n", "00ffab\xc3\xa9"
	};
	unsigned char bytes[4] = { 1, 2, 3, 4 };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_false(hex_read(wrong[i], bytes, 4));
		assert_memory_equal(bytes, "\1\2\3\4", 4);
	}
}

static void what_was_written_is_read(void **state)
{
	for (int round = 0; round < 1000; round++) {
		unsigned char bytes[20];
		unsigned char same[20];
		char hex[41];

		for (size_t i = 0; i < sizeof(bytes); i++) {
			bytes[i] = (unsigned char)check_random();
			(void)snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
		}
		assert_true(hex_read(hex, same, sizeof(same)));
		assert_memory_equal(bytes, same, sizeof(same));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digits_of_either_case_become_bytes),
		cmocka_unit_test(anything_else_is_refused_and_leaves_the_bytes_alone),
		cmocka_unit_test(what_was_written_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
