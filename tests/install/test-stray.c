#include "install/stray.h"

#include "survey-kit.h"

static size_t strays(void **state, const char *script)
{
	_cleanup_looked_ struct looked looked;

	shell(check_dirfd(state), "rm -rf new slot source staging stranger x one two");
	look(&looked, state, script);
	return looked.survey->n_strays;
}

static void test_only_what_may_be_of_use(void **state)
{
	assert_int_equal(strays(state, "cp new/a slot/z"), 0); /* nothing is wanted */
	assert_int_equal(strays(state, "mv slot/a slot/z"), 1);
	assert_int_equal(strays(state, "mv slot/a slot/z; echo longer >slot/y"), 1);
	assert_int_equal(strays(state, "mv slot/a slot/z; echo xxx >slot/y"), 2); /* of that size */
	assert_int_equal(strays(state, "mv slot/a slot/z; ln slot/z one; ln slot/z two"), 0);
}

static void test_shared_ones_are_not_moved(void **state)
{
	_cleanup_looked_ struct looked looked;

	look(&looked, state, "mv slot/a slot/z; ln slot/z stranger");
	assert_int_equal(origin_of(&looked, "a").origin, SURVEY_WANTED);
}

static void test_renamed_directories(void **state)
{
	_cleanup_looked_ struct looked looked;
	struct survey_content origin;

	look(&looked, state, "mkdir slot/x; mv slot/d slot/x/y; rm slot/x/y/h");
	origin = origin_of(&looked, "d/b");
	assert_int_equal(origin.origin, SURVEY_STRAY);
	assert_string_equal(looked.survey->strays[origin.from].path, "x/y/b");
}

/* A tree that cannot be walked to its end is no reason to fail. */
static void test_weird_trees(void **state)
{
	assert_int_equal(
		strays(state, "rm slot/a; cd slot/d; for i in $(seq 300); do mkdir x; cd x; done"),
		0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_only_what_may_be_of_use),
		check_in_dir(test_shared_ones_are_not_moved),
		check_in_dir(test_renamed_directories),
		check_in_dir(test_weird_trees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
