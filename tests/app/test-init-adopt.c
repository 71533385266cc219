/* LDFLAGS: -Wl,--wrap=manager_open,--wrap=manager_free,--wrap=manager_reload,--wrap=manager_call,--wrap=unit_query,--wrap=init_exec_prefixes,--wrap=layout_point_current,--wrap=history_append */
#include "app/init-adopt.h"

#include "install/seal.h"
#include "machine.h"
#include "store/state.h"

/* An installation below opt/gw with a unit that runs it. */
static void install(struct machine *machine)
{
	scratch_write(machine->scratch, "opt/gw/app", "\177ELF");
	scratch_write(machine->scratch, "opt/gw/lib/x.js", "x");
	machine->dir = scratch_path(machine->scratch, "opt/gw");
	machine->options.adopt = machine->dir;
	machine->options.version = "1.4";
}

static void check_adopted(const struct machine *machine, const char *version)
{
	_cleanup_close_ int dirfd = open_root(machine);
	_cleanup_free_ struct history_entry *entries = NULL;
	struct descriptor descriptor;
	struct state state;
	enum slot slot;
	size_t n;

	assert_int_equal(layout_current(dirfd, &slot, NULL), 0);
	assert_int_equal(slot, SLOT_A);
	assert_int_equal(seal_peek(dirfd, SLOT_A, &descriptor, NULL), 0);
	assert_int_equal(descriptor.origin, ORIGIN_ADOPTED);
	assert_string_equal(descriptor.version, version);
	assert_int_equal(state_load(dirfd, &state, NULL), 0);
	assert_int_equal(state.phase, PHASE_IDLE);
	assert_string_equal(state.good.version, version);
	assert_true(digest_equal(&state.good.digest, &descriptor.index));
	assert_true(state.transaction.recorded);
	assert_int_equal(history_load(dirfd, 8, &entries, &n, NULL), 0);
	assert_int_equal(n, 1);
	assert_int_equal(entries[0].verb, VERB_INSTALL);
	assert_int_equal(entries[0].outcome, OUTCOME_COMMITTED);
	assert_string_equal(entries[0].to_version, version);
	assert_string_equal(entries[0].who, "tester");
	assert_int_equal(strncmp(entries[0].reason, "adopted from /", 14), 0);
	assert_true(scratch_exists(machine->scratch, ROOT "/current/app"));
	assert_true(scratch_exists(machine->scratch, ROOT "/current/lib/x.js"));
}

static void test_adopt(void **state)
{
	struct machine *machine = *state;
	_cleanup_free_ char *app = scratch_path(machine->scratch, "opt/gw/app");
	_cleanup_free_ char *option = scratch_path(machine->scratch, "opt/gw/my conf");
	_cleanup_free_ char *current = scratch_path(machine->scratch, ROOT "/current");
	_cleanup_free_ char *wanted = NULL;

	install(machine);
	fake.exec_start[0] = app;
	fake.exec_start[1] = option;
	fake.exec_start[2] = "$A 5%";
	fake.prefix = "-";
	fake.running = true;
	assert_true(asprintf(&wanted,
			     UNIT_PART
			     "\n[Service]\n# The release that `current` names.\nExecStart=\n"
			     "ExecStart=-%s/app \"%s/my conf\" \"$A 5%%%%\"\n",
			     current, current) > 0);
	run_well(machine);
	check_drop_in(machine, wanted);
	check_adopted(machine, "1.4");
	check_says(machine, "copied into slot a as version 1.4");
	check_says(machine, "what the service writes must be kept elsewhere");
	assert_true(scratch_exists(machine->scratch, "opt/gw/app"));
	/* again, as the manager has it now: nothing new */
	free(app);
	app = scratch_path(machine->scratch, ROOT "/current/app");
	fake.exec_start[0] = app;
	fake.exec_start[1] = NULL;
	run_well(machine);
	check_drop_in(machine, wanted);
	check_adopted(machine, "1.4");
	check_says(machine, "was copied");
	check_says(machine, "/current: app in the release may not be executed");
	check_says(machine, "systemctl restart gw.service");
	machine->options.version = "1.5";
	assert_true(run(machine) < 0);
	assert_int_equal(machine->err.fault, FAULT_BUSY);
	assert_non_null(strstr(machine->err.text, "has a release already (1.4)"));
}

static void test_adopt_of_a_script(void **state)
{
	struct machine *machine = *state;
	_cleanup_free_ char *app = scratch_path(machine->scratch, "opt/gw/app");
	_cleanup_free_ char *text = NULL;

	install(machine);
	scratch_write(machine->scratch, "opt/gw/app", "#!/bin/sh\n");
	fake.exec_start[0] = app;
	run_well(machine);
	text = scratch_read(machine->scratch, DROP_IN);
	assert_non_null(strstr(text, "\nWorkingDirectory=-"));
}

static void test_adopt_moves_the_working_directory(void **state)
{
	struct machine *machine = *state;
	_cleanup_free_ char *lib = scratch_path(machine->scratch, "opt/gw/lib");
	_cleanup_free_ char *text = NULL;

	install(machine);
	fake.exec_start[0] = "/usr/bin/node";
	fake.exec_start[1] = "x.js";
	fake.working_directory = lib;
	run_well(machine);
	text = scratch_read(machine->scratch, DROP_IN);
	assert_non_null(strstr(text, "/" ROOT "/current/lib\n"));
	assert_null(strstr(text, "ExecStart"));
	check_says(machine, "must be kept elsewhere");
}

static void test_adopt_of_what_may_not_be(void **state)
{
	struct machine *machine = *state;
	_cleanup_free_ char *fifo = scratch_path(machine->scratch, "opt/gw/fifo");

	install(machine);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_true(run(machine) < 0);
	assert_non_null(strstr(machine->err.text, "fifo"));
	assert_false(scratch_exists(machine->scratch, CONF));
	assert_false(scratch_exists(machine->scratch, DROP_IN));
	assert_false(scratch_exists(machine->scratch, ROOT));
	assert_int_equal(unlink(fifo), 0);
	run_well(machine);
	check_adopted(machine, "1.4");
}

static void test_adopt_is_finished_by_the_next_run(void **state)
{
	struct machine *machine = *state;

	install(machine);
	/* a root that was there before is not taken away when it fails */
	machine->options.adopt = NULL;
	machine->options.version = NULL;
	run_well(machine);
	machine->options.adopt = machine->dir;
	machine->options.version = "1.4";
	fake.no_current = true;
	assert_true(run(machine) < 0);
	assert_false(scratch_exists(machine->scratch, ROOT "/current"));
	fake.no_current = false;
	fake.no_history = true;
	assert_true(run(machine) < 0);
	assert_true(scratch_exists(machine->scratch, ROOT "/current"));
	fake.no_history = false;
	run_well(machine);
	check_adopted(machine, "1.4");
}

/* All that is in the way is said at once. */
static void test_all_findings_at_once(void **state)
{
	struct machine *machine = *state;

	install(machine);
	run_well(machine);
	machine->options.version = "9.9";
	machine->options.watch = "77s";
	machine->options.probe_tcp = "127.0.0.1:7";
	fake.load_state = "masked";
	assert_true(run(machine) < 0);
	assert_string_equal(machine->err.text, "4 things are in the way; nothing was written");
	check_says(machine, "in the way: ");
	check_says(machine, "does not have Watch=77s");
	check_says(machine, "does not have Address=127.0.0.1:7");
	check_says(machine, "masked");
	check_says(machine, "has a release already (1.4)");
}

/* Sealed no more, the slot that runs is taken over as any directory: into the other one. */
static void test_adopt_of_a_slot_that_lost_its_seal(void **state)
{
	struct machine *machine = *state;
	_cleanup_free_ char *current = scratch_path(machine->scratch, ROOT "/slots/a");
	_cleanup_close_ int dirfd = -1;
	struct descriptor descriptor;
	enum slot slot;

	install(machine);
	run_well(machine);
	machine->options.adopt = current;
	machine->options.version = "1.4-again";
	assert_true(run(machine) < 0); /* it is sealed */
	assert_non_null(strstr(machine->err.text, "one in the other"));
	dirfd = open_root(machine);
	assert_int_equal(unlinkat(dirfd, slot_seal_name(SLOT_A), 0), 0);
	run_well(machine);
	check_says(machine, "copied into slot b as version 1.4-again");
	assert_int_equal(layout_current(dirfd, &slot, NULL), 0);
	assert_int_equal(slot, SLOT_B);
	assert_int_equal(seal_peek(dirfd, SLOT_B, &descriptor, NULL), 0);
	assert_string_equal(descriptor.version, "1.4-again");
	assert_true(scratch_exists(machine->scratch, ROOT "/current/lib/x.js"));
	assert_true(scratch_exists(machine->scratch, ROOT "/slots/a/lib/x.js"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(test_adopt),
		machine_test(test_adopt_of_a_script),
		machine_test(test_adopt_moves_the_working_directory),
		machine_test(test_adopt_of_what_may_not_be),
		machine_test(test_adopt_is_finished_by_the_next_run),
		machine_test(test_adopt_of_a_slot_that_lost_its_seal),
		machine_test(test_all_findings_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
