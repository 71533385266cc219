#include "fixture.h"

#include <signal.h>

#include "unit/exitcode.h"

static void check(int code, int status, const char *wanted)
{
	char text[256];

	assert_string_equal(exitcode_explain(code, status, text, sizeof(text)), wanted);
}

static void test_words(void **state UNUSED)
{
	check(CLD_EXITED, 0, "exited with status 0");
	check(CLD_EXITED, 1, "exited with status 1");
	check(CLD_EXITED, 127,
	      "exited with status 127 (a shell's word for: command not found; the "
	      "loader's for: a shared library is missing)");
	check(CLD_EXITED, 200,
	      "its working directory is missing, may not be entered, or is hidden by the unit's "
	      "own sandbox (InaccessiblePaths= and the like) (200/CHDIR)");
	check(CLD_EXITED, 209, "systemd could not set it up (209/STDOUT)");
	check(CLD_EXITED, 255, "exited with status 255");
	check(CLD_KILLED, SIGKILL, "was killed by signal 9 (KILL)");
	check(CLD_DUMPED, SIGABRT, "crashed with signal 6 (ABRT)");
	check(CLD_KILLED, 999, "was killed by signal 999 (?)");
	check(77, 5, "ended in a way unknown (77, 5)");
}

static void test_room(void **state UNUSED)
{
	char text[8];

	assert_string_equal(exitcode_explain(CLD_EXITED, 203, text, sizeof(text)), "could n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
