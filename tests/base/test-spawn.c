#include "base/spawn.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/spawner.h"
#include "check.h"

static char path[100];
static int ends[2]; /* the orders of the helper: it reads 0 of them */
static int said[2];

/* What this program does as a helper: what its first byte says. */
static int as_helper(void)
{
	char order = 0;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)!read(STDIN_FILENO, &order, 1);
	if (order == 'x')
		return 7;
	if (order == 'd')
		(void)raise(SIGUSR1);
	(void)dprintf(STDOUT_FILENO, "%d\n", getpid());
	if (order == 'h')
		for (;;)
			(void)pause();
	return 0;
}

static int listen_at_path(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(path, sizeof(path), "%s/spawner.sock", check_path);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	(void)unlink(path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

/* As systemd does: the spawner is a process that has a socket which listens. */
static pid_t listen_there(void)
{
	int fd = listen_at_path();
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(spawner_main(fd));
	(void)close(fd);
	return pid;
}

static void start(struct spawn *spawn, char order)
{
	struct error err = {};

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(pipe2(said, O_CLOEXEC), 0);
	if (spawn_start("/proc/self/exe", "fetch-helper", ends[0], said[1], spawn, &err) != 0)
		fail_msg("%s", err.text);
	(void)close(ends[0]);
	(void)close(said[1]);
	assert_int_equal(write(ends[1], &order, 1), 1);
}

static void close_ours(void)
{
	(void)close(ends[1]);
	(void)close(said[0]);
}

/* Its pid, once it runs. */
static pid_t wait_for_line(void)
{
	char line[32] = "";

	assert_true(read(said[0], line, sizeof(line) - 1) > 0);
	return (pid_t)strtol(line, NULL, 10);
}

static bool is_gone(pid_t pid)
{
	for (int i = 0; i < 100; i++) {
		if (kill(pid, 0) < 0 && errno == ESRCH)
			return true;
		(void)poll(NULL, 0, 20);
	}
	return false;
}

static void forget(pid_t spawner)
{
	(void)kill(spawner, SIGKILL);
	(void)waitpid(spawner, NULL, 0);
	spawn_through(NULL);
}

static void check_ends(void)
{
	struct spawn_end end;
	struct spawn spawn;
	pid_t pid;

	start(&spawn, 'x');
	assert_int_equal(spawn_finish(&spawn, 5000, &end), 0);
	assert_int_equal(end.code, CLD_EXITED);
	assert_int_equal(end.status, 7);
	assert_false(end.by_us);
	assert_int_equal(spawn.fd, -1);
	close_ours();
	start(&spawn, 'd');
	assert_int_equal(spawn_finish(&spawn, 5000, &end), 0);
	assert_int_equal(end.code, CLD_KILLED);
	assert_int_equal(end.status, SIGUSR1);
	close_ours();
	start(&spawn, 'h');
	pid = wait_for_line();
	assert_int_equal(spawn_finish(&spawn, 0, &end), 0);
	assert_true(end.by_us);
	assert_int_equal(end.status, SIGKILL);
	assert_true(is_gone(pid));
	close_ours();
	assert_int_equal(spawn_finish(&spawn, 0, &end), 0);
}

static void by_ourselves(void **state)
{
	(void)state;
	spawn_through(NULL);
	check_ends();
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void by_the_spawner(void **state)
{
	pid_t spawner = listen_there();

	(void)state;
	spawn_through(path);
	spawn_early();
	check_ends();
	forget(spawner);
}

static void a_spawner_that_dies_takes_them_along_and_is_not_their_end(void **state)
{
	pid_t spawner = listen_there();
	struct spawn_end end;
	struct spawn spawn;
	pid_t pid;

	(void)state;
	spawn_through(path);
	start(&spawn, 'h');
	pid = wait_for_line();
	(void)kill(spawner, SIGKILL);
	(void)waitpid(spawner, NULL, 0);
	assert_int_equal(spawn_finish(&spawn, 5000, &end), SPAWN_LOST);
	assert_int_equal(end.code, 0);
	close_ours();
	assert_true(is_gone(pid));
	spawn_through(NULL);
}

static void another_spawner_is_asked(void **state)
{
	pid_t first = listen_there(), second;
	struct spawn_end end;
	struct spawn spawn;

	(void)state;
	spawn_through(path);
	start(&spawn, 'x');
	assert_int_equal(spawn_finish(&spawn, 5000, &end), 0);
	close_ours();
	(void)kill(first, SIGKILL);
	(void)waitpid(first, NULL, 0);
	second = listen_there();
	start(&spawn, 'x');
	assert_int_equal(spawn_finish(&spawn, 5000, &end), 0);
	assert_int_equal(end.status, 7);
	close_ours();
	forget(second);
}

static void an_order_that_nobody_takes_is_told_from_one_that_is(void **state)
{
	struct spawn_end end;
	struct spawn spawn;
	int listener = listen_at_path();
	uint64_t began;
	pid_t spawner;

	(void)state;
	spawn_through(path);
	start(&spawn, 'h');
	assert_true(spawn_is_unheard(&spawn));
	began = clock_monotonic_usec();
	assert_int_equal(spawn_finish(&spawn, 0, &end),
			 SPAWN_LOST); /* nobody there who could tell */
	assert_true(clock_monotonic_usec() - began < 1500000);
	close_ours();
	start(&spawn, 'h');
	(void)close(listener);
	assert_int_equal(spawn_finish(&spawn, 5000, &end), SPAWN_LOST);
	close_ours();
	spawner = listen_there();
	start(&spawn, 'h');
	(void)wait_for_line();
	assert_false(spawn_is_unheard(&spawn));
	assert_int_equal(spawn_finish(&spawn, 0, &end), 0);
	close_ours();
	forget(spawner);
	start(&spawn, 'x');
	assert_false(spawn_is_unheard(&spawn));
	assert_int_equal(spawn_finish(&spawn, 5000, &end), 0);
	close_ours();
}

static void nobody_there_is_an_outcome(void **state)
{
	struct error err = {};
	struct spawn spawn;

	(void)state;
	(void)unlink(path);
	spawn_through(path);
	assert_int_equal(spawn_start("/proc/self/exe", "fetch-helper", 0, 1, &spawn, &err),
			 SPAWN_NOBODY);
	check_error(-1, &err, FAULT_UNIT, "nobody starts helpers at ");
	spawn_through(NULL);
}

static void a_hail_is_answered_by_who_is_there(void **state)
{
	struct error err = {};
	int listener = listen_at_path();
	pid_t spawner;

	(void)state;
	spawn_through(NULL);
	assert_false(spawn_is_through());
	assert_int_equal(spawn_hail(0, &err), 0);
	spawn_through(path);
	assert_true(spawn_is_through());
	assert_int_equal(spawn_early(), 0);
	assert_int_equal(spawn_hail(50, &err), SPAWN_NOBODY);
	check_error(-1, &err, FAULT_UNIT, "nobody takes orders for helpers at ");
	(void)close(listener);
	spawner = listen_there();
	assert_int_equal(spawn_hail(5000, &err), 0);
	assert_int_equal(spawn_hail(5000, &err), 0);
	forget(spawner);
	(void)unlink(path);
	spawn_through(path);
	assert_true(spawn_early() < 0);
	assert_int_equal(spawn_hail(5000, &err), SPAWN_NOBODY);
	spawn_through(NULL);
}

static void a_program_that_cannot_be_run_is_said(void **state)
{
	pid_t spawner = listen_there();
	struct spawn_end end;
	struct spawn spawn;

	(void)state;
	spawn_through(path);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(spawn_start("/dev/null", "fetch-helper", ends[0], ends[1], &spawn, NULL),
			 0);
	assert_int_equal(spawn_finish(&spawn, 5000, &end), 0);
	assert_int_equal(end.code, 0);
	assert_int_equal(end.status, EACCES);
	(void)close(ends[0]);
	(void)close(ends[1]);
	forget(spawner);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(by_ourselves),
		check_in_dir(by_the_spawner),
		check_in_dir(a_spawner_that_dies_takes_them_along_and_is_not_their_end),
		check_in_dir(another_spawner_is_asked),
		check_in_dir(an_order_that_nobody_takes_is_told_from_one_that_is),
		check_in_dir(nobody_there_is_an_outcome),
		check_in_dir(a_hail_is_answered_by_who_is_there),
		check_in_dir(a_program_that_cannot_be_run_is_said),
	};

	if (argc > 1) /* never the tests themselves: they would start themselves without end */
		return strcmp(argv[1], "fetch-helper") == 0 ? as_helper() : 99;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
