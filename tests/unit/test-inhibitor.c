/* LDFLAGS: -Wl,--wrap=fd_read_file */
/* Who holds a switch off: found by the lock, counted by who it is. */
#include "unit/inhibitor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "../base/check.h"

#define NOBODY 65534

static pid_t child;
static int wait_fd = -1; /* as long as it is open */
static unsigned int reads; /* of files in whole */

int __real_fd_read_file(int dirfd, const char *name, size_t max, char **ret_data, size_t *ret_size,
			struct error *err);
int __wrap_fd_read_file(int dirfd, const char *name, size_t max, char **ret_data, size_t *ret_size,
			struct error *err);

int __wrap_fd_read_file(int dirfd, const char *name, size_t max, char **ret_data, size_t *ret_size,
			struct error *err)
{
	reads++;
	return __real_fd_read_file(dirfd, name, max, ret_data, ret_size, err);
}

/* A process of that user, with that command line, that has the lock. */
static void hold(const char *path, uid_t uid, const char *why)
{
	int fds[2], in[2];
	char byte;

	assert_int_equal(pipe2(fds, 0), 0);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		char script[256];
		int fd;

		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (setresuid(uid, uid, uid) < 0 || inhibitor_hold(path, &fd, NULL) < 0)
			_exit(1);
		(void)fcntl(fd, F_SETFD, 0);
		(void)dup2(in[0], STDIN_FILENO);
		(void)snprintf(script, sizeof(script), "echo >&%d; read x; :", fds[1]);
		(void)execl("/bin/sh", "sh", "-c", script, "x", "--why", why, NULL);
		_exit(1);
	}
	(void)close(fds[1]);
	(void)close(in[0]);
	(void)close(wait_fd);
	wait_fd = in[1];
	assert_int_equal(read(fds[0], &byte, 1), 1);
	(void)close(fds[0]);
}

static void let_go(void)
{
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void nobody_holds_nothing_off(void **unused)
{
	struct inhibitors inhibitors;
	const struct unit unit = {};
	char text[64];

	(void)unused;
	reads = 0;
	assert_int_equal(inhibitor_find(&unit, check_fd, &inhibitors, NULL), 0);
	assert_int_equal(inhibitors.n, 0);
	assert_int_equal(reads, 0); /* /proc/locks costs each update a grace period */
	assert_string_equal(inhibitor_describe(&inhibitors, text, sizeof(text)), "");
}

static void who_holds_it_off_is_found_with_the_reason(void **unused)
{
	struct inhibitors inhibitors;
	const struct unit unit = {};
	char text[64], wanted[64];

	(void)unused;
	hold(check_path, geteuid(), "a\tbatch");
	assert_int_equal(inhibitor_find(&unit, check_fd, &inhibitors, NULL), 0);
	assert_int_equal(inhibitors.n, 1);
	assert_int_equal(inhibitors.list[0].pid, child);
	(void)snprintf(wanted, sizeof(wanted), "%d (a\\x09batch)", child);
	assert_string_equal(inhibitor_describe(&inhibitors, text, sizeof(text)), wanted);
	let_go();
	nobody_holds_nothing_off(NULL);
}

/* The app's own user may, and who is in its cgroup; nobody else. */
static void strangers_do_not_count(void **unused)
{
	struct inhibitors inhibitors;
	struct unit unit = {};

	(void)unused;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(check_path, 0755), 0);
	hold(check_path, NOBODY, "mischief");
	assert_int_equal(inhibitor_find(&unit, check_fd, &inhibitors, NULL), 0);
	assert_int_equal(inhibitors.n, 0);
	(void)snprintf(unit.user, sizeof(unit.user), "nobody");
	assert_int_equal(inhibitor_find(&unit, check_fd, &inhibitors, NULL), 0);
	assert_int_equal(inhibitors.n, 1);
	let_go();
}

/* As one who looks for inhibitors has it. */
static void a_lock_of_a_moment_is_waited_for(void **unused)
{
	int fds[2], fd = -1, status;
	struct error err = {};
	char byte;

	(void)unused;
	assert_int_equal(pipe2(fds, 0), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		int dir = open(check_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (flock(dir, LOCK_EX) < 0 || write(fds[1], "x", 1) != 1)
			_exit(1);
		(void)usleep(50000);
		_exit(0);
	}
	assert_int_equal(read(fds[0], &byte, 1), 1);
	if (inhibitor_hold(check_path, &fd, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(waitpid(child, &status, 0), child);
	(void)close(fd);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nobody_holds_nothing_off, check_setup,
						check_teardown),
		cmocka_unit_test_setup_teardown(who_holds_it_off_is_found_with_the_reason,
						check_setup, check_teardown),
		cmocka_unit_test_setup_teardown(strangers_do_not_count, check_setup,
						check_teardown),
		cmocka_unit_test_setup_teardown(a_lock_of_a_moment_is_waited_for, check_setup,
						check_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
