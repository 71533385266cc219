#include "publish/measure.h"

#include "base/digest.h"

#include "../base/check.h"

static void entry(struct measure *measure, enum index_type type, const char *path,
		  const char *target)
{
	const struct index_entry entry = {
		.type = type, .mode = 0755, .path = (char *)path, .target = (char *)target
	};

	assert_int_equal(measure_sink.entry(measure, &entry, NULL), 0);
}

static void test_holes_are_zeroes(void **state)
{
	static const uint8_t wanted[100000] = { [70000] = 'x', [70001] = 'y' };
	_cleanup_(measure_freep) struct measure *measure = NULL;
	_cleanup_(index_freep) struct index *index = NULL;
	struct digest digest;

	assert_int_equal(measure_new(&measure, NULL), 0);
	entry(measure, INDEX_FILE, "sub/f", NULL);
	assert_int_equal(measure_sink.content(measure, "x", 1, 70000, NULL), 0);
	assert_int_equal(measure_sink.content(measure, "y", 1, 70001, NULL), 0);
	assert_int_equal(measure_sink.end(measure, sizeof(wanted), NULL), 0);
	assert_int_equal(measure_finish(measure, &index, NULL), 0);
	assert_int_equal(index_count(index), 2); /* the folder that was left out, too */
	assert_int_equal(digest_of(wanted, sizeof(wanted), &digest, NULL), 0);
	assert_true(digest_equal(&index_find(index, "sub/f")->digest, &digest));
	assert_int_equal(index_find(index, "sub/f")->size, sizeof(wanted));
}

static void test_the_tree_is_checked(void **state)
{
	_cleanup_(measure_freep) struct measure *measure = NULL;
	struct index *index = NULL;
	struct error err = {};

	assert_int_equal(measure_new(&measure, NULL), 0);
	entry(measure, INDEX_SYMLINK, "link", "../out");
	check_error(measure_finish(measure, &index, &err), &err, FAULT_CORRUPT, "link");
	assert_null(index);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		check_in_dir(test_holes_are_zeroes),
		check_in_dir(test_the_tree_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
