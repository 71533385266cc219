#include "transfer/fetch-landlock.h"

#include "kit.h"

enum { NO_LANDLOCK = 200, BROKEN };

static int enter(int root_fd)
{
	int ruleset = -1;
	int abi = 0;

	if (fetch_landlock_prepare(root_fd, &ruleset, &abi, NULL) < 0)
		return BROKEN;
	if (abi == 0)
		return ruleset == -1 ? NO_LANDLOCK : BROKEN;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || fetch_landlock_enforce(ruleset, NULL) < 0)
		return BROKEN;
	return 0;
}

static void check(int (*function)(const char *data), const char *data)
{
	int r = kit_in_child(function, data);

	if (r == NO_LANDLOCK)
		skip();
	assert_int_equal(r, 0);
}

static bool opens(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	(void)close(fd);
	return fd >= 0;
}

static int look_around(const char *data)
{
	int r = enter(-1);

	if (r != 0)
		return r;
	if (opens("/etc/passwd", O_RDONLY) || opens("/", O_RDONLY) || opens("/etc", O_RDONLY))
		return 1;
	if (opens("/proc/self/status", O_RDONLY) || opens("/etc/ssl/private", O_RDONLY))
		return 2;
	if (opens(data, O_RDONLY) || opens(data, O_WRONLY) || unlink(data) == 0)
		return 3;
	if (opens("/etc/hosts", O_WRONLY) || opens("/usr/lib/flipslot-x", O_WRONLY | O_CREAT))
		return 4;
	if (opens("/etc/nsswitch.conf", O_RDONLY) != (access("/etc/nsswitch.conf", F_OK) == 0) ||
	    opens("/etc/hosts", O_RDONLY) != (access("/etc/hosts", F_OK) == 0))
		return 5;
	return 0;
}

static void only_what_tls_and_names_need_is_seen(void **state)
{
	kit_write("file", "x", 1, 0644);
	check(look_around, kit_file("file"));
}

static int look_into_root(const char *data)
{
	char name[256];
	int root = open(data, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = enter(root);

	if (r != 0)
		return r;
	(void)snprintf(name, sizeof(name), "%s/file", data);
	if (!opens(name, O_RDONLY) || opens(name, O_WRONLY))
		return 1;
	(void)snprintf(name, sizeof(name), "%s/link", data);
	return opens(name, O_RDONLY) ? 2 : 0;
}

static void the_folder_of_files_is_seen_and_not_what_its_links_name(void **state)
{
	kit_write("file", "x", 1, 0644);
	assert_int_equal(symlink("/etc/passwd", kit_file("link")), 0);
	check(look_into_root, kit_path);
}

static int reach_out(const char *data)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int ruleset, abi = 0;
	int r = enter(-1);

	if (r != 0)
		return r;
	(void)fetch_landlock_prepare(-1, &ruleset, &abi, NULL);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (abi >= 4 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return 1;
	return abi >= 6 && kill(getppid(), 0) == 0 ? 2 : 0;
}

static void no_port_is_bound_and_nobody_signalled(void **state)
{
	check(reach_out, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kit_in_dir(only_what_tls_and_names_need_is_seen),
		kit_in_dir(the_folder_of_files_is_seen_and_not_what_its_links_name),
		cmocka_unit_test(no_port_is_bound_and_nobody_signalled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
