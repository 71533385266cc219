/* LDFLAGS: -Wl,--wrap=cgroup_of */
/* Who listens on a port: a child that does, in a cgroup of our choice. */
#include "fixture.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/text.h"
#include "unit/cgroup.h"
#include "unit/holder.h"

#define OURS "/system.slice/gw.service"

static struct {
	pid_t pid;
	const char *cgroup;
	uint16_t port;
} child;

int __real_cgroup_of(int pid, char *ret_path, size_t room, struct error *err);
int __wrap_cgroup_of(int pid, char *ret_path, size_t room, struct error *err);

int __wrap_cgroup_of(int pid, char *ret_path, size_t room, struct error *err)
{
	if (pid != child.pid)
		return __real_cgroup_of(pid, ret_path, room, err);
	text_copy(child.cgroup, ret_path, room);
	return 0;
}

static int listen_at(in_addr_t where, uint16_t *ret_port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(*ret_port),
				       .sin_addr.s_addr = htonl(where) };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

/* The socket is the child's alone. */
static int set_up(void **state)
{
	int fd;

	if (fixture_set_up(state) < 0)
		return -1;
	child.port = 0;
	fd = listen_at(INADDR_LOOPBACK, &child.port);
	child.cgroup = OURS;
	child.pid = fixture_child(NULL, NULL);
	assert_true(child.pid > 0);
	return close(fd);
}

static int tear_down(void **state)
{
	(void)kill(child.pid, SIGKILL);
	(void)waitpid(child.pid, NULL, 0);
	return fixture_tear_down(state);
}

static struct unit gateway(void)
{
	struct unit unit = { .name = "gw.service", .control_group = OURS };

	return unit;
}

static struct occupants find(uint16_t port)
{
	struct unit unit = gateway();
	struct occupants holders;
	struct error err = {};

	check_ok(holder_find(&unit, port, getpid(), &holders, &err), &err);
	return holders;
}

static void test_ours(void **state UNUSED)
{
	struct occupants holders = find(child.port);
	char text[100], wanted[100];

	assert_int_equal(holders.n, 1);
	assert_int_equal(holders.n_ours, 1);
	assert_int_equal(holders.list[0].pid, child.pid);
	(void)snprintf(wanted, sizeof(wanted), "%d (test-holder) of gw.service", child.pid);
	assert_string_equal(holder_describe(&holders.list[0], text, sizeof(text)), wanted);
	assert_int_equal(find(1).n, 0);
}

static void test_others(void **state UNUSED)
{
	struct occupants holders;
	char text[100], wanted[100];

	child.cgroup = "/user.slice/user-0.slice/session-1.scope";
	holders = find(child.port);
	assert_int_equal(holders.n, 1);
	assert_int_equal(holders.n_ours, 0);
	(void)snprintf(wanted, sizeof(wanted), "%d (test-holder)", child.pid);
	assert_string_equal(holder_describe(&holders.list[0], text, sizeof(text)), wanted);
}

static void test_manager(void **state UNUSED)
{
	child.cgroup = "/user.slice/user-1000.slice/user@1000.service/init.scope";
	assert_int_equal(find(child.port).n, 0);
	assert_true(find(child.port).managed);
	child.cgroup = OURS;
	assert_false(find(child.port).managed);
}

static struct ports ports_of_unit(void)
{
	struct unit unit = gateway();
	struct ports ports = { .n = 7 };
	struct error err = {};

	check_ok(holder_ports(&unit, getpid(), &ports, &err), &err);
	return ports;
}

/* What somebody else has beside it, at another address or as a manager, is not noted as the unit's. */
static void test_ports(void **state UNUSED)
{
	struct ports ports = ports_of_unit();
	uint16_t port = child.port;
	pid_t other;
	int fd;

	assert_int_equal(ports.n, 1);
	assert_int_equal(ports.list[0], port);
	child.cgroup = "/system.slice/other.service";
	assert_int_equal(ports_of_unit().n, 0);
	child.cgroup = "/user.slice/user-1000.slice/user@1000.service/init.scope";
	assert_int_equal(ports_of_unit().n, 0);
	child.cgroup = OURS;
	fd = listen_at(INADDR_LOOPBACK + 1, &port);
	assert_int_equal(ports_of_unit().n, 1); /* nobody but this process */
	other = fixture_child(NULL, NULL);
	assert_true(other > 0);
	assert_int_equal(ports_of_unit().n, 0);
	(void)close(fd);
	(void)kill(other, SIGKILL);
	(void)waitpid(other, NULL, 0);
	assert_int_equal(ports_of_unit().n, 1);
}

static void test_signal(void **state UNUSED)
{
	struct unit unit = gateway();
	struct occupant holder = find(child.port).list[0];
	int status;

	child.cgroup = "/system.slice/other.service";
	assert_int_equal(holder_signal(&unit, &holder, SIGKILL), OCCUPANT_GONE);
	child.cgroup = "/docker/4711/system.slice/gw.service"; /* a container's */
	assert_int_equal(holder_signal(&unit, &holder, SIGKILL), OCCUPANT_GONE);
	child.cgroup = OURS;
	unit.is_owned = true;
	unit.uid = getuid() + 1;
	assert_int_equal(holder_signal(&unit, &holder, SIGKILL), OCCUPANT_GONE);
	unit.uid = getuid();
	text_copy("other", holder.comm, sizeof(holder.comm));
	assert_int_equal(holder_signal(&unit, &holder, SIGKILL), OCCUPANT_GONE);
	assert_int_equal(kill(child.pid, 0), 0);
	holder = find(child.port).list[0];
	assert_int_equal(holder_signal(&unit, &holder, SIGTERM), 0);
	assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	assert_int_equal(holder_signal(&unit, &holder, SIGTERM), OCCUPANT_GONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ours, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_manager, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_ports, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_signal, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
