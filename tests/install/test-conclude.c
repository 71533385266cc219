#include "install/conclude.h"

#include "install/place.h"
#include "survey-kit.h"

static int conclude(void **state, const char *script, struct error *err)
{
	_cleanup_close_ int app = app_make(check_dirfd(state), "app");
	_cleanup_(place_freep) struct place *place = NULL;
	struct descriptor descriptor = app_descriptor();
	_cleanup_looked_ struct looked looked;
	struct meter meter = {};
	struct conclude_options options = {
		.other_fd = -1,
		.dirfd = app,
		.slot = SLOT_A,
		.owner = geteuid(),
		.meter = &meter,
	};
	int r;

	look(&looked, state,
	     "ln -s d/b new/l; rm -rf app/slots/a; mv slot app/slots/a; mkdir slot;"
	     "rm app/slots/a/d/h");
	shell(looked.dirfd, script);
	assert_int_equal(layout_open_slot(app, SLOT_A, &options.slot_fd, NULL), 0);
	assert_int_equal(place_new(options.slot_fd, looked.staging, &place, NULL), 0);
	options.index = looked.index;
	options.place = place;
	r = conclude_run(&options, &descriptor, err);
	(void)close(options.slot_fd);
	if (r < 0) {
		assert_false(app_is_sealed(app, SLOT_A));
		return r;
	}
	assert_int_equal(descriptor.files, 5);
	assert_int_equal(descriptor.bytes, 7);
	assert_int_equal(app_differences(app, SLOT_A), 0);
	shell(looked.dirfd,
	      "diff -r --no-dereference new app/slots/a; test app/slots/a/d/h -ef app/slots/a/d/b");
	return 0;
}

static void test_links_and_seals(void **state)
{
	assert_int_equal(conclude(state, ":", NULL), 0);
}

static void check_refused(void **state, const char *script, const char *word)
{
	struct error err = {};

	shell(check_dirfd(state), "rm -rf new slot source staging app maker");
	check_error(conclude(state, script, &err), &err, FAULT_BUSY, word);
}

static void test_what_somebody_else_did(void **state)
{
	check_refused(state, "touch app/slots/a/x", "x: not in the seal");
	check_refused(state, "chmod 0600 app/slots/a/a", "a: mode");
	check_refused(state, "touch -d @3 app/slots/a/a", "a: time");
	check_refused(state, "ln app/slots/a/a stranger", "a: has another name");
	check_refused(state, "rm app/slots/a/a", "a: missing");
	check_refused(state, "ln -s / app/slots/a/l", "l: link text");
	check_refused(state, "cp -p new/d/b app/slots/a/d/h", "d/h: no longer the same");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_links_and_seals),
		check_in_dir(test_what_somebody_else_did),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
