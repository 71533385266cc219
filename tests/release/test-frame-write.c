#include "release/frame-write.h"

#include "release/frame.h"

#include "../base/check.h"

#define SIZE 100000

/* What goes on from a prefix costs next to nothing, and comes back with it only. */
static void test_comes_back(void **state)
{
	static char bytes[SIZE];
	_cleanup_text_ struct text prefix = {}, plain = {}, alone = {}, packed = {};
	_cleanup_frame_ struct frame frame = {};

	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (char)check_random();
	text_add_bytes(&prefix, bytes, SIZE);
	text_add_bytes(&plain, bytes, SIZE);
	text_add(&plain, "and more");
	assert_int_equal(frame_write_pack(&plain, &(struct text){}, 3, &alone, NULL), 0);
	assert_int_equal(frame_write_pack(&plain, &prefix, 3, &packed, NULL), 0);
	assert_true(alone.size > SIZE && packed.size < 200);
	assert_true(frame_unpack(packed.data, packed.size, NULL, 0, plain.size, &frame, NULL) < 0);
	assert_int_equal(frame_unpack(packed.data, packed.size, prefix.data, prefix.size,
				      plain.size, &frame, NULL),
			 0);
	assert_int_equal(frame.size, plain.size);
	assert_memory_equal(frame.data, plain.data, plain.size);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_comes_back) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
