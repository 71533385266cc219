#include "base/arena.h"

#include "check.h"

/* Each has its own bytes, zeroes at first, whatever their sizes. */
static void test_things_keep_apart(void **state)
{
	_cleanup_arena_ struct arena arena = {};
	uint8_t *things[2000];
	size_t sizes[ARRAY_SIZE(things)];

	for (size_t i = 0; i < ARRAY_SIZE(things); i++) {
		sizes[i] = i % 97 + (i % 500 == 499 ? 100000 : 1);
		things[i] = arena_alloc(&arena, sizes[i]);
		assert_int_equal((uintptr_t)things[i] % _Alignof(uint64_t), 0);
		for (size_t j = 0; j < sizes[i]; j++)
			assert_int_equal(things[i][j], 0);
		memset(things[i], (int)(i % 255) + 1, sizes[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(things); i++)
		for (size_t j = 0; j < sizes[i]; j++)
			assert_int_equal(things[i][j], i % 255 + 1);
}

static void test_texts(void **state)
{
	struct arena arena = {};
	char text[] = "some text";
	const char *copy = arena_text(&arena, text);

	text[0] = 'S';
	assert_string_equal(copy, "some text");
	assert_string_equal(arena_text(&arena, ""), "");
	arena_done(&arena);
	assert_null(arena.last);
	assert_string_equal(arena_text(&arena, "anew"), "anew");
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_things_keep_apart),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
