#include "install/survey.h"

#include "survey-kit.h"

static void check(void **state, const char *script, const char *path, enum survey_fate fate,
		  enum survey_origin origin)
{
	_cleanup_looked_ struct looked looked;

	shell(check_dirfd(state), "rm -rf new slot source staging stranger x one two");
	look(&looked, state, script);
	assert_int_equal(fate_of(&looked, path), fate);
	assert_int_equal(origin_of(&looked, path).origin, origin);
}

static void test_what_is_right_is_kept(void **state)
{
	check(state, ":", "a", SURVEY_KEEP, SURVEY_HERE);
	check(state, ":", "d/b", SURVEY_KEEP, SURVEY_HERE);
	check(state, "rm slot/d/h", "d/b", SURVEY_KEEP, SURVEY_HERE);
	check(state, "rm -r slot/d", "a", SURVEY_KEEP, SURVEY_HERE);
}

static void test_metadata_is_mended(void **state)
{
	check(state, "touch -d @7 slot/a", "a", SURVEY_MEND, SURVEY_HERE);
	check(state, "chmod 0600 slot/a", "a", SURVEY_MEND, SURVEY_HERE);
}

/* Who could write to it may have it open still, or change it by another name. */
static void test_what_may_be_anybodys_is_made_anew(void **state)
{
	check(state, "chmod 0666 slot/a", "a", SURVEY_MAKE, SURVEY_WANTED);
	check(state, "ln slot/a stranger", "a", SURVEY_MAKE, SURVEY_WANTED);
	check(state, "ln slot/d/b stranger; rm slot/d/h", "d/b", SURVEY_MAKE, SURVEY_WANTED);
	check(state, "ln slot/d/b stranger", "d/b", SURVEY_MAKE, SURVEY_WANTED);
	check(state, "ln -f slot/d/b slot/d/h2", "d/b", SURVEY_MAKE, SURVEY_WANTED);
	if (geteuid() == 0)
		check(state, "chown 12345 slot/a", "a", SURVEY_MAKE, SURVEY_WANTED);
}

static void test_other_contents(void **state)
{
	check(state, "echo xxx >slot/a", "a", SURVEY_MAKE, SURVEY_WANTED);
	check(state, "echo longer >slot/a", "a", SURVEY_MAKE, SURVEY_WANTED);
	check(state, "rm slot/a", "a", SURVEY_MAKE, SURVEY_WANTED);
	check(state, "rm slot/a; mkdir slot/a", "a", SURVEY_MAKE, SURVEY_WANTED);
	check(state, "rm slot/a; ln -s ../new/a slot/a", "a", SURVEY_MAKE, SURVEY_WANTED);
	check(state, "rm slot/a; mkfifo slot/a", "a", SURVEY_MAKE, SURVEY_WANTED);
	check(state, "mv slot/d x; ln -s ../x slot/d", "d/b", SURVEY_MAKE, SURVEY_WANTED);
}

#define STAGED "$(sha256sum new/a | cut -d' ' -f1)"

static void test_where_contents_are(void **state)
{
	check(state, "rm slot/a; cp new/a source/z", "a", SURVEY_MAKE, SURVEY_SOURCE);
	check(state, "rm slot/a; cp new/a staging/" STAGED, "a", SURVEY_MAKE, SURVEY_STAGING);
	check(state, "rm slot/a; echo bad >staging/" STAGED, "a", SURVEY_MAKE, SURVEY_WANTED);
	check(state, "rm slot/a; cp new/a source/z; cp new/a slot/d/z", "a", SURVEY_MAKE,
	      SURVEY_STRAY);
	check(state, ": >new/a; rm slot/a", "a", SURVEY_MAKE, SURVEY_EMPTY);
	check(state, "cp new/a new/z", "z", SURVEY_MAKE, SURVEY_HERE);
	check(state, "echo cc >new/a; echo bb >slot/a; rm slot/d/b slot/d/h", "d/b", SURVEY_MAKE,
	      SURVEY_STRAY);
}

/* The worker died between the two names of a file that it moved: it is ours alone all the same. */
static void test_names_in_staging(void **state)
{
	check(state, "ln slot/a staging/" STAGED, "a", SURVEY_KEEP, SURVEY_HERE);
	check(state, "ln slot/a staging/new-" STAGED, "a", SURVEY_KEEP, SURVEY_HERE);
	check(state, "ln slot/a staging/" STAGED "; ln slot/a stranger", "a", SURVEY_MAKE,
	      SURVEY_WANTED);
	check(state, "mv slot/a slot/z; ln slot/z staging/" STAGED, "a", SURVEY_MAKE, SURVEY_STRAY);
}

static void test_finds(void **state)
{
	_cleanup_looked_ struct looked looked;

	look(&looked, state, ":");
	for (uint32_t i = 0; i < index_count(looked.index); i++)
		assert_int_equal(index_number(looked.index, index_at(looked.index, i)->path), i);
	assert_int_equal(index_number(looked.index, "aa"), INDEX_NONE);
	assert_int_equal(index_number(looked.index, ""), INDEX_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_what_is_right_is_kept),
		check_in_dir(test_metadata_is_mended),
		check_in_dir(test_what_may_be_anybodys_is_made_anew),
		check_in_dir(test_other_contents),
		check_in_dir(test_where_contents_are),
		check_in_dir(test_names_in_staging),
		check_in_dir(test_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
