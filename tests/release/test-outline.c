#include "release/outline.h"

#include "base/bulk.h"
#include "bundle.h"

/* Every mark comes back, and the entries with it. */
static void test_comes_back(void **state)
{
	static const struct outline_mark marks[] = {
		[NEW_BIG] = { OUTLINE_BASE, 12 }, [NEW_BIN] = { OUTLINE_SAME, 0 },
		[3] = { OUTLINE_GIVEN, 0 },	  [NEW_NOTE] = { OUTLINE_TWIN, 2 },
		[NEW_TWIN] = { OUTLINE_OWN, 0 },
	};
	_cleanup_(index_freep) struct index *new = sample_new();
	_cleanup_(index_freep) struct index *again = NULL;
	_cleanup_bulk_ struct outline_mark *read = NULL;
	_cleanup_text_ struct text text = {};
	struct digest none = {};

	assert_int_equal(outline_write(new, marks, &text, NULL), 0);
	assert_int_equal(outline_read(text.data, text.size, &again, &read, NULL), 0);
	assert_int_equal(index_count(again), index_count(new));
	for (size_t i = 0; i < index_count(new); i++) {
		bool given = marks[i].kind == OUTLINE_GIVEN;

		assert_int_equal(read[i].kind, marks[i].kind);
		assert_int_equal(read[i].number, marks[i].number);
		assert_string_equal(index_at(again, i)->path, index_at(new, i)->path);
		assert_int_equal(index_at(again, i)->size, index_at(new, i)->size);
		assert_true(digest_equal(&index_at(again, i)->digest,
					 given ? &index_at(new, i)->digest : &none));
	}
}

static void test_without_marks_all_is_the_same(void **state)
{
	_cleanup_(index_freep) struct index *old = sample_old();
	_cleanup_text_ struct text text = {};

	assert_int_equal(outline_write(old, NULL, &text, NULL), 0);
	assert_string_equal(text.data,
			    "d 0755 lib\nf 0644 7 100 = lib/bin\nf 0644 7 50 = lib/note\n");
}

static void test_lines_that_are_not(void **state)
{
	static const char *const lines[] = {
		"f 0644 7 1 = a",
		"f 0644 7 1 == a\n",
		"f 0644 7 1  a\n",
		"f 0644 7 1 @ a\n",
		"f 0644 7 1 @01 a\n",
		"f 0644 7 1 @-1 a\n",
		"f 0644 7 1 @4294967295 a\n",
		"f 0644 7 1 @99999999999 a\n",
		"f 0644 7 1 # a\n",
		"f 0644 7 1 -1 a\n",
		"f 0644 7 =\n",
		"f 0644\n",
		"f\n",
		"l = a\n\n",
		"d 0755 a\nd 0755 a\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct outline_mark *marks = NULL;
		struct index *index = NULL;
		struct error err = {};

		if (outline_read(lines[i], strlen(lines[i]), &index, &marks, &err) >= 0)
			fail_msg("case %zu was taken", i);
		assert_int_equal(err.fault, FAULT_CORRUPT);
	}
}

/* The file of the path; else the next one behind the last. */
static void test_what_the_same_is(void **state)
{
	_cleanup_(index_freep) struct index *old = sample_old();
	uint32_t cursor = 0;

	assert_int_equal(outline_base(old, "lib/note", &cursor), OLD_NOTE);
	assert_int_equal(outline_base(old, "other", &cursor), INDEX_NONE);
	cursor = 0;
	assert_int_equal(outline_base(old, "other", &cursor), OLD_BIN); /* not the directory */
	assert_int_equal(outline_base(old, "lib", &cursor), OLD_NOTE);
	assert_int_equal(outline_base(old, "lib/bin", &cursor), OLD_BIN);
	assert_int_equal(cursor, OLD_BIN + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comes_back),
		cmocka_unit_test(test_without_marks_all_is_the_same),
		cmocka_unit_test(test_lines_that_are_not),
		cmocka_unit_test(test_what_the_same_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
