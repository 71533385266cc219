#include "fixture.h"

#include <elf.h>
#include <sys/utsname.h>

#include "base/text.h"
#include "unit/elf.h"
#include "unit/exec.h"

/* An app as flipslot lays it out: DIR/app/current -> slots/a, and what is to be tried in slots/b. */
static char current_path[128];
static int slot_fd = -1;

static int set_up(void **state)
{
	if (fixture_set_up(state) < 0)
		return -1;
	fixture_write("app/slots/a/x", "", 0644);
	fixture_write("app/slots/b/x", "", 0644);
	if (symlink("slots/a", fixture_path("app/current")) < 0)
		return -1;
	(void)snprintf(current_path, sizeof(current_path), "%s/app/current", fixture_dir);
	slot_fd = open(fixture_path("app/slots/b"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return slot_fd < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)close(slot_fd);
	return fixture_tear_down(state);
}

static int locate(const char *path, char *ret_rest)
{
	struct error err = {};

	ret_rest[0] = '\0';
	return exec_locate(path, current_path, ret_rest, 256, &err);
}

static void test_locate(void **state UNUSED)
{
	char rest[256];

	assert_int_equal(locate(fixture_path("app/current/bin/x"), rest), 0);
	assert_string_equal(rest, "bin/x");
	assert_int_equal(locate(fixture_path("app/current"), rest), 0);
	assert_string_equal(rest, "");
	assert_int_equal(locate(fixture_path("app//./current//bin/../bin/x"), rest), 0);
	assert_string_equal(rest, "bin/../bin/x");
	assert_int_equal(locate(fixture_path("app/slots/../current/x"), rest), 0);
	assert_string_equal(rest, "x");
	/* the slot itself, a neighbour of the same beginning, something of the machine, no path */
	assert_int_equal(locate(fixture_path("app/slots/a/x"), rest), EXEC_ELSEWHERE);
	assert_int_equal(locate(fixture_path("app/current2/x"), rest), EXEC_ELSEWHERE);
	assert_int_equal(locate("/usr/bin/env", rest), EXEC_ELSEWHERE);
	assert_int_equal(locate("app", rest), EXEC_ELSEWHERE);
	assert_int_equal(locate("", rest), EXEC_ELSEWHERE);
}

static void test_locate_by_links(void **state UNUSED)
{
	char target[256];
	char rest[256];
	struct error err = {};

	(void)snprintf(target, sizeof(target), "%s/bin/x", current_path);
	assert_int_equal(symlink(target, fixture_path("tool")), 0);
	assert_int_equal(symlink("app", fixture_path("other-name")), 0);
	assert_int_equal(symlink("../app/slots/a/x", fixture_path("app/straight")), 0);
	assert_int_equal(symlink("ring", fixture_path("ring")), 0);
	assert_int_equal(locate(fixture_path("tool"), rest), 0);
	assert_string_equal(rest, "bin/x");
	assert_int_equal(locate(fixture_path("other-name/current/y"), rest), 0);
	assert_string_equal(rest, "y");
	assert_int_equal(locate(fixture_path("app/straight"), rest), EXEC_ELSEWHERE);
	assert_true(exec_locate(fixture_path("ring"), current_path, rest, sizeof(rest), &err) < 0);
}

/* ---- units ---- */

static struct unit_exec one_exec;
static char *one_argv[4];

static struct unit unit_of(const char *program, const char *argument)
{
	struct unit unit = { .exec_start = &one_exec, .n_exec_start = 1 };

	(void)snprintf(unit.name, sizeof(unit.name), "app.service");
	(void)snprintf(one_exec.path, sizeof(one_exec.path), "%s", program);
	one_argv[0] = one_exec.path;
	one_argv[1] = fixture_text(argument);
	one_argv[2] = NULL;
	one_exec.argv = one_argv;
	return unit;
}

static void test_goes_through(void **state UNUSED)
{
	struct unit unit = unit_of(fixture_path("app/current/x"), NULL);

	assert_true(exec_goes_through(&unit, current_path));
	unit = unit_of("/usr/bin/python3", fixture_path("app/current/x.py"));
	assert_true(exec_goes_through(&unit, current_path));
	unit = unit_of("/usr/bin/python3", "x.py");
	assert_false(exec_goes_through(&unit, current_path));
	(void)snprintf(unit.working_directory, sizeof(unit.working_directory), "%s", current_path);
	assert_true(exec_goes_through(&unit, current_path));
	/* a program elsewhere, which merely starts in the slot: a flip changes nothing (S9) */
	unit = unit_of("/opt/x/run", NULL);
	(void)snprintf(unit.working_directory, sizeof(unit.working_directory), "%s", current_path);
	assert_false(exec_goes_through(&unit, current_path));
	unit = unit_of(fixture_path("app/slots/a/x"), NULL);
	assert_false(exec_goes_through(&unit, current_path));
	(void)snprintf(unit.root_directory, sizeof(unit.root_directory), "%s/root", current_path);
	assert_true(exec_goes_through(&unit, current_path));
}

/* What another user's manager names is not looked at, not even to follow it. */
static void test_goes_through_by_name(void **state UNUSED)
{
	char *argv[] = { (char[]){ "x" }, NULL };
	struct unit_exec exec = { .argv = argv };
	struct unit unit = { .exec_start = &exec, .n_exec_start = 1, .is_owned = true };

	assert_int_equal(symlink("current/bin", fixture_path("app/link")), 0);
	text_copy(fixture_path("app/link/x"), exec.path, sizeof(exec.path));
	assert_false(exec_goes_through(&unit, current_path));
	unit.is_owned = false;
	assert_true(exec_goes_through(&unit, current_path));
	unit.is_owned = true;
	(void)snprintf(exec.path, sizeof(exec.path), "%s/x", current_path);
	assert_true(exec_goes_through(&unit, current_path));
	(void)snprintf(exec.path, sizeof(exec.path), "%s2/x", current_path);
	assert_false(exec_goes_through(&unit, current_path));
}

static void test_goes_through_a_shell(void **state UNUSED)
{
	static const struct {
		const char *shell, *option, *format;
		bool through;
	} rows[] = {
		{ "/bin/bash", "-lc", "cd %s && exec bin/run", true },
		{ "/bin/sh", "-c", "exec '%s/bin/run'", true },
		{ "/bin/sh", "-c", "D=%s; exec $D/run", true },
		{ "/bin/sh", "-c", "cd /opt%s && exec bin/run", false },
		{ "/bin/sh", "-c", "cd %s.old && exec bin/run", false },
		{ "/bin/sh", "-e", "cd %s && exec bin/run", false },
		{ "/bin/echo", "-c", "cd %s && exec bin/run", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct unit unit = unit_of(rows[i].shell, rows[i].option);
		char command[1024];

		(void)snprintf(command, sizeof(command), "%.*s%s%s",
			       (int)(strstr(rows[i].format, "%s") - rows[i].format), rows[i].format,
			       current_path, strstr(rows[i].format, "%s") + 2);
		one_argv[2] = command;
		one_argv[3] = NULL;
		if (exec_goes_through(&unit, current_path) != rows[i].through)
			fail_msg("%s %s %s", rows[i].shell, rows[i].option, command);
	}
}

/* What the check says of DIR/app/current/bin/x while slots/b/bin/x is this. NULL: nothing. */
static void check_says_of(const char *content, mode_t mode, const char *word)
{
	struct unit unit = unit_of(fixture_path("app/current/bin/x"), NULL);
	struct error err = {};

	fixture_write("app/slots/b/bin/x", content, mode);
	if (word)
		check_error(exec_check(&unit, current_path, slot_fd, &err), &err, FAULT_UNIT, word);
	else
		check_ok(exec_check(&unit, current_path, slot_fd, &err), &err);
}

static void test_scripts(void **state UNUSED)
{
	char line[512];

	check_says_of("#!/bin/sh\n", 0755, NULL);
	check_says_of("#! /bin/sh -e", 0755, NULL);
	check_says_of("#!/bin/sh\n", 0644,
		      "bin/x in the release may not be executed: its mode is 0644");
	check_says_of("", 0755, "is empty");
	check_says_of("echo hello\n", 0755, "is neither an ELF program nor a script with #!");
	check_says_of("#!\n", 0755, "names no interpreter");
	check_says_of("#!/opt/nowhere/node\n", 0755,
		      "needs /opt/nowhere/node, which is not on this machine");
	check_says_of(
		"#!/bin/sh\r\nexit\r\n", 0755,
		"needs /bin/sh\\x0d, which is not on this machine (its lines end with CR LF)");
	check_says_of("#!/etc/passwd\n", 0755, "needs /etc/passwd, which may not be executed");
	/* an interpreter that comes with the release is looked for in the release */
	(void)snprintf(line, sizeof(line), "#!%s/bin/node\n", current_path);
	check_says_of(line, 0755, "bin/node in the release is missing");
	fixture_write("app/slots/b/bin/node", "#!/bin/sh\n", 0755);
	check_says_of(line, 0755, NULL);
	(void)snprintf(line, sizeof(line), "#!%s/bin/x\n", current_path); /* itself */
	check_says_of(line, 0755, NULL);
}

static void test_env(void **state UNUSED)
{
	struct unit unit = unit_of(fixture_path("app/current/bin/x"), NULL);
	struct error err = {};

	check_says_of("#!/usr/bin/env sh\n", 0755, NULL);
	check_says_of("#!/usr/bin/env -S A=1 sh -e\n", 0755, NULL);
	check_says_of("#!/usr/bin/env -i sh\n", 0755, NULL); /* not judged */
	check_says_of("#!/usr/bin/env nowhere-node\n", 0755,
		      "needs nowhere-node, which is nowhere in PATH (/usr/local/sbin:");
	check_says_of("#!/usr/bin/env sh -e\n", 0755, "needs sh -e, which is nowhere in PATH");
	/* with a PATH that leads into the release */
	fixture_write("app/slots/b/bin/x", "#!/usr/bin/env my-node\n", 0755);
	(void)snprintf(unit.search_path, sizeof(unit.search_path), "/bin:%s/bin", current_path);
	check_error(exec_check(&unit, current_path, slot_fd, &err), &err, FAULT_UNIT, "my-node");
	fixture_write("app/slots/b/bin/my-node", "#!/bin/sh\n", 0755);
	check_ok(exec_check(&unit, current_path, slot_fd, &err), &err);
	unit.search_path[0] = '\0';
	unit.has_environment_files = true; /* PATH may be in one of them */
	check_ok(exec_check(&unit, current_path, slot_fd, &err), &err);
}

static void check_program(uint16_t machine, const char *interpreter, const char *word)
{
	struct {
		Elf64_Ehdr header;
		Elf64_Phdr entry;
		char interpreter[64];
	} program = {
		.header = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 },
			    .e_type = ET_DYN,
			    .e_machine = machine,
			    .e_phoff = sizeof(Elf64_Ehdr),
			    .e_phentsize = sizeof(Elf64_Phdr),
			    .e_phnum = 1 },
		.entry = { .p_type = interpreter ? PT_INTERP : PT_LOAD,
			   .p_offset = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr),
			   .p_filesz = interpreter ? strlen(interpreter) + 1 : 0 },
	};
	struct unit unit = unit_of(fixture_path("app/current/bin/x"), NULL);
	struct error err = {};

	(void)snprintf(program.interpreter, sizeof(program.interpreter), "%s",
		       interpreter ? interpreter : "");
	fixture_write_at(fixture_path("app/slots/b/bin/x"), &program, sizeof(program), 0755);
	if (word)
		check_error(exec_check(&unit, current_path, slot_fd, &err), &err, FAULT_UNIT, word);
	else
		check_ok(exec_check(&unit, current_path, slot_fd, &err), &err);
}

static void test_programs(void **state UNUSED)
{
	struct utsname here;
	uint16_t ours;
	uint16_t foreign;

	assert_int_equal(uname(&here), 0);
	ours = strcmp(here.machine, "aarch64") == 0 ? EM_AARCH64 : EM_X86_64;
	foreign = ours == EM_X86_64 ? EM_AARCH64 : EM_X86_64;
	if (!elf_runs_on(here.machine, ours) || elf_runs_on(here.machine, foreign))
		skip(); /* another machine: elf_runs_on() has its own tests */
	check_program(ours, NULL, NULL);
	check_program(ours, "/bin/sh", NULL);
	check_program(
		ours, "/lib/ld-nowhere.so.1",
		"bin/x in the release needs /lib/ld-nowhere.so.1, which is not on this machine");
	check_program(foreign, NULL, "is a program for ");
	check_says_of("\x7f"
		      "ELF\x02\x01",
		      0755, "is a broken ELF file");
}

static void test_places(void **state UNUSED)
{
	struct unit unit = unit_of(fixture_path("app/current/bin/x"), NULL);
	struct error err = {};

	check_error(exec_check(&unit, current_path, slot_fd, &err), &err, FAULT_UNIT,
		    "bin/x in the release is missing, and app.service would execute it");
	assert_int_equal(mkdir(fixture_path("app/slots/b/bin"), 0755), 0);
	assert_int_equal(mkdir(fixture_path("app/slots/b/bin/x"), 0755), 0);
	check_error(exec_check(&unit, current_path, slot_fd, &err), &err, FAULT_UNIT,
		    "is no file that could be executed");
	assert_int_equal(rmdir(fixture_path("app/slots/b/bin/x")), 0);
	assert_int_equal(mkfifo(fixture_path("app/slots/b/bin/x"), 0755), 0);
	check_error(exec_check(&unit, current_path, slot_fd, &err), &err, FAULT_UNIT,
		    "is no file that could be executed");
	assert_int_equal(unlink(fixture_path("app/slots/b/bin/x")), 0);
	/* links inside are followed, one that leads out is not the release's matter */
	assert_int_equal(symlink("y", fixture_path("app/slots/b/bin/x")), 0);
	check_error(exec_check(&unit, current_path, slot_fd, &err), &err, FAULT_UNIT, "is missing");
	fixture_write("app/slots/b/bin/y", "", 0755);
	check_error(exec_check(&unit, current_path, slot_fd, &err), &err, FAULT_UNIT, "is empty");
	assert_int_equal(unlink(fixture_path("app/slots/b/bin/x")), 0);
	assert_int_equal(symlink("/usr/bin/env", fixture_path("app/slots/b/bin/x")), 0);
	check_ok(exec_check(&unit, current_path, slot_fd, &err), &err);
	/* a program of the machine is passed over */
	unit = unit_of("/opt/nowhere", fixture_path("app/current/bin/z"));
	check_ok(exec_check(&unit, current_path, slot_fd, &err), &err);
}

static void test_root_directory(void **state UNUSED)
{
	struct unit unit = unit_of("/bin/app", NULL);
	struct error err = {};

	(void)snprintf(unit.root_directory, sizeof(unit.root_directory), "%s/root", current_path);
	check_error(exec_check(&unit, current_path, slot_fd, &err), &err, FAULT_UNIT,
		    "root//bin/app in the release is missing");
	fixture_write("app/slots/b/root/bin/app", "#!/only/in/there\n", 0755);
	check_ok(exec_check(&unit, current_path, slot_fd, &err), &err);
	(void)snprintf(unit.root_directory, sizeof(unit.root_directory), "/opt");
	check_ok(exec_check(&unit, current_path, slot_fd, &err), &err);
}

static void test_linked_root(void **state UNUSED)
{
	struct unit unit = unit_of("/bin/app", NULL);

	assert_false(exec_has_linked_root(&unit, current_path));
	(void)snprintf(unit.root_directory, sizeof(unit.root_directory), "/opt");
	assert_false(exec_has_linked_root(&unit, current_path));
	(void)snprintf(unit.root_directory, sizeof(unit.root_directory), "%s/root", current_path);
	assert_true(exec_has_linked_root(&unit, current_path));
	unit.main_pid = getpid(); /* which runs elsewhere */
	assert_true(exec_has_linked_root(&unit, current_path));
}

/* ours is "/": a main process whose root it is shows that this systemd can do it */
static void test_linked_root_that_works(void **state UNUSED)
{
	struct unit unit = unit_of("/bin/app", NULL);

	assert_int_equal(unlink(current_path), 0);
	assert_int_equal(symlink("/", current_path), 0);
	(void)snprintf(unit.root_directory, sizeof(unit.root_directory), "%s", current_path);
	assert_true(exec_has_linked_root(&unit, current_path));
	unit.main_pid = getpid();
	assert_false(exec_has_linked_root(&unit, current_path));
}

#define WITH_APP(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_APP(test_locate),
		WITH_APP(test_locate_by_links),
		WITH_APP(test_goes_through),
		WITH_APP(test_goes_through_by_name),
		WITH_APP(test_goes_through_a_shell),
		WITH_APP(test_scripts),
		WITH_APP(test_env),
		WITH_APP(test_programs),
		WITH_APP(test_places),
		WITH_APP(test_root_directory),
		WITH_APP(test_linked_root),
		WITH_APP(test_linked_root_that_works),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
