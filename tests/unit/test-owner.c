/* Whose manager it is: by name, by cgroup, and by who really made the socket at the other end. */
#include "unit/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/check.h"

#define NOBODY 65534

static const struct owner nobody = { .name = "nobody", .uid = NOBODY, .gid = NOBODY };

static void test_names(void **state UNUSED)
{
	assert_true(owner_is_name("ada"));
	assert_true(owner_is_name("_svc-1.a"));
	assert_false(owner_is_name(""));
	assert_false(owner_is_name("1000"));
	assert_false(owner_is_name("../root"));
	assert_false(owner_is_name("a b"));
	assert_false(owner_is_name("-x"));
	assert_false(owner_is_name("a123456789012345678901234567890123"));
}

static void test_find(void **state UNUSED)
{
	struct owner owner = {};
	struct error err = {};

	check_error(owner_find("no-such-user", &owner, &err), &err, FAULT_CONFIG, "no user");
	err = (struct error){};
	check_error(owner_find("root", &owner, &err), &err, FAULT_CONFIG, "Scope=system");
	err = (struct error){};
	assert_int_equal(owner_find("nobody", &owner, &err), 0);
	assert_int_equal(owner.uid, NOBODY);
}

/* A manager could name any cgroup of the machine. */
static void test_cgroups(void **state UNUSED)
{
#define OURS "/user.slice/user-65534.slice/user@65534.service/"
	assert_true(owner_has_cgroup(&nobody, OURS "app.slice/gw.service"));
	assert_false(owner_has_cgroup(&nobody, OURS));
	assert_false(
		owner_has_cgroup(&nobody, OURS "../../user-1.slice/user@1.service/gw.service"));
	assert_false(owner_has_cgroup(&nobody, "/system.slice/gw.service"));
	assert_false(owner_has_cgroup(
		&nobody, "/user.slice/user-1.slice/user@1.service/app.slice/gw.service"));
	assert_false(owner_has_cgroup(&nobody, ""));
}

static int listen_at(const char *path, uid_t uid)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    chmod(path, 0666) < 0 || seteuid(uid) < 0 || listen(fd, 5) < 0 || seteuid(0) < 0)
		return -1;
	return fd;
}

/* Run in a child, with a /run of its own. */
static int try_connections(void)
{
	int fd = -1;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/run", "tmpfs", 0, "mode=755") < 0 || mkdir("/run/user", 0755) < 0 ||
	    mkdir("/run/user/65534", 0700) < 0 || chown("/run/user/65534", NOBODY, NOBODY) < 0)
		return 77;
	if (listen_at("/run/user/65534/his", NOBODY) < 0 || listen_at("/run/roots", 0) < 0 ||
	    symlink("/run/roots", "/run/user/65534/link") < 0)
		return 77;
	if (owner_connect(&nobody, "his", &fd) != 0 || fd < 0 || fcntl(fd, F_GETFD) != FD_CLOEXEC)
		return 1;
	(void)close(fd);
	if (owner_connect(&nobody, "link", &fd) != -EPERM)
		return 2;
	if (owner_connect(&nobody, "absent", &fd) != -ENOENT)
		return 3;
	if (chmod("/run/roots", 0600) < 0 || owner_connect(&nobody, "link", &fd) != -EACCES)
		return 4; /* with his rights, not with ours */
	if (seteuid(12345) < 0 || owner_connect(&nobody, "his", &fd) != -EACCES)
		return 5;
	return 0;
}

static void test_connections(void **state UNUSED)
{
	int status;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(try_connections());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_cgroups),
		cmocka_unit_test(test_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
