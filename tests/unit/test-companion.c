/* What a unit needs of the release beside its programs. */
#include "fixture.h"

#include "base/text.h"
#include "unit/companion.h"

/* An app as flipslot lays it out: DIR/app/current -> slots/a, and what is to be tried in slots/b. */
static char current_path[128];
static int slot_fd = -1;
static struct unit unit;
static struct unit_exec exec;
static char *argv[3];

static int set_up(void **state)
{
	if (fixture_set_up(state) < 0)
		return -1;
	fixture_write("app/slots/a/old.js", "", 0644);
	fixture_write("app/slots/b/lib/server.js", "", 0644);
	if (symlink("slots/a", fixture_path("app/current")) < 0 ||
	    symlink("lib", fixture_path("app/slots/b/inside")) < 0 ||
	    symlink("/etc", fixture_path("app/slots/b/outside")) < 0)
		return -1;
	(void)snprintf(current_path, sizeof(current_path), "%s/app/current", fixture_dir);
	slot_fd = open(fixture_path("app/slots/b"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	unit = (struct unit){ .name = "gw.service", .exec_start = &exec, .n_exec_start = 1 };
	exec = (struct unit_exec){ .path = "/usr/bin/node", .argv = argv };
	argv[0] = argv[1] = argv[2] = NULL;
	return slot_fd < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)close(slot_fd);
	return fixture_tear_down(state);
}

/* NULL: nothing. */
static void says(const char *word)
{
	struct error err = {};

	if (word)
		check_error(companion_check(&unit, current_path, slot_fd, &err), &err, FAULT_UNIT,
			    word);
	else
		check_ok(companion_check(&unit, current_path, slot_fd, &err), &err);
}

static void check_directory(const char *below, const char *word)
{
	(void)snprintf(unit.working_directory, sizeof(unit.working_directory), "%s%s", current_path,
		       below);
	says(word);
}

static void test_working_directory(void **state UNUSED)
{
	check_directory("", NULL);
	check_directory("/lib", NULL);
	check_directory("/inside", NULL);
	check_directory("/outside", NULL);
	check_directory(
		"/dist",
		"dist in the release is missing, and WorkingDirectory= of gw.service names it");
	check_directory("/lib/server.js", "server.js in the release is missing");
	unit.is_working_directory_optional = true;
	check_directory("/dist", NULL);
	unit.is_working_directory_optional = false;
	text_copy("/", unit.root_directory, sizeof(unit.root_directory));
	says(NULL);
	unit.root_directory[0] = '\0';
	text_copy("/nowhere", unit.working_directory, sizeof(unit.working_directory));
	says(NULL);
}

static void test_environment_files(void **state UNUSED)
{
	char there[256], missing[256], glob[256];
	char *files[] = { (char[]){ "/etc/nowhere" }, there, glob, NULL, NULL };

	(void)snprintf(there, sizeof(there), "%s/lib/server.js", current_path);
	(void)snprintf(missing, sizeof(missing), "%s/gw.env", current_path);
	(void)snprintf(glob, sizeof(glob), "%s/*.env", current_path);
	unit.environment_files = files;
	says(NULL);
	files[3] = missing;
	says("gw.env in the release is missing, and EnvironmentFile= of gw.service names it");
}

static void check_argument(const char *program, const char *argument, const char *word)
{
	char text[512];

	text_copy(program, exec.path, sizeof(exec.path));
	(void)snprintf(text, sizeof(text), "%s%s", argument[0] == '/' ? current_path : "",
		       argument);
	argv[0] = exec.path;
	argv[1] = text;
	says(word);
}

static void test_arguments(void **state UNUSED)
{
	static const char wanted[] =
		"old.js in the release is missing, and ExecStart= of gw.service "
		"names it";

	check_argument("/usr/bin/node", "/lib/server.js", NULL);
	check_argument("/usr/bin/node", "/inside/server.js", NULL);
	check_argument("/usr/bin/node", "/old.js", wanted);
	check_argument("/bin/sh", "/old.js", wanted);
	check_argument("/opt/database", "/old.js", NULL); /* it may make it */
	unit.is_prepared = true;
	check_argument("/usr/bin/node", "/old.js", NULL);
	unit.is_prepared = false;
	check_argument("/usr/bin/node", "/server", NULL); /* may be server.js */
	check_argument("/usr/bin/node", "old.js",
		       NULL); /* below the working directory, and there is none */
	text_copy(current_path, unit.working_directory, sizeof(unit.working_directory));
	check_argument("/usr/bin/node", "lib/server.js", NULL);
	check_argument("/usr/bin/node", "old.js", wanted);
	check_argument("/usr/bin/python3.11", "old.js", wanted);
	check_argument("/usr/bin/npm", "old.js", NULL);
	check_argument("/usr/bin/node", "${VARIANT}/server.js", NULL);
	check_argument("/usr/bin/node", "/$VARIANT.js", NULL);
	check_argument("/usr/bin/node", "--inspect=old.js", NULL);
	check_argument(current_path, "/old.js", NULL); /* its own program: its own affair */
	argv[1] = NULL;
	says(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_working_directory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_environment_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_arguments, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
