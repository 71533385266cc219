/* What a worker leaves for the one that finds the configuration broken. */
#include "scratch.h"

#include <sys/stat.h>

#include "app/trace.h"

static struct trace_places make_places(struct scratch *scratch)
{
	scratch_mkdir(scratch, "run/gw");
	scratch_mkdir(scratch, "state");
	return (struct trace_places){ .run = scratch_path(scratch, "run"),
				      .state = scratch_path(scratch, "state") };
}

static void done(struct trace_places *places)
{
	free((char *)places->run);
	free((char *)places->state);
}

/* fd is the directory `name`; closed. */
static void check_is(const struct scratch *scratch, int fd, const char *name)
{
	_cleanup_free_ char *path = scratch_path(scratch, "%s", name);
	struct stat wanted, found;

	assert_true(fd >= 0);
	assert_int_equal(stat(path, &wanted), 0);
	assert_int_equal(fstat(fd, &found), 0);
	assert_true(wanted.st_dev == found.st_dev && wanted.st_ino == found.st_ino);
	(void)close(fd);
}

static void test_found_after_a_reboot(void **state)
{
	struct scratch *scratch = *state;
	_cleanup_(done) struct trace_places places = make_places(scratch);
	_cleanup_free_ char *root = scratch_path(scratch, "srv/gw");
	_cleanup_free_ char *link = scratch_path(scratch, "run/gw/root");

	assert_int_equal(trace_open(&places, "gw"), -1);
	scratch_mkdir(scratch, "srv/gw");
	for (int i = 0; i < 2; i++)
		assert_int_equal(trace_leave(&places, "gw", root, NULL), 0);
	check_is(scratch, trace_open(&places, "gw"), "srv/gw");
	assert_int_equal(unlink(link), 0);
	check_is(scratch, trace_open(&places, "gw"), "srv/gw");
	scratch_mkdir(scratch, "state/gw"); /* of before Root= was set, say */
	check_is(scratch, trace_open(&places, "gw"), "srv/gw");
}

static void test_the_usual_place_needs_no_link(void **state)
{
	struct scratch *scratch = *state;
	_cleanup_(done) struct trace_places places = make_places(scratch);
	_cleanup_free_ char *elsewhere = scratch_path(scratch, "srv/gw");
	_cleanup_free_ char *root = scratch_path(scratch, "state/gw");
	_cleanup_free_ char *link = scratch_path(scratch, "run/gw/root");

	scratch_mkdir(scratch, "srv/gw");
	scratch_mkdir(scratch, "state/gw");
	assert_int_equal(trace_leave(&places, "gw", elsewhere, NULL), 0);
	assert_true(scratch_exists(scratch, "state/gw.root"));
	assert_int_equal(trace_leave(&places, "gw", root, NULL), 0);
	assert_false(scratch_exists(scratch, "state/gw.root"));
	assert_int_equal(unlink(link), 0);
	check_is(scratch, trace_open(&places, "gw"), "state/gw");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_found_after_a_reboot),
		scratch_test(test_the_usual_place_needs_no_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
