#include "release/frame.h"

#include "bundle.h"

static void test_what_is_no_frame(void **state)
{
	_cleanup_text_ struct text packed = {};
	struct frame frame = {};
	struct error err = {};

	sample_frame(&packed, "some text", 9, 0);
	for (size_t i = 0; i < packed.size; i++)
		assert_true(frame_unpack(packed.data, i, NULL, 0, 9, &frame, NULL) < 0);
	check_error(frame_unpack(packed.data, packed.size, NULL, 0, 8, &frame, &err), &err,
		    FAULT_CORRUPT, "too much");
	assert_null(frame.data);
	check_error(frame_unpack("text", 4, NULL, 0, 9, &frame, &err), &err, FAULT_CORRUPT,
		    "no zstd frame");
}

/* What follows is not looked at. */
static void test_unpacks(void **state)
{
	_cleanup_text_ struct text packed = {};
	_cleanup_frame_ struct frame frame = {};
	size_t size;

	sample_frame(&packed, "some text", 9, 0);
	size = packed.size;
	text_add(&packed, "more");
	assert_int_equal(frame_unpack(packed.data, packed.size, NULL, 0, 9, &frame, NULL), 0);
	assert_int_equal(frame.packed, size);
	assert_int_equal(frame.size, 9);
	assert_string_equal(frame.data, "some text");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_no_frame),
		cmocka_unit_test(test_unpacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
