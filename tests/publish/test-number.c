#include "publish/number.h"

#include <string.h>

#include "../base/check.h"

static void put(uint64_t number, const void *wanted, size_t size)
{
	_cleanup_text_ struct text text = {};

	number_put(&text, number);
	assert_int_equal(text.size, size);
	assert_memory_equal(text.data, wanted, size);
}

static void the_lowest_bits_come_first(void **state)
{
	put(0, "\0", 1);
	put(0x7f, "\x7f", 1);
	put(0x80, "\x80\x01", 2);
	put(300, "\xac\x02", 2);
	put(1ULL << 32, "\x80\x80\x80\x80\x10", 5);
	put(UINT64_MAX, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10);
}

static void it_is_appended(void **state)
{
	_cleanup_text_ struct text text = {};

	number_put(&text, 1);
	number_put(&text, 200);
	assert_int_equal(text.size, 3);
	assert_memory_equal(text.data, "\x01\xc8\x01", 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_lowest_bits_come_first),
		cmocka_unit_test(it_is_appended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
