#include "publish/marks.h"

#include "../base/check.h"

static void add(struct index *index, const char *path, uint64_t size, int content)
{
	struct index_entry entry = {
		.type = INDEX_FILE, .mode = 0644, .mtime = 7, .size = size, .path = (char *)path
	};

	memset(entry.digest.bytes, content, sizeof(entry.digest.bytes));
	assert_int_equal(index_add(index, &entry, NULL, NULL), 0);
}

/* Each mark as a letter, with its number. */
static char *mark(const struct marks_request *request)
{
	static const char letters[] = {
		[OUTLINE_GIVEN] = 'x', [OUTLINE_SAME] = '=', [OUTLINE_BASE] = '@',
		[OUTLINE_OWN] = '-',   [OUTLINE_TWIN] = '#',
	};
	_cleanup_free_ struct outline_mark *marks = NULL;
	_cleanup_free_ bool *listed = NULL;
	static char text[64];

	assert_int_equal(marks_make(request, &marks, &listed, NULL), 0);
	text[0] = '\0';
	for (size_t i = 0; i < index_count(request->fresh); i++) {
		char one[16];

		(void)snprintf(one, sizeof(one), "%c%u", letters[marks[i].kind], marks[i].number);
		(void)strncat(text, one, sizeof(text) - strlen(text) - 1);
	}
	return text;
}

static void test_marks(void **state)
{
	static const struct marks_solid solids[] = { { 1, 1 }, { 2, BUNDLE_NO_BASE }, { 3, 0 } };
	static const struct bundle_block blocks[] = { { .entry = 4 },
						      { .entry = 5, .is_inlined = true } };
	_cleanup_(index_freep) struct index *old = NULL, *fresh = NULL;
	struct marks_request request = { .solids = solids, .blocks = blocks };

	assert_int_equal(index_new(&old, NULL) | index_new(&fresh, NULL), 0);
	add(old, "a", 5, 1);
	add(old, "b", 5, 2);
	add(old, "m1", 5, 3);
	add(old, "m2", 5, 4);
	add(old, "z", 5, 9);
	add(fresh, "a", 5, 9); /* what z has: it is told by its number */
	add(fresh, "b", 6, 12); /* solid, against the file of its path */
	add(fresh, "c", 6, 13); /* solid, against none */
	add(fresh, "d", 6, 14); /* solid, against another one */
	add(fresh, "e", 7, 15); /* blocks */
	add(fresh, "f", 7, 16); /* blocks in the head */
	add(fresh, "g", 7, 15); /* what e has */
	add(fresh, "m1", 5, 3); /* as it was */
	add(fresh, "n2", 5, 4); /* the next one, by another name */
	add(fresh, "o", 0, 20); /* empty */
	assert_int_equal(index_sort(old, NULL) | index_sort(fresh, NULL), 0);
	request.old = old;
	request.fresh = fresh;
	request.n_solids = ARRAY_SIZE(solids);
	request.n_blocks = ARRAY_SIZE(blocks);
	assert_string_equal(mark(&request), "@4=0-0@0x0=0#4=0=0-0");
}

/* Of the files that the new tree lacks as many as there is room for, beside those that something is packed against. */
static void test_orphans(void **state)
{
	static const struct marks_solid solids[] = { { 0, 0 } };
	_cleanup_(index_freep) struct index *old = NULL, *fresh = NULL;
	_cleanup_free_ struct outline_mark *marks = NULL;
	struct marks_request request = { .solids = solids, .n_solids = 1, .align = 8 };
	static const bool none[] = { true, false, false, false, false };
	static const bool some[] = { true, false, true, false, true };
	_cleanup_free_ bool *listed = NULL, *more = NULL;

	assert_int_equal(index_new(&old, NULL) | index_new(&fresh, NULL), 0);
	add(old, "a", 5, 1);
	add(old, "b", 5, 2); /* is there still */
	add(old, "c", 9, 3);
	add(old, "d", 17, 4); /* too large */
	add(old, "e", 8, 5);
	add(fresh, "a", 5, 6);
	add(fresh, "b", 5, 2);
	request.old = old;
	request.fresh = fresh;
	assert_int_equal(index_sort(old, NULL) | index_sort(fresh, NULL), 0);
	assert_int_equal(marks_make(&request, &marks, &listed, NULL), 0);
	assert_memory_equal(listed, none, sizeof(none));
	free(TAKE_PTR(marks));
	request.room = 39;
	assert_int_equal(marks_make(&request, &marks, &more, NULL), 0);
	assert_memory_equal(more, some, sizeof(some));
	assert_int_equal(marks[1].kind, OUTLINE_SAME);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(test_orphans),
						   cmocka_unit_test(test_marks) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
