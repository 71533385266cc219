/*
 * A scratch directory with a manager that answers what `fake` says, for tests of init. Who includes it links
 * with
 * -Wl,--wrap=manager_open,--wrap=manager_free,--wrap=manager_reload,--wrap=manager_call,--wrap=unit_query
 * and --wrap=init_exec_prefixes, layout_point_current, history_append.
 */
#pragma once

#include <fcntl.h>

#include "app/init-exec.h"
#include "app/init.h"
#include "base/text.h"
#include "scratch.h"
#include "store/history.h"
#include "store/layout.h"
#include "unit/unit.h"

#define CONF	"etc/flipslot/gw.conf"
#define DROP_IN "units/gw.service.d/50-flipslot.conf"
#define ROOT	"var/lib/flipslot/gw"

/* ---- the manager, as it would be ---- */

static struct {
	bool gone;
	const char *load_state;
	const char *exec_start[8]; /* words; of one line */
	const char *working_directory;
	const char *prefix;
	const char *recover_state;
	bool running;
	/* what was asked of it */
	unsigned int reloads;
	unsigned int enabled;
	unsigned int ticking; /* timers that were started, after a reload */
	/* what fails */
	bool refuses; /* the unit, after an odd number of reloads */
	bool no_current;
	bool no_history;
} fake;

int __wrap_manager_open(struct manager **ret_manager, struct error *err);
void __wrap_manager_free(struct manager *manager);
int __wrap_manager_reload(struct manager *manager, struct error *err);
int __wrap_manager_call(struct manager *manager, const char *path, const char *interface,
			const char *member, sd_bus_error *ret_bus_error, sd_bus_message **ret_reply,
			const char *types, ...);
int __wrap_unit_query(struct manager *manager, const char *name, struct unit *ret_unit,
		      struct error *err);
int __wrap_init_exec_prefixes(struct manager *manager, const char *unit,
			      struct init_exec_prefix *ret, size_t n, struct error *err);
int __real_layout_point_current(int dirfd, enum slot slot, struct error *err);
int __wrap_layout_point_current(int dirfd, enum slot slot, struct error *err);
int __real_history_append(int dirfd, const struct history_entry *entry, struct error *err);
int __wrap_history_append(int dirfd, const struct history_entry *entry, struct error *err);

int __wrap_manager_open(struct manager **ret_manager, struct error *err)
{
	if (fake.gone)
		return error_set(err, FAULT_UNIT, "no manager");
	*ret_manager = (struct manager *)&fake;
	return 0;
}

void __wrap_manager_free(struct manager *manager)
{
}

int __wrap_manager_reload(struct manager *manager, struct error *err)
{
	fake.reloads++;
	return 0;
}

int __wrap_manager_call(struct manager *manager, const char *path, const char *interface,
			const char *member, sd_bus_error *ret_bus_error, sd_bus_message **ret_reply,
			const char *types, ...)
{
	if (strcmp(member, "StartUnit") == 0) {
		assert_true(fake.reloads > 0);
		fake.ticking++;
		return 0;
	}
	assert_string_equal(member, "EnableUnitFiles");
	fake.enabled++;
	return 0;
}

int __wrap_unit_query(struct manager *manager, const char *name, struct unit *ret_unit,
		      struct error *err)
{
	bool recover = strcmp(name, "flipslot-recover.service") == 0;
	struct unit unit = {};

	text_copy(name, unit.name, sizeof(unit.name));
	text_copy(recover			       ? fake.recover_state :
		  fake.refuses && fake.reloads % 2 > 0 ? "bad-setting" :
							 fake.load_state,
		  unit.load_state, sizeof(unit.load_state));
	text_copy(fake.working_directory, unit.working_directory, sizeof(unit.working_directory));
	text_copy(fake.running ? "active" : "inactive", unit.active_state,
		  sizeof(unit.active_state));
	unit.drop_in_paths = calloc(1, sizeof(char *));
	unit.exec_start = calloc(1, sizeof(*unit.exec_start));
	unit.n_exec_start = 1;
	text_copy(fake.exec_start[0], unit.exec_start[0].path, sizeof(unit.exec_start[0].path));
	unit.exec_start[0].argv = calloc(ARRAY_SIZE(fake.exec_start) + 1, sizeof(char *));
	for (size_t i = 0; fake.exec_start[i]; i++)
		unit.exec_start[0].argv[i] = strdup(fake.exec_start[i]);
	*ret_unit = unit;
	return 0;
}

int __wrap_init_exec_prefixes(struct manager *manager, const char *unit,
			      struct init_exec_prefix *ret, size_t n, struct error *err)
{
	for (size_t i = 0; i < n; i++)
		text_copy(fake.prefix, ret[i].text, sizeof(ret[i].text));
	return 0;
}

int __wrap_layout_point_current(int dirfd, enum slot slot, struct error *err)
{
	if (fake.no_current)
		return error_code(err, -EIO, "pointing");
	return __real_layout_point_current(dirfd, slot, err);
}

int __wrap_history_append(int dirfd, const struct history_entry *entry, struct error *err)
{
	if (fake.no_history)
		return error_code(err, -EIO, "appending");
	return __real_history_append(dirfd, entry, err);
}

/* ---- running it ---- */

struct machine {
	struct scratch *scratch;
	char *unit_dir;
	char *dir; /* what is adopted */
	char *said; /* by the last run */
	struct error err;
	struct init_options options;
};

static inline int machine_setup(void **state)
{
	struct machine *machine = calloc(1, sizeof(*machine));

	assert_non_null(machine);
	assert_int_equal(scratch_setup((void **)&machine->scratch), 0);
	machine->unit_dir = scratch_path(machine->scratch, "units");
	machine->options = (struct init_options){
		.app = "gw",
		.unit = "gw.service",
		.who = "tester",
		.places = &machine->scratch->places,
		.unit_dir = machine->unit_dir,
	};
	fake = (typeof(fake)){
		.load_state = "loaded",
		.recover_state = "loaded",
		.exec_start = { "/opt/gw/app" },
		.working_directory = "",
		.prefix = "",
	};
	*state = machine;
	return 0;
}

static inline int machine_teardown(void **state)
{
	struct machine *machine = *state;

	assert_int_equal(scratch_teardown((void **)&machine->scratch), 0);
	free(machine->unit_dir);
	free(machine->dir);
	free(machine->said);
	free(machine);
	return 0;
}

static inline int run(struct machine *machine)
{
	FILE *out;
	size_t size;
	int r;

	free(machine->said);
	out = open_memstream(&machine->said, &size);
	assert_non_null(out);
	machine->err = (struct error){};
	r = init_run(&machine->options, out, &machine->err);
	assert_int_equal(fclose(out), 0);
	return r;
}

static inline void run_well(struct machine *machine)
{
	if (run(machine) != 0)
		fail_msg("%s", machine->err.text);
}

/* It is refused with this fault and these words, and nothing was written. */
static inline void check_refused(struct machine *machine, enum fault fault, const char *words)
{
	if (run(machine) >= 0)
		fail_msg("not refused: %s", words);
	assert_string_equal(fault_name(machine->err.fault), fault_name(fault));
	if (!strstr(machine->err.text, words))
		fail_msg("\"%s\" does not say \"%s\"", machine->err.text, words);
	assert_false(scratch_exists(machine->scratch, DROP_IN));
	assert_false(scratch_exists(machine->scratch, "units"));
	assert_false(scratch_exists(machine->scratch, ROOT));
	assert_int_equal(fake.reloads + fake.enabled, 0);
}

static inline void check_says(const struct machine *machine, const char *words)
{
	if (!strstr(machine->said, words))
		fail_msg("\"%s\" does not say \"%s\"", machine->said, words);
}

static inline void check_says_not(const struct machine *machine, const char *words)
{
	if (strstr(machine->said, words))
		fail_msg("\"%s\" says \"%s\"", machine->said, words);
}

static inline ino_t inode(const struct machine *machine, const char *name)
{
	_cleanup_free_ char *path = scratch_path(machine->scratch, "%s", name);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

static inline int open_root(const struct machine *machine)
{
	_cleanup_free_ char *path = scratch_path(machine->scratch, ROOT);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

#define UNIT_PART                                                               \
	"# Written by `flipslot init gw`.\n"                                    \
	"[Unit]\n"                                                              \
	"# A failure that systemd does not restart from is told to flipslot.\n" \
	"OnFailure=flipslot-failed@gw.service\n"                                \
	"# At boot it is settled first which release is the current one.\n"     \
	"Wants=flipslot-recover.service\n"                                      \
	"After=flipslot-recover.service\n"                                      \
	"# Once it runs, flipslot looks for an update (CheckOnStart=).\n"       \
	"Wants=flipslot-check@gw.service\n"                                     \
	"Before=flipslot-check@gw.service\n"

static inline void check_drop_in(const struct machine *machine, const char *wanted)
{
	_cleanup_free_ char *text = scratch_read(machine->scratch, DROP_IN);

	assert_non_null(text);
	assert_string_equal(text, wanted);
}

#define machine_test(name) cmocka_unit_test_setup_teardown(name, machine_setup, machine_teardown)
