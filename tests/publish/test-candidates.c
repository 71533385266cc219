#include "publish/candidates.h"

#include "../base/check.h"

static struct index *index_of(const char *const *paths)
{
	struct index *index = NULL;

	assert_int_equal(index_new(&index, NULL), 0);
	for (uint64_t size = 100; *paths; paths++, size += 100) {
		const struct index_entry entry = { .type = INDEX_FILE,
						   .size = size,
						   .path = (char *)*paths };

		assert_int_equal(index_add(index, &entry, NULL, NULL), 0);
	}
	assert_int_equal(index_sort(index, NULL), 0);
	return index;
}

static const char *find(const char *const *paths, const char *path, uint64_t size)
{
	const struct index_entry entry = { .type = INDEX_FILE, .size = size, .path = (char *)path };
	_cleanup_(candidates_freep) struct candidates *candidates = NULL;
	_cleanup_(index_freep) struct index *index = index_of(paths);
	const struct index_entry *found;
	static char name[64];

	assert_int_equal(candidates_new(index, 1000, &candidates, NULL), 0);
	found = candidates_same(candidates, &entry);
	if (!found)
		found = candidates_alike(candidates, &entry);
	(void)snprintf(name, sizeof(name), "%s", found ? found->path : "none");
	return name;
}

static void test_by_path_and_name(void **state)
{
	static const char *const paths[] = {
		"bin/app",
		"lib/libx.so.1.2.3",
		"lib/liby.so.1.2.3",
		"web/main.a1b2.js",
		"a/b/package.json",
		"a/c/package.json",
		"top",
		NULL,
	};

	assert_string_equal(find(paths, "bin/app", 1), "bin/app");
	assert_string_equal(find(paths, "lib/libx.so.1.10", 1), "none");
	assert_string_equal(find(paths, "lib/libx.so.1.3.0", 1), "lib/libx.so.1.2.3");
	assert_string_equal(find(paths, "usr/lib64/liby.so.1.3.0", 1), "lib/liby.so.1.2.3");
	assert_string_equal(find(paths, "web/main.77ff0.js", 1), "web/main.a1b2.js");
	assert_string_equal(find(paths, "web/main.js", 1), "none");
	assert_string_equal(find(paths, "x/c/package.json", 1), "a/c/package.json");
	assert_string_equal(find(paths, "other", 1), "none");
}

static void test_nearest_size(void **state)
{
	static const char *const paths[] = { "v1/x", "v2/x", "v3/x", NULL };

	assert_string_equal(find(paths, "v9/x", 210), "v2/x");
	assert_string_equal(find(paths, "v9/x", 290), "v3/x");
	assert_string_equal(find(paths, "v9/x", 0), "v1/x");
}

static void test_what_is_no_candidate(void **state)
{
	_cleanup_(candidates_freep) struct candidates *candidates = NULL;
	_cleanup_(index_freep) struct index *index = NULL;
	const struct index_entry entries[] = {
		{ .type = INDEX_FILE, .size = 1001, .path = (char *)"large" },
		{ .type = INDEX_FILE, .size = 0, .path = (char *)"empty" },
		{ .type = INDEX_SYMLINK, .path = (char *)"link", .target = (char *)"file" },
		{ .type = INDEX_FILE, .size = 7, .path = (char *)"file" },
		{ .type = INDEX_HARDLINK, .path = (char *)"same", .target = (char *)"file" },
	};
	const struct index_entry *found;

	assert_int_equal(index_new(&index, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		assert_int_equal(index_add(index, &entries[i], NULL, NULL), 0);
	assert_int_equal(index_sort(index, NULL), 0);
	assert_int_equal(candidates_new(index, 1000, &candidates, NULL), 0);
	for (size_t i = 0; i < 3; i++)
		assert_null(candidates_same(candidates, &entries[i]));
	found = candidates_same(candidates, &entries[4]);
	assert_non_null(found);
	assert_string_equal(found->path, "file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_path_and_name),
		cmocka_unit_test(test_nearest_size),
		cmocka_unit_test(test_what_is_no_candidate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
