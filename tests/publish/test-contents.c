#include "publish/contents.h"

#include "../base/check.h"

static void add(struct index *index, const char *path, uint8_t content, uint64_t size)
{
	struct index_entry entry = { .type = INDEX_FILE, .size = size, .path = (char *)path };

	entry.digest.bytes[0] = content;
	assert_int_equal(index_add(index, &entry, NULL, NULL), 0);
}

static void test_each_once(void **state)
{
	_cleanup_(index_freep) struct index *index = NULL;
	_cleanup_contents_ struct contents contents = {};
	const struct content *found;
	struct digest digest = { { 7 } };

	assert_int_equal(index_new(&index, NULL), 0);
	add(index, "a", 9, 1);
	add(index, "b", 7, 1);
	add(index, "c", 9, 1);
	add(index, "d", 7, 1);
	add(index, "e", 5, 0);
	assert_int_equal(index_sort(index, NULL), 0);
	assert_int_equal(contents_list(index, &contents, NULL), 0);

	assert_int_equal(contents.n, 2);
	found = contents_look_up(&contents, &digest);
	assert_true(found && found->entry == 1);
	digest.bytes[0] = 9;
	found = contents_look_up(&contents, &digest);
	assert_true(found && found->entry == 0);
	digest.bytes[0] = 5;
	assert_null(contents_look_up(&contents, &digest));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_each_once) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
