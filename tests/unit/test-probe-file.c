#include "fixture.h"

#include "unit/probe-file.h"

static char text[PROBE_TEXT_MAX];

static bool ask(const char *path, const char *match, bool fresh, uint64_t started)
{
	struct probe_order order = { .options = { .path = fixture_text(path),
						  .match = fixture_text(match),
						  .fresh = fresh },
				     .context = { .started = started } };

	return probe_file_ask(&order, USEC_INFINITY, text, sizeof(text));
}

static void test_there(void **state UNUSED)
{
	assert_false(ask(fixture_path("ready"), NULL, false, 0));
	check_says(text, "/ready cannot be found: No such file");
	fixture_write("ready", "", 0644);
	assert_true(ask(fixture_path("ready"), NULL, false, 0));
	check_says(text, "/ready is there");
	assert_true(ask(fixture_dir, NULL, false, 0)); /* a directory is a file too */
	assert_false(ask("", NULL, false, 0));
}

static void test_fresh(void **state UNUSED)
{
	const struct timespec times[] = { { 1000, 0 }, { 1000, 0 } };
	const char *path = fixture_path("ready");

	fixture_write("ready", "", 0644);
	assert_true(ask(path, NULL, true, clock_realtime_usec() - USEC_PER_SEC));
	check_says(text, "newly written");
	assert_false(ask(path, NULL, true, clock_realtime_usec() + 10 * USEC_PER_SEC));
	check_says(text, "older than the start of the service");
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	assert_true(ask(path, NULL, false, clock_realtime_usec()));
	assert_true(ask(path, NULL, true, 1000 * USEC_PER_SEC));
	assert_false(ask(path, NULL, true, 1061 * USEC_PER_SEC));
	check_says(text, "is 1min 1s older than the start");
}

static void test_text(void **state UNUSED)
{
	char large[70000];

	fixture_write("state", "mode=run\nready=yes\n", 0644);
	assert_true(ask(fixture_path("state"), "ready=yes", false, 0));
	check_says(text, "with the wanted text");
	assert_false(ask(fixture_path("state"), "ready=no", false, 0));
	check_says(text, "/state does not contain \"ready=no\"");
	memset(large, 'x', sizeof(large));
	(void)snprintf(large + 66000, 4, "end");
	fixture_write_at(fixture_path("large"), large, sizeof(large), 0644);
	assert_false(ask(fixture_path("large"), "end", false, 0)); /* behind the 64 KiB */
}

/* What is not a file is not waited for. */
static void test_no_file(void **state UNUSED)
{
	uint64_t began = clock_monotonic_usec();

	assert_int_equal(mkfifo(fixture_path("pipe"), 0644), 0);
	assert_false(ask(fixture_path("pipe"), "x", false, 0));
	check_says(text, "/pipe is no regular file");
	assert_false(ask("/dev/zero", "x", false, 0));
	assert_false(ask(fixture_dir, "x", false, 0));
	assert_in_range(clock_monotonic_usec() - began, 0, 20 * USEC_PER_SEC);
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DIR(test_there),
		WITH_DIR(test_fresh),
		WITH_DIR(test_text),
		WITH_DIR(test_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
