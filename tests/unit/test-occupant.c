/* LDFLAGS: -Wl,--wrap=cgroup_of */
#include "fixture.h"

#include <signal.h>

#include "base/text.h"
#include "unit/cgroup.h"
#include "unit/occupant.h"

static struct {
	pid_t pid;
	const char *cgroup;
} children[OCCUPANT_MAX + 4];
static size_t n_children;

int __real_cgroup_of(int pid, char *ret_path, size_t room, struct error *err);
int __wrap_cgroup_of(int pid, char *ret_path, size_t room, struct error *err);

int __wrap_cgroup_of(int pid, char *ret_path, size_t room, struct error *err)
{
	for (size_t i = 0; i < n_children; i++)
		if (children[i].pid == pid) {
			text_copy(children[i].cgroup, ret_path, room);
			return 0;
		}
	return __real_cgroup_of(pid, ret_path, room, err);
}

static int set_up(void **state)
{
	if (fixture_set_up(state) < 0)
		return -1;
	fixture_write("slots/a/file", "a", 0644);
	fixture_write("slots/b/file", "b", 0644);
	return 0;
}

static int tear_down(void **state)
{
	while (n_children > 0) {
		n_children--;
		assert_int_equal(kill(children[n_children].pid, SIGKILL), 0);
		assert_int_equal(waitpid(children[n_children].pid, NULL, 0),
				 children[n_children].pid);
	}
	return fixture_tear_down(state);
}

static bool enter(const void *path)
{
	return chdir(path) == 0;
}

static bool open_it(const void *path)
{
	return open(path, O_RDONLY | O_CLOEXEC) >= 0;
}

/* A child in that cgroup which has the slot as its working directory, or a file of it open, and waits. */
static pid_t spawn(const char *cgroup, bool cwd)
{
	const char *path = fixture_path(cwd ? "slots/b" : "slots/b/file");
	pid_t pid = fixture_child(cwd ? enter : open_it, path);

	assert_true(pid > 0);
	children[n_children].pid = pid;
	children[n_children++].cgroup = cgroup;
	return pid;
}

static struct occupants find(const char *unit_name, const char *slot)
{
	struct unit unit = {};
	struct occupants occupants;
	struct error err = {};

	text_copy(unit_name, unit.name, sizeof(unit.name));
	(void)snprintf(unit.control_group, sizeof(unit.control_group), "/system.slice/%s",
		       unit_name);
	check_ok(occupant_find(&unit, fixture_path(slot), &occupants, &err), &err);
	return occupants;
}

static void test_ours(void **state UNUSED)
{
	struct occupants occupants;
	char text[64];
	char wanted[64];
	pid_t pid = spawn("/system.slice/gw.service/sub", false);

	assert_int_equal(find("gw.service", "slots/a").n, 0);
	occupants = find("gw.service", "slots/b");
	assert_int_equal(occupants.n, 1);
	assert_int_equal(occupants.n_ours, 1);
	assert_string_equal(occupants.list[0].service, "gw.service");
	(void)snprintf(wanted, sizeof(wanted), "%d (%s)", pid, "test-occupant");
	assert_string_equal(occupant_describe(&occupants, 1, text, sizeof(text)), wanted);
}

static void test_others(void **state UNUSED)
{
	struct occupants occupants;
	pid_t shell = spawn("/user.slice/user-0.slice/session-1.scope", true);

	(void)spawn("/user.slice/user-0.slice/session-1.scope", false); /* reads a file of it */
	occupants = find("gw.service", "slots/b");
	assert_int_equal(occupants.n, 1);
	assert_int_equal(occupants.n_ours, 0);
	assert_int_equal(occupants.list[0].pid, shell);
	assert_string_equal(occupants.list[0].service, "");
}

static void test_siblings(void **state UNUSED)
{
	static const struct {
		const char *cgroup, *unit;
		size_t ours;
	} rows[] = {
		{ "/system.slice/system-tpl.slice/tpl@2.service", "tpl@1.service", 1 },
		{ "/system.slice/tpl@2.service", "tpl2@1.service", 0 },
		{ "/system.slice/gw.service2.service", "gw.service", 0 },
		{ "/user.slice/user-0.slice/user@0.service/app.slice/gw.service", "gw.service", 0 },
		{ "/other.slice/gw.service", "gw.service", 1 },
	};

	(void)spawn("", true);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		children[0].cgroup = rows[i].cgroup;
		assert_int_equal(find(rows[i].unit, "slots/b").n_ours, rows[i].ours);
	}
}

/* In another user's manager that manager is no service, what it runs is. */
static void test_of_a_user(void **state UNUSED)
{
	struct unit unit = { .name = "gw.service", .is_owned = true };
	struct occupant occupant;

	(void)spawn("/user.slice/user-7.slice/user@7.service/app.slice/gw.service/sub", true);
	assert_int_equal(occupant_of(&unit, children[0].pid, &occupant), 0);
	assert_string_equal(occupant.service, "gw.service");
	unit.is_owned = false;
	assert_int_equal(occupant_of(&unit, children[0].pid, &occupant), 0);
	assert_string_equal(occupant.service, "user@7.service");
}

/* However many there are, ours are not pushed out by others. */
static void test_many(void **state UNUSED)
{
	struct occupants occupants;

	for (size_t i = 0; i < OCCUPANT_MAX + 1; i++)
		(void)spawn("/x", true);
	(void)spawn("/system.slice/gw.service", true);
	(void)spawn("/system.slice/gw.service", true);
	occupants = find("gw.service", "slots/b");
	assert_int_equal(occupants.n, OCCUPANT_MAX);
	assert_int_equal(occupants.n_ours, 2);
	assert_true(occupants.list[0].ours && occupants.list[1].ours && !occupants.list[2].ours);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ours, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_siblings, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_of_a_user, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
