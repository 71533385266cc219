#include "install/supply.h"

#include "install/local.h"
#include "install/place.h"
#include "install/staged.h"
#include "survey-kit.h"

static struct supply prepare(const struct looked *looked)
{
	struct supply supply = {
		.slot_fd = looked->slot,
		.staging_fd = looked->staging,
		.source_fd = looked->source_fd,
		.survey = looked->survey,
	};

	assert_int_equal(local_new(NULL, NULL, &supply.locals[0], NULL), 0);
	assert_int_equal(place_new(looked->slot, looked->staging, &supply.places[0], NULL), 0);
	return supply;
}

static void supply_done(const struct supply *supply)
{
	local_free(supply->locals[0]);
	place_free(supply->places[0]);
}

/* The content of new/a, which is to be in three places. */
#define THRICE "rm slot/a; cp -p new/a new/a2; cp -p new/a new/d/a3;"
#define SAME   "for f in a a2 d/a3; do cmp new/a slot/$f; test $(stat -c %h slot/$f) = 1; done"

static void check_supplied(void **state, const char *script)
{
	_cleanup_looked_ struct looked looked;
	_cleanup_(supply_done) struct supply supply;
	const char *why = NULL;

	shell(check_dirfd(state), "rm -rf new slot source staging");
	look(&looked, state, script);
	supply = prepare(&looked);
	assert_int_equal(supply_local(&supply, 0, content_at(&looked, "a"), &why, NULL), 0);
	shell(looked.dirfd, SAME);
	assert_int_equal(fate_of(&looked, "d/a3"), SURVEY_KEEP);
	assert_int_equal(origin_of(&looked, "a").origin, SURVEY_HERE);
}

static void test_from_everywhere(void **state)
{
	check_supplied(state, THRICE "cp new/a source/x");
	check_supplied(state, THRICE "cp -p new/a slot/a2");
	check_supplied(state, THRICE "cp new/a staging/$(sha256sum new/a | cut -d' ' -f1)");
	check_supplied(state, ": >new/a;" THRICE);
}

static void test_from_a_source_that_lies(void **state)
{
	_cleanup_looked_ struct looked looked;
	_cleanup_(supply_done) struct supply supply;
	const char *why = NULL;

	look(&looked, state, THRICE "cp new/a source/x");
	shell(looked.dirfd, "echo xxx >source/x");
	supply = prepare(&looked);
	assert_int_equal(supply_local(&supply, 0, content_at(&looked, "a"), &why, NULL),
			 SUPPLY_DIFFERS);
	assert_string_equal(why, "content differs");
	assert_int_equal(origin_of(&looked, "a").origin, SURVEY_WANTED);
	shell(looked.dirfd, "test ! -e slot/a");
}

/* What has holes is copied with them, however short it is. */
static void test_holes_stay_holes(void **state)
{
	_cleanup_looked_ struct looked looked;
	_cleanup_(supply_done) struct supply supply;
	const char *why = NULL;

	look(&looked, state,
	     "truncate -s 200K new/a; echo x >>new/a; rm slot/a; cp --sparse=always new/a source/x");
	supply = prepare(&looked);
	assert_int_equal(supply_local(&supply, 0, content_at(&looked, "a"), &why, NULL), 0);
	shell(looked.dirfd, "cmp new/a slot/a; test $(stat -c %b slot/a) -le 16");
}

static void test_from_bytes(void **state)
{
	_cleanup_looked_ struct looked looked;
	_cleanup_(supply_done) struct supply supply;

	look(&looked, state, THRICE);
	supply = prepare(&looked);
	assert_int_equal(supply_bytes(&supply, content_at(&looked, "a"), "aaa\n", 4, NULL), 0);
	shell(looked.dirfd, SAME);
}

/* A donor that changed since the survey is somebody's doing, and told. */
static void test_a_donor_that_changed(void **state)
{
	_cleanup_looked_ struct looked looked;
	_cleanup_(supply_done) struct supply supply;
	struct error err = {};
	const char *why = NULL;

	look(&looked, state, "cp -p new/a new/z");
	shell(looked.dirfd, "echo xxx >slot/a");
	supply = prepare(&looked);
	check_error(supply_local(&supply, 0, content_at(&looked, "a"), &why, &err), &err,
		    FAULT_BUSY, "was changed");
	shell(looked.dirfd, "test ! -e slot/z");
}

/* Between the survey and its place. */
static void check_changed(void **state, const char *script, const char *then)
{
	_cleanup_looked_ struct looked looked;
	_cleanup_(supply_done) struct supply supply;
	struct error err = {};
	const char *why = NULL;
	struct survey_content origin;

	shell(check_dirfd(state), "rm -rf new slot source staging");
	look(&looked, state, script);
	supply = prepare(&looked);
	origin = origin_of(&looked, "a");
	if (origin.origin == SURVEY_STRAY)
		assert_int_equal(staged_adopt(looked.staging, looked.slot,
					      &looked.survey->strays[origin.from], NULL),
				 0);
	shell(looked.dirfd, "rm -f slot/z; sleep 0.05");
	shell(looked.dirfd, then);
	check_error(supply_local(&supply, 0, content_at(&looked, "a"), &why, &err), &err,
		    FAULT_BUSY, "a: somebody else changes staging/");
	shell(looked.dirfd, "test ! -e slot/a");
}

static void test_staged_ones_that_changed(void **state)
{
	check_changed(state, "rm slot/a; cp new/a staging/$(sha256sum new/a | cut -d' ' -f1)",
		      "echo xxx | dd of=$(echo staging/*) conv=notrunc 2>/dev/null");
	check_changed(state, "mv slot/a slot/z",
		      "echo xxx | dd of=$(echo staging/*) conv=notrunc 2>/dev/null");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_from_everywhere),
		check_in_dir(test_from_a_source_that_lies),
		check_in_dir(test_holes_stay_holes),
		check_in_dir(test_from_bytes),
		check_in_dir(test_a_donor_that_changed),
		check_in_dir(test_staged_ones_that_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
