/* The child that touches a service's data, and how far it is believed. */
#include "deploy/data-helper.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "../base/check.h"
#include "base/cleanup.h"
#include "base/clock.h"

static char program[300];
static struct data_run run;

static int setup(void **state)
{
	const char *build = getenv("B");
	int r = check_setup(state);

	(void)snprintf(program, sizeof(program), "%s/flipslot", build ? build : "build");
	assert_int_equal(mkdirat(check_dirfd(state), "from", 0700), 0);
	assert_int_equal(mkdirat(check_dirfd(state), "to", 0700), 0);
	check_write(check_dirfd(state), "from/db", "12345", 5);
	run = (struct data_run){
		.helper = program,
		.from_fd = openat(check_dirfd(state), "from", O_RDONLY | O_DIRECTORY),
		.to_fd = openat(check_dirfd(state), "to", O_RDONLY | O_DIRECTORY),
		.uid = geteuid(),
		.gid = getegid(),
		.limits = { .max_copied = 1 << 20 },
		.timeout_usec = 60 * USEC_PER_SEC,
		.wake_fd = -1,
	};
	return r;
}

static int teardown(void **state)
{
	(void)close(run.from_fd);
	(void)close(run.to_fd);
	return check_teardown_closed(state);
}

static bool there(const char *name)
{
	return faccessat(check_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void it_does_its_errands(void **state)
{
	struct shadow_figures figures = {};

	(void)state;
	run.errand = DATA_MEASURE;
	assert_int_equal(data_helper_run(&run, &figures, NULL), 0);
	assert_int_equal(figures.bytes, 5);
	assert_int_equal(figures.entries, 1);
	assert_false(there("to/db"));
	run.errand = DATA_COPY;
	assert_int_equal(data_helper_run(&run, &figures, NULL), 0);
	assert_true(there("to/db"));
	run.errand = DATA_SWEEP;
	assert_int_equal(data_helper_run(&run, &figures, NULL), 0);
	assert_false(there("from/db"));
	assert_true(there("from"));
}

static void it_is_somebody_else_by_then(void **state)
{
	struct shadow_figures figures;
	struct error err = {};

	(void)state;
	if (geteuid() != 0)
		skip();
	run.uid = run.gid = 4711; /* to whom the folder is closed */
	run.errand = DATA_SWEEP;
	assert_true(data_helper_run(&run, &figures, &err) < 0);
	assert_true(there("from/db"));
}

static int at_once(void *data)
{
	(void)data;
	return 1;
}

/* A program that does what the text says, in the helper's place. */
static void play(const char *text)
{
	static char name[300];

	check_write(check_fd, "helper", text, strlen(text));
	assert_int_equal(fchmodat(check_fd, "helper", 0755, 0), 0);
	(void)snprintf(name, sizeof(name), "%s/helper", check_path);
	run.helper = name;
}

static void nothing_else_is_believed(void **state)
{
	static const char *const answers[] = {
		"ok 1 2", "ok 1 2 3 4", "ok", "no", "no x", "OK 1 2 3", "ok a b c",
	};
	struct shadow_figures figures;
	struct error err = {};
	char text[100];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		(void)snprintf(text, sizeof(text), "#!/bin/sh\nread x\necho '%s'\n", answers[i]);
		play(text);
		assert_true(data_helper_run(&run, &figures, NULL) < 0);
	}
	play("#!/bin/sh\nread x\nprintf 'no 5 a\\033[31mb\\n'\n");
	assert_true(data_helper_run(&run, &figures, &err) < 0);
	assert_non_null(strstr(err.text, "a\\x1b[31mb"));
	play("#!/bin/sh\nread x\nexec cat /dev/zero\n");
	assert_true(data_helper_run(&run, &figures, NULL) < 0);
	run.helper = "/nonexistent";
	assert_true(data_helper_run(&run, &figures, NULL) < 0);
}

static void it_is_not_waited_for_for_ever(void **state)
{
	struct shadow_figures figures;
	uint64_t began = clock_monotonic_usec();
	struct error err = {};

	(void)state;
	play("#!/bin/sh\nexec sleep 100\n");
	run.timeout_usec = USEC_PER_SEC / 10;
	assert_true(data_helper_run(&run, &figures, &err) < 0);
	assert_non_null(strstr(err.text, "too long"));
	run.timeout_usec = 60 * USEC_PER_SEC;
	run.interrupt = at_once;
	assert_int_equal(data_helper_run(&run, &figures, NULL), DATA_INTERRUPTED);
	assert_true(clock_monotonic_usec() - began < 30 * USEC_PER_SEC);
}

int main(void)
{
#define helper_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		helper_test(it_does_its_errands),
		helper_test(it_is_somebody_else_by_then),
		helper_test(nothing_else_is_believed),
		helper_test(it_is_not_waited_for_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
