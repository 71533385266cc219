#include "base/confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "check.h"

/* What gives itself away does so in a child: 0 from the body means that all of it held. */
#define IN_CHILD(body)                                                                  \
	do {                                                                            \
		pid_t _pid = fork();                                                    \
		int _status;                                                            \
		if (_pid == 0)                                                          \
			_exit(body());                                                  \
		assert_int_equal(waitpid(_pid, &_status, 0), _pid);                     \
		assert_true(WIFEXITED(_status));                                        \
		if (WEXITSTATUS(_status) != 0)                                          \
			fail_msg("%s: failed at line %d", #body, WEXITSTATUS(_status)); \
	} while (0)

#define HOLDS(what)                            \
	do {                                   \
		if (!(what))                   \
			return __LINE__ % 256; \
	} while (0)

static void need_root(void)
{
	if (geteuid() != 0) {
		print_message("skipped: needs root\n");
		skip();
	}
}

static bool has_no_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};

	if (syscall(SYS_capget, &header, data) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(data); i++)
		if (data[i].effective || data[i].permitted || data[i].inheritable)
			return false;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

/* Nor does a later exec give one back. */
static bool has_none_for_good(void)
{
	return has_no_capabilities() && prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 0;
}

static int limits(void)
{
	struct error err = {};
	struct rlimit limit;
	int fd;

	HOLDS(confine_limits(&(struct confine_limits){ .descriptors = 20, .processes = 7 }, &err) ==
	      0);
	HOLDS(getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_max == 7);
	HOLDS(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max == 20);
	HOLDS(getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0);
	(void)signal(SIGXFSZ, SIG_IGN);
	fd = openat(check_fd, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	HOLDS(fd >= 0 && write(fd, "x", 1) == -1 && errno == EFBIG);
	for (int i = 0; i < 20; i++)
		fd = dup(fd < 0 ? 0 : fd);
	HOLDS(fd == -1 && errno == EMFILE);
	HOLDS(confine_limits(&(struct confine_limits){ .descriptors = 100 }, &err) ==
	      0); /* a lower one stays */
	HOLDS(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max == 20);
	return 0;
}

static void test_limits(void **state)
{
	IN_CHILD(limits);
}

static int address_space(void)
{
	struct error err = {};
	struct rlimit limit;

	HOLDS(confine_limits(&(struct confine_limits){ 20, 0, 1ULL << 30, 1ULL << 28 }, &err) == 0);
	HOLDS(getrlimit(RLIMIT_AS, &limit) == 0);
#ifndef __SANITIZE_ADDRESS__
	HOLDS(limit.rlim_max == 1ULL << 30);
	HOLDS(getrlimit(RLIMIT_DATA, &limit) == 0 && limit.rlim_max == 1ULL << 28);
#endif
	return 0;
}

static void test_address_space(void **state)
{
	IN_CHILD(address_space);
}

static int oom_score(void)
{
	int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);
	char text[16] = "";

	return read(fd, text, sizeof(text) - 1) > 0 && close(fd) == 0 ?
		       (int)strtol(text, NULL, 10) :
		       -9999;
}

static int first(void)
{
	confine_go_first();
	HOLDS(oom_score() == 500);
	confine_go_first();
	HOLDS(oom_score() == 500);
	return 0;
}

static void test_first(void **state)
{
	if (oom_score() > 500)
		skip(); /* who runs the tests has said more already */
	IN_CHILD(first);
}

static int to_nobody(void)
{
	static const char *const also[] = { "adm", "no-such-group", NULL };
	struct error err = {};
	gid_t groups[8];
	uid_t uids[3];

	HOLDS(confine_become("nobody", "", also, &err) == 0);
	HOLDS(getresuid(&uids[0], &uids[1], &uids[2]) == 0);
	HOLDS(uids[0] == 65534 && uids[1] == 65534 && uids[2] == 65534 && getegid() == 65534);
	HOLDS(getgroups(8, groups) == 1 && groups[0] == 4);
	HOLDS(has_none_for_good());
	HOLDS(setuid(0) < 0 && setgid(0) < 0);
	HOLDS(open("/etc/shadow", O_RDONLY | O_CLOEXEC) < 0);
	return 0;
}

static void test_to_nobody(void **state)
{
	need_root();
	IN_CHILD(to_nobody);
}

static int by_number(void)
{
	struct error err = {};

	HOLDS(confine_become("54321", "adm", NULL, &err) == 0);
	HOLDS(getuid() == 54321 && getgid() == 4 && getgroups(0, NULL) == 0);
	HOLDS(has_none_for_good());
	return 0;
}

static void test_by_number(void **state)
{
	need_root();
	IN_CHILD(by_number);
}

/* Root without a capability: its own files, and nothing more. */
static int still_root(void)
{
	struct error err = {};
	int fd = openat(check_fd, "foreign", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	HOLDS(fd >= 0 && fchown(fd, 54321, 54321) == 0);
	HOLDS(confine_become("", "", NULL, &err) == 0);
	HOLDS(getuid() == 0 && has_none_for_good());
	HOLDS(openat(check_fd, "foreign", O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES);
	HOLDS(kill(1, 0) == 0 || errno == EPERM);
	return 0;
}

static void test_still_root(void **state)
{
	need_root();
	IN_CHILD(still_root);
}

static int unknown(void)
{
	struct error err = {};

	HOLDS(confine_become("no-such-user", "", NULL, &err) < 0);
	HOLDS(strcmp(err.text, "there is no user \"no-such-user\"") == 0);
	HOLDS(confine_become("nobody", "no-such-group", NULL, &err) < 0);
	HOLDS(strcmp(err.text, "there is no group \"no-such-group\"") == 0);
	return 0;
}

static void test_unknown(void **state)
{
	need_root();
	IN_CHILD(unknown);
}

static void test_nobody(void **state)
{
	assert_string_equal(confine_user_or_nobody("daemon"), "daemon");
	assert_string_equal(confine_user_or_nobody("54321"), "54321");
	assert_string_equal(confine_user_or_nobody("root"), CONFINE_NOBODY);
	assert_string_equal(confine_user_or_nobody("0"), CONFINE_NOBODY);
	assert_string_equal(confine_user_or_nobody("no-such-user"), CONFINE_NOBODY);
	assert_string_equal(confine_user_or_nobody(""), CONFINE_NOBODY);
	assert_string_equal(confine_user_or_nobody("4294967295"), CONFINE_NOBODY); /* (uid_t)-1 */
}

/* Who is not root has nobody to become; what capabilities it was given are lost all the same. */
static int unprivileged(void)
{
	struct error err = {};

	HOLDS(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0);
	HOLDS(geteuid() != 0 || setresuid(54321, 54321, 54321) == 0);
	HOLDS(confine_become("root", "", NULL, &err) == 0);
	HOLDS(geteuid() != 0 && has_no_capabilities());
	return 0;
}

static void test_unprivileged(void **state)
{
	IN_CHILD(unprivileged);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_in_dir(test_limits),	     cmocka_unit_test(test_address_space),
		cmocka_unit_test(test_first),	     cmocka_unit_test(test_to_nobody),
		cmocka_unit_test(test_by_number),    check_in_dir(test_still_root),
		cmocka_unit_test(test_unknown),	     cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_unprivileged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
