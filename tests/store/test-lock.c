/* LDFLAGS: -Wl,--wrap=flock */
#include "store/lock.h"

#include <sys/file.h>
#include <sys/prctl.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "../base/check.h"

int __real_flock(int fd, int operation);
int __wrap_flock(int fd, int operation);

/* How often the file is made anew between its opening and its locking. */
static int replacements;
static int replace_in;

int __wrap_flock(int fd, int operation)
{
	if (replacements > 0) {
		replacements--;
		assert_int_equal(unlinkat(replace_in, "lock", 0), 0);
		check_write(replace_in, "lock", "", 0);
	}
	return __real_flock(fd, operation);
}

static int setup(void **state)
{
	int r = check_setup(state);

	if (r == 0)
		check_write(check_dirfd(state), "lock", "", 0);
	return r;
}

#define check_with_lock(test) cmocka_unit_test_setup_teardown(test, setup, check_teardown_closed)

static void one_at_a_time(void **state)
{
	int dirfd = check_dirfd(state);
	int fd = -1;
	int other = -1;

	for (int round = 0; round < 3; round++) {
		assert_int_equal(lock_take(dirfd, "lock", &fd, NULL), 0);
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		assert_int_equal(lock_take(dirfd, "lock", &other, NULL), LOCK_TAKEN);
		assert_int_equal(other, -1);
		assert_int_equal(close(fd), 0);
	}
}

/* SIGKILL, so that nothing of the holder's own can give it back. */
static void the_lock_dies_with_its_holder(void **state)
{
	int dirfd = check_dirfd(state);
	int ready[2];
	int fd = -1;
	char c;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (lock_take(dirfd, "lock", &fd, NULL) == 0)
			(void)!write(ready[1], "x", 1);
		for (;;)
			(void)pause();
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(lock_take(dirfd, "lock", &fd, NULL), LOCK_TAKEN);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(lock_take(dirfd, "lock", &fd, NULL), 0);
	(void)close(fd);
	(void)close(ready[0]);
	(void)close(ready[1]);
}

static void waiting_ends_with_the_time(void **state)
{
	int dirfd = check_dirfd(state);
	uint64_t began = clock_monotonic_usec();
	int other = -1;
	int fd = -1;

	assert_int_equal(lock_take(dirfd, "lock", &fd, NULL), 0);
	assert_int_equal(lock_wait(dirfd, "lock", 100 * USEC_PER_MSEC, &other, NULL), LOCK_TAKEN);
	assert_true(clock_monotonic_usec() - began >= 100 * USEC_PER_MSEC);
	assert_int_equal(lock_wait(dirfd, "lock", 0, &other, NULL), LOCK_TAKEN);
	assert_int_equal(close(fd), 0);
	assert_int_equal(lock_wait(dirfd, "lock", 0, &other, NULL), 0);
	(void)close(other);
}

static void waiting_ends_with_the_lock(void **state)
{
	int dirfd = check_dirfd(state);
	uint64_t began = clock_monotonic_usec();
	int fd = -1;
	pid_t pid;

	assert_int_equal(lock_take(dirfd, "lock", &fd, NULL), 0);
	pid = fork(); /* holds the same lock */
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)usleep(100000);
		_exit(0);
	}
	assert_int_equal(close(fd), 0);
	assert_int_equal(lock_wait(dirfd, "lock", USEC_INFINITY, &fd, NULL), 0);
	assert_true(clock_monotonic_usec() - began >= 100 * USEC_PER_MSEC);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	(void)close(fd);
}

/* A lock on a file that lost its name would lock nobody out. */
static void a_file_made_anew_is_locked_anew(void **state)
{
	int dirfd = check_dirfd(state);
	struct error err = {};
	int other = -1;
	int fd = -1;

	replace_in = dirfd;
	replacements = 3;
	assert_int_equal(lock_take(dirfd, "lock", &fd, NULL), 0);
	assert_int_equal(replacements, 0);
	assert_int_equal(lock_take(dirfd, "lock", &other, NULL), LOCK_TAKEN);
	assert_int_equal(close(fd), 0);
	replacements = 1000;
	check_error(lock_take(dirfd, "lock", &fd, &err), &err, FAULT_BUSY, "again");
	replacements = 0;
}

static void what_is_no_lock_is_refused(void **state)
{
	int dirfd = check_dirfd(state);
	struct error err = {};
	int fd = -1;

	check_error(lock_take(dirfd, "none", &fd, &err), &err, FAULT_CONFIG, "flipslot init");
	check_error(lock_wait(dirfd, "none", 1000, &fd, &err), &err, FAULT_CONFIG, "flipslot init");
	assert_int_equal(symlinkat("lock", dirfd, "link"), 0);
	check_error(lock_take(dirfd, "link", &fd, &err), &err, FAULT_INTERNAL, "link");
	assert_int_equal(fd, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_with_lock(one_at_a_time),
		check_with_lock(the_lock_dies_with_its_holder),
		check_with_lock(waiting_ends_with_the_time),
		check_with_lock(waiting_ends_with_the_lock),
		check_with_lock(a_file_made_anew_is_locked_anew),
		check_with_lock(what_is_no_lock_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
