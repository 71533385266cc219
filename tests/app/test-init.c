/* LDFLAGS: -Wl,--wrap=manager_open,--wrap=manager_free,--wrap=manager_reload,--wrap=manager_call,--wrap=unit_query,--wrap=init_exec_prefixes,--wrap=layout_point_current,--wrap=history_append */
#include "app/init.h"

#include <fcntl.h>
#include <sys/file.h>

#include "machine.h"

static void test_writes_all(void **state)
{
	struct machine *machine = *state;
	_cleanup_(config_freep) struct config *config = NULL;

	machine->options.watch = "5min";
	machine->options.probe_http = "http://localhost:8080/";
	machine->options.probe_tcp = "localhost:1883";
	run_well(machine);
	assert_int_equal(config_load_from(&machine->scratch->places, "gw", NULL, &config, NULL), 0);
	assert_string_equal(config_unit(config), "gw.service");
	assert_int_equal(config_deploy(config)->watch_usec, 300 * USEC_PER_SEC);
	assert_int_equal(config_deploy(config)->n_probes, 3);
	assert_string_equal(config_deploy(config)->probes[1].url, "http://localhost:8080/");
	assert_string_equal(config_deploy(config)->probes[2].address, "localhost:1883");
	check_drop_in(machine, UNIT_PART);
	assert_true(scratch_exists(machine->scratch, ROOT "/slots/a"));
	assert_true(scratch_exists(machine->scratch, ROOT "/state"));
	assert_false(scratch_exists(machine->scratch, ROOT "/current"));
	assert_int_equal(fake.reloads, 1);
	assert_int_equal(fake.enabled, 2);
	assert_int_equal(fake.ticking, 1);
	check_says(machine, "flipslot@gw.timer: enabled and started");
	check_says(machine, "gw.conf: written");
	check_says(machine, "    Url=http://localhost:8080/\n");
	check_says(machine, "50-flipslot.conf: written\n");
	check_says(machine, "    OnFailure=flipslot-failed@gw.service\n");
	check_says(machine, "does not go through");
	check_says(machine, "--exec-start '");
	check_says(machine, "flipslot install gw");
}

/* Every commented key is one that may be uncommented. */
static void test_commented_keys_are_right(void **state)
{
	struct machine *machine = *state;
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_free_ char *text = NULL;
	char *end;

	run_well(machine);
	text = scratch_read(machine->scratch, CONF);
	assert_non_null(text);
	end = strstr(text, "#[Probe NAME]");
	assert_non_null(end);
	*end = '\0';
	for (char *at = text; (at = strchr(at, '\n')); at++)
		if (at[1] == '#' && at[2] != ' ')
			at[1] = ' ';
	if (config_load_from(&machine->scratch->places, "gw", text, &config, &machine->err) != 0)
		fail_msg("%s", machine->err.text);
	assert_int_equal(config_deploy(config)->watch_usec, 60 * USEC_PER_SEC);
}

static void test_again(void **state)
{
	struct machine *machine = *state;
	ino_t conf;
	ino_t drop_in;

	run_well(machine);
	conf = inode(machine, CONF);
	drop_in = inode(machine, DROP_IN);
	run_well(machine);
	assert_int_equal(inode(machine, CONF), conf);
	assert_int_equal(inode(machine, DROP_IN), drop_in);
	check_says(machine, "gw.conf: is there already, unchanged");
	check_says(machine, "50-flipslot.conf: is there already, unchanged");
}

static void test_dry_run(void **state)
{
	struct machine *machine = *state;

	machine->options.dry_run = true;
	run_well(machine);
	assert_false(scratch_exists(machine->scratch, CONF));
	assert_false(scratch_exists(machine->scratch, "units"));
	assert_false(scratch_exists(machine->scratch, ROOT));
	assert_int_equal(fake.reloads + fake.enabled, 0);
	check_says(machine, "would be written");
	check_says(machine, "    #BootTries=2\n");
	check_says(machine, "would be made");
	check_says(machine, "flipslot@gw.timer: would be enabled");
	check_says_not(machine, ": written");
}

static void test_wrong_arguments(void **state)
{
	struct machine *machine = *state;
	const struct init_options good = machine->options;
	_cleanup_free_ char *srv = scratch_path(machine->scratch, "srv");
	_cleanup_free_ char *above = scratch_path(machine->scratch, "var/lib");
	_cleanup_free_ char *nowhere = scratch_path(machine->scratch, "nowhere");

#define refused(member, value, fault, words)                          \
	do {                                                          \
		machine->options = good;                              \
		machine->options.member = (value);                    \
		check_refused(machine, fault, words);                 \
		assert_false(scratch_exists(machine->scratch, CONF)); \
	} while (0)
	refused(app, "Gw", FAULT_CONFIG, "not the name of an app");
	refused(unit, NULL, FAULT_CONFIG, "--unit is missing");
	refused(unit, "gw", FAULT_CONFIG, "not a service");
	refused(root, "relative", FAULT_CONFIG, "Root=: \"relative\" is not an absolute path");
	refused(watch, "9d", FAULT_CONFIG, "Watch=: \"9d\" is not between");
	refused(watch, "1s\nOnFail=keep", FAULT_CONFIG, "not one line");
	refused(probe_http, "ftp://x", FAULT_CONFIG, "Url=: ");
	refused(probe_tcp, "x", FAULT_CONFIG, "Address=: ");
	refused(probe_tcp, "", FAULT_CONFIG, "empty");
	refused(exec_start, "/usr/bin/app", FAULT_CONFIG, "does not go through");
	refused(exec_start, "/x\ny", FAULT_CONFIG, "control character");
	refused(version, "1.0", FAULT_CONFIG, "--version is for --adopt");
	refused(adopt, "opt", FAULT_CONFIG, "not an absolute path");
	refused(adopt, nowhere, FAULT_CONFIG, "No such file");
	refused(adopt, above, FAULT_CONFIG, "one in the other");
	refused(adopt, "/dev/null", FAULT_CONFIG, "Not a directory");
	scratch_mkdir(machine->scratch, "srv");
	machine->options = good;
	machine->options.adopt = srv;
	machine->options.version = "a b";
	check_refused(machine, FAULT_CONFIG, "--version a b");
}

static void test_wrong_units(void **state)
{
	struct machine *machine = *state;

	fake.load_state = "not-found";
	check_refused(machine, FAULT_UNIT, "there is no unit gw.service");
	fake.load_state = "masked";
	check_refused(machine, FAULT_UNIT, "masked");
	fake.load_state = "loaded";
	fake.gone = true;
	check_refused(machine, FAULT_UNIT, "no manager");
	assert_false(scratch_exists(machine->scratch, CONF));
}

static void test_unit_of_another_app(void **state)
{
	struct machine *machine = *state;

	scratch_write(machine->scratch, "etc/flipslot/broken.conf", "?");
	scratch_write(machine->scratch, "etc/flipslot/other.conf", "[App]\nUnit=gw.service\n");
	check_refused(machine, FAULT_CONFIG, "the unit of the app other already");
	scratch_write(machine->scratch, "etc/flipslot/other.conf", "[App]\nUnit=x.service\n");
	run_well(machine);
}

static void test_own_config_is_kept(void **state)
{
	static const char text[] = "# mine\n[App]\nUnit=gw.service\n[Health]\nWatch=7s\n";
	struct machine *machine = *state;
	_cleanup_free_ char *now = NULL;

	scratch_write(machine->scratch, CONF, text);
	machine->options.watch = "8s";
	check_refused(machine, FAULT_CONFIG, "does not have Watch=8s");
	machine->options.watch = "7000ms";
	machine->options.probe_tcp = "x:1";
	check_refused(machine, FAULT_CONFIG, "does not have Address=x:1");
	machine->options.probe_tcp = NULL;
	machine->options.probe_http = "http://x/";
	check_refused(machine, FAULT_CONFIG, "does not have Url=http://x/");
	machine->options.probe_http = NULL;
	machine->options.unit = "gx.service";
	check_refused(machine, FAULT_CONFIG, "does not have Unit=gx.service");
	machine->options.unit = "gw.service";
	run_well(machine);
	now = scratch_read(machine->scratch, CONF);
	assert_string_equal(now, text);
	assert_true(scratch_exists(machine->scratch, DROP_IN));
	machine->options.watch = "8s";
	machine->options.force = true;
	run_well(machine);
	check_says(machine, "gw.conf: overwritten");
}

static void test_broken_config_is_said(void **state)
{
	struct machine *machine = *state;

	scratch_write(machine->scratch, CONF, "[App]\nUnitt=gw.service\n");
	check_refused(machine, FAULT_CONFIG, "2 things are in the way");
	check_says(machine, "gw.conf:2: there is no key Unitt=");
	check_says(machine, "gw.conf: [App] Unit= is missing");
}

static void test_files_in_the_way(void **state)
{
	struct machine *machine = *state;
	_cleanup_free_ char *path = scratch_path(machine->scratch, DROP_IN);

	scratch_write(machine->scratch, DROP_IN,
		      "# Written by `flipslot init gw`.\n[Unit]\nOnFailure=x\n");
	assert_true(run(machine) < 0);
	assert_int_equal(machine->err.fault, FAULT_CONFIG);
	assert_non_null(
		strstr(machine->err.text, "differs in line 3 (\"OnFailure=x\", not \"# A fail"));
	assert_non_null(strstr(machine->err.text, "--force"));
	scratch_write(machine->scratch, DROP_IN, "# Written by `flipslot init gw`.\n\n");
	assert_true(run(machine) < 0);
	assert_non_null(strstr(machine->err.text, "line 2 (an empty line, not \"[Unit]\")"));
	scratch_write(machine->scratch, DROP_IN, "# Written by `flipslot init gw`.\n");
	assert_true(run(machine) < 0);
	assert_non_null(strstr(machine->err.text, "line 2 (the end, not \"[Unit]\")"));
	assert_false(scratch_exists(machine->scratch, CONF));
	assert_false(scratch_exists(machine->scratch, ROOT));
	machine->options.force = true;
	run_well(machine);
	check_says(machine, "50-flipslot.conf: overwritten");
	check_drop_in(machine, UNIT_PART);
	/* what is no file is not overwritten by force either */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_true(run(machine) < 0);
	assert_non_null(strstr(machine->err.text, "not a regular file"));
}

static void test_exec_start(void **state)
{
	struct machine *machine = *state;
	_cleanup_free_ char *line = scratch_path(machine->scratch, ROOT "/current/app --x 100%%%%");
	_cleanup_free_ char *wanted = NULL;

	assert_true(asprintf(&wanted,
			     UNIT_PART "\n[Service]\n# The release that `current` names.\n"
				       "ExecStart=\nExecStart=%s\n",
			     line) > 0);
	machine->options.exec_start = line;
	run_well(machine);
	check_drop_in(machine, wanted);
	/* the next run does not lose it */
	machine->options.exec_start = NULL;
	run_well(machine);
	check_drop_in(machine, wanted);
}

static void test_what_systemd_refuses_is_taken_back(void **state)
{
	struct machine *machine = *state;
	_cleanup_free_ char *line = scratch_path(machine->scratch, ROOT "/current/app %%Q");

	fake.refuses = true;
	machine->options.exec_start = line;
	assert_true(run(machine) < 0);
	assert_int_equal(machine->err.fault, FAULT_UNIT);
	assert_non_null(strstr(machine->err.text, "which is taken back"));
	assert_false(scratch_exists(machine->scratch, DROP_IN));
	assert_int_equal(fake.reloads, 2);
	/* and where there was one, it is there again */
	fake.refuses = false;
	machine->options.exec_start = NULL;
	run_well(machine);
	fake.refuses = true;
	fake.reloads = 0;
	machine->options.exec_start = line;
	machine->options.force = true;
	assert_true(run(machine) < 0);
	check_drop_in(machine, UNIT_PART);
}

static void test_interpreter_gets_a_directory(void **state)
{
	struct machine *machine = *state;
	_cleanup_free_ char *current = scratch_path(machine->scratch, ROOT "/current");
	_cleanup_free_ char *line = NULL;
	_cleanup_free_ char *wanted = NULL;
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *path = NULL;

	assert_true(asprintf(&line, "/usr/bin/python3 -u %s/main.py", current) > 0);
	assert_true(asprintf(&wanted, "\nWorkingDirectory=-%s\n", current) > 0);
	machine->options.exec_start = line;
	run_well(machine);
	text = scratch_read(machine->scratch, DROP_IN);
	assert_non_null(strstr(text, wanted));
	/* a unit that has one knows why */
	fake.working_directory = "/var/lib/gw";
	machine->options.force = true;
	path = scratch_path(machine->scratch, DROP_IN);
	assert_int_equal(unlink(path), 0);
	run_well(machine);
	free(text);
	text = scratch_read(machine->scratch, DROP_IN);
	assert_null(strstr(text, "WorkingDirectory="));
}

static void test_worker_at_work(void **state)
{
	struct machine *machine = *state;
	_cleanup_free_ char *path = scratch_path(machine->scratch, ROOT "/lock");
	_cleanup_close_ int fd = -1;

	run_well(machine);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	assert_true(run(machine) < 0);
	assert_int_equal(machine->err.fault, FAULT_BUSY);
	machine->options.dry_run = true;
	run_well(machine);
}

static void test_units_of_flipslot_are_missing(void **state)
{
	struct machine *machine = *state;

	fake.recover_state = "not-found";
	run_well(machine);
	assert_int_equal(fake.enabled, 0);
	assert_int_equal(fake.ticking, 0);
	check_says(machine, "make install");
	check_says_not(machine, "enabled");
}

static void test_no_timer(void **state)
{
	struct machine *machine = *state;

	machine->options.no_timer = true;
	run_well(machine);
	assert_int_equal(fake.enabled, 1);
	assert_int_equal(fake.ticking, 0);
	check_says(machine, "flipslot@gw.timer: left as it is");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(test_writes_all),
		machine_test(test_commented_keys_are_right),
		machine_test(test_again),
		machine_test(test_dry_run),
		machine_test(test_wrong_arguments),
		machine_test(test_wrong_units),
		machine_test(test_unit_of_another_app),
		machine_test(test_own_config_is_kept),
		machine_test(test_broken_config_is_said),
		machine_test(test_files_in_the_way),
		machine_test(test_exec_start),
		machine_test(test_what_systemd_refuses_is_taken_back),
		machine_test(test_interpreter_gets_a_directory),
		machine_test(test_worker_at_work),
		machine_test(test_units_of_flipslot_are_missing),
		machine_test(test_no_timer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
