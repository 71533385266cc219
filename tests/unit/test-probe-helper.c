#include "fixture.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>

#include "unit/probe-helper.h"

static char answer[1024];

/* What the helper answers to these orders, run as flipslot runs it. */
static int give_orders(const void *orders, size_t size)
{
	int file = memfd_create("orders", MFD_CLOEXEC);
	char *const argv[] = { (char[]){ "x" }, (char[]){ "probe-helper" }, NULL };
	char *const environment[] = { NULL };
	ssize_t n = 0;
	ssize_t more;
	int status;
	int fds[2];
	pid_t pid;

	assert_int_equal(pwrite(file, orders, size, 0), size);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		(void)dup2(file, 0);
		(void)dup2(fds[1], 1);
		(void)execve("/proc/self/exe", argv, environment);
		_exit(127);
	}
	(void)close(fds[1]);
	(void)close(file);
	while ((more = read(fds[0], answer + n, sizeof(answer) - 1 - (size_t)n)) > 0)
		n += more;
	answer[n] = '\0';
	(void)close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void check_answer(const char *orders, const char *wanted)
{
	assert_int_equal(give_orders(orders, strlen(orders)), 0);
	assert_string_equal(answer, wanted);
}

static void test_bad_orders(void **state UNUSED)
{
	static char huge[1024 * 1024];

	check_answer("", "no could not be asked: orders of another form\n");
	check_answer("nonsense", "no could not be asked: orders of another form\n");
	check_answer("kind=http\n", "no could not be asked: orders of another form\n");
	assert_int_equal(give_orders("kind=tcp\ntimeout=1000000\nstarted=0\n\0x", 37), 0);
	assert_string_equal(answer, "no could not be asked: orders of another form\n");
	memset(huge, 'x', sizeof(huge));
	assert_int_equal(give_orders(huge, sizeof(huge)), 0);
	assert_string_equal(answer, "no could not be asked: orders of another form\n");
}

static void test_kinds_of_the_manager(void **state UNUSED)
{
	check_answer("kind=unit\ntimeout=1000000\nstarted=0\nowner=0\n",
		     "no could not be asked: kind unit is not asked in a child\n");
}

/* Each kind without what it needs says so, inside of its own filter. */
static void test_incomplete(void **state UNUSED)
{
	check_answer("kind=http\ntimeout=1000000\nstarted=0\nowner=0\n",
		     "no the HTTP library could not be started\n");
	check_answer("kind=tcp\ntimeout=1000000\nstarted=0\nowner=0\n",
		     "no Address= is not HOST:PORT\n");
	check_answer("kind=unix\ntimeout=1000000\nstarted=0\nowner=0\n",
		     "no Path= is empty or longer than 107 bytes\n");
	check_answer("kind=exec\ntimeout=1000000\nstarted=0\nowner=0\n", "no no command given\n");
	check_answer("kind=journal\ntimeout=1000000\nstarted=0\nowner=0\n",
		     "no the unit has no invocation to look for\n");
	check_answer("kind=file\ntimeout=1000000\nstarted=0\nowner=0\n",
		     "no  cannot be found: No such file or directory\n");
}

static void test_journal_absent(void **state UNUSED)
{
	check_answer("kind=journal\ntimeout=1000000\nstarted=0\nowner=0\nmatch=(\n"
		     "invocation=0123456789abcdef0123456789abcdef\n",
		     "no a regular expression is wrong: Unmatched ( or \\(\n");
	check_answer("kind=journal\ntimeout=1000000\nstarted=0\nowner=0\nmatch=x\n"
		     "invocation=0123456789abcdef0123456789abcdef\n",
		     "no none of the 0 records of this invocation matches \"x\"\n");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_orders),
		cmocka_unit_test(test_kinds_of_the_manager),
		cmocka_unit_test(test_incomplete),
		cmocka_unit_test(test_journal_absent),
	};

	if (argc == 2 && strcmp(argv[1], "probe-helper") == 0)
		_exit(probe_helper_main()); /* without LeakSanitizer, which the filter would stop */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
