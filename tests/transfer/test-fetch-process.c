#include "transfer/fetch-process.h"

#include "kit.h"

/* What the program does when it is run as a helper: it looks at itself, and says so. */
static int as_helper(void)
{
	char order[16] = "";
	sigset_t blocked;

	(void)!read(STDIN_FILENO, order, sizeof(order) - 1);
	if (strcmp(order, "exit") == 0)
		return 7;
	if (strcmp(order, "die") == 0)
		(void)raise(SIGUSR1);
	if (strcmp(order, "hang") == 0)
		for (;;)
			(void)pause();
	(void)sigprocmask(SIG_BLOCK, NULL, &blocked);
	(void)dprintf(STDOUT_FILENO, "%d%d%d%d", environ[0] == NULL,
		      signal(SIGTERM, SIG_DFL) == SIG_DFL, sigismember(&blocked, SIGTERM),
		      fcntl(9, F_GETFD) >= 0);
	return 0;
}

static void start(struct fetch_process *process, const char *order)
{
	assert_int_equal(fetch_process_start("/proc/self/exe", process, NULL), 0);
	assert_int_equal(write(process->orders, order, strlen(order)), (ssize_t)strlen(order));
}

static void wait_for_end(const struct fetch_process *process)
{
	siginfo_t info;

	assert_int_equal(waitid(P_PID, (id_t)process->spawn.pid, &info, WEXITED | WNOWAIT), 0);
}

static void it_has_two_pipes_and_nothing_else(void **state)
{
	char how[FETCH_PROCESS_TEXT_MAX];
	struct fetch_process process;
	char answer[16] = "";
	sigset_t term;

	(void)dup2(STDERR_FILENO, 9);
	(void)fcntl(9, F_SETFD, FD_CLOEXEC);
	(void)sigemptyset(&term);
	(void)sigaddset(&term, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &term, NULL);
	(void)signal(SIGTERM, SIG_IGN);
	start(&process, "look");
	wait_for_end(&process);
	assert_int_equal(read(process.answers, answer, sizeof(answer) - 1), 4);
	assert_string_equal(answer, "1100");
	fetch_process_end(&process, 0, how);
	assert_string_equal(how, "exited with 0");
	(void)signal(SIGTERM, SIG_DFL);
	(void)sigprocmask(SIG_UNBLOCK, &term, NULL);
	(void)close(9);
}

static void how_it_ended_is_told(void **state)
{
	char how[FETCH_PROCESS_TEXT_MAX];
	struct fetch_process process;

	start(&process, "exit");
	fetch_process_end(&process, 60000, how);
	assert_string_equal(how, "exited with 7");
	start(&process, "die");
	fetch_process_end(&process, 60000, how);
	assert_string_equal(how, "was killed by signal 10");
}

static void one_that_hangs_is_killed_and_reaped(void **state)
{
	uint64_t before = clock_monotonic_usec();
	char how[FETCH_PROCESS_TEXT_MAX];
	struct fetch_process process;

	start(&process, "hang");
	fetch_process_end(&process, 100, how);
	assert_string_equal(how, "");
	assert_true(clock_monotonic_usec() - before < 30 * USEC_PER_SEC);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	fetch_process_end(&process, 0, how); /* once more does nothing */
}

static void what_cannot_be_run_is_said(void **state)
{
	struct fetch_process process;
	struct error err;

	kit_check_error(fetch_process_start("/nonexistent/flipslot", &process, &err), &err,
			FAULT_INTERNAL, "/nonexistent/flipslot: No such file");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_has_two_pipes_and_nothing_else),
		cmocka_unit_test(how_it_ended_is_told),
		cmocka_unit_test(one_that_hangs_is_killed_and_reaped),
		cmocka_unit_test(what_cannot_be_run_is_said),
	};

	if (argc == 2 && strcmp(argv[1], "fetch-helper") == 0)
		return as_helper();
	if (argc > 1)
		return KIT_REFUSED;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
