/*
 * A machine with one unit, played: jobs, what the unit does on either slot, a clock that only goes on when somebody
 * waits. Needs the comment "LDFLAGS: @tests/deploy/systemd.flags" on the first line of the test.
 */
#pragma once

#include "app.h"

#include "unit/cgroup.h"
#include "unit/complaint.h"
#include "unit/job.h"
#include "unit/occupant.h"
#include "unit/proof.h"

/* How the unit behaves when it runs a slot. */
struct systemd_behaviour {
	enum job_result start[4]; /* of the first starts on it; then as the last one */
	uint64_t takes_usec; /* a start */
	uint64_t dies_after_usec; /* it fails then; 0: never */
	uint64_t stops_after_usec; /* it is stopped then */
	uint64_t ends_after_usec; /* it leaves with 0 then */
	bool keeps_old_code; /* its processes still use the other slot */
	bool sick; /* Type=notify, but its STATUS= is not "ok" */
};

/* A unit of AlsoRestart=. */
struct systemd_sibling {
	const char *name; /* NULL: there is none */
	const char *active, *sub;
	const char *load_state; /* NULL: loaded */
	const char *invocation; /* NULL: none */
	const char *user; /* NULL: root */
	bool is_of_release; /* its program */
	bool fails[SLOT_MAX]; /* its start */
	bool crashes[SLOT_MAX]; /* and is restarted by systemd, once started on that slot */
	bool ended; /* its main process, by itself */
	unsigned int restarts;
	enum slot runs;
};

static struct {
	struct systemd_sibling siblings[2];
	struct systemd_sibling *job_sibling; /* that the job is of; NULL: of the app's unit */
	struct systemd_behaviour slots[SLOT_MAX];
	bool gone; /* the manager does not answer */
	bool stopping; /* the machine goes down */
	pid_t left; /* an old process of the unit; 0: none */
	enum slot left_in; /* that it uses */
	enum cgroup_found user_unit; /* a user's manager has one of the same name */
	/* what is so now */
	uint64_t now;
	const char *active, *sub;
	char invocation[33];
	unsigned int invocations;
	unsigned int restarts;
	bool job_pending;
	const char *load_state; /* NULL: loaded */
	const char *user; /* NULL: root */
	const char *drop_in; /* of it; NULL: there is none */
	bool unmet; /* its Condition…= is not met */
	const char *trigger; /* a socket that starts it; NULL: none */
	bool oneshot; /* without RemainAfterExit= */
	bool root_is_current; /* RootDirectory= is */
	bool is_rewritten; /* its file: ExecStart= does not go through `current` */
	enum slot runs;
	uint64_t since; /* it runs */
	uint64_t ended; /* its main process, by itself; 0: it did not */
	unsigned int starts[SLOT_MAX];
	char jobs[256]; /* what was asked: "restart b, stop -, " */
	unsigned int resets, waits;
	uint64_t memory; /* that the unit uses */
	unsigned int errors; /* that it has logged */
	uint64_t errors_since; /* as was asked last */
	bool mute; /* the journal cannot tell */
	const char *last; /* line that the unit wrote; NULL: none */
	char timer[128]; /* that was set last */
	uint64_t wakes; /* when */
	void (*on_wait)(void); /* asked at each wait */
	void (*on_run)(enum slot slot); /* told of each start that succeeds */
	/* the job under way */
	enum job_type job;
	uint64_t job_ends;
} systemd;

uint64_t __wrap_clock_monotonic_usec(void);
int __wrap_manager_open(struct manager **ret_manager, struct error *err);
void __wrap_manager_free(struct manager *manager);
sd_bus *__wrap_manager_bus(struct manager *manager);
unsigned int __wrap_manager_generation(const struct manager *manager);
int __wrap_manager_is_stopping(struct manager *manager, bool *ret_stopping, struct error *err);
int __wrap_manager_reload(struct manager *manager, struct error *err);
int __wrap_manager_wait(struct manager *manager, int fd, uint64_t timeout_usec, struct error *err);
int __wrap_unit_query(struct manager *manager, const char *name, struct unit *ret_unit,
		      struct error *err);
int __wrap_unit_reset_failed(struct manager *manager, const char *name, struct error *err);
int __wrap_unit_revive_triggers(struct manager *manager, const struct unit *unit,
				struct error *err);
int __wrap_job_new(struct manager *manager, enum job_type type, const char *unit,
		   struct job **ret_job, struct error *err);
void __wrap_job_free(struct job *job);
static enum job_result systemd_restart_sibling(struct systemd_sibling *sibling)
{
	enum slot slot = app_current();

	sibling->runs = slot;
	sibling->active = sibling->fails[slot] ? "failed" : "active";
	sibling->sub = sibling->fails[slot] ? "failed" : "running";
	if (sibling->crashes[slot])
		sibling->restarts = 1;
	return sibling->fails[slot] ? JOB_RESULT_FAILED : JOB_RESULT_DONE;
}

int __wrap_job_wait(struct job *job, int fd, uint64_t timeout_usec, enum job_result *ret_result,
		    struct error *err);
int __wrap_proof_find(const struct unit *unit, const char *slot_path, const char *other_path,
		      const char *current_path, struct proof_verdict *ret_verdict,
		      struct error *err);
int __wrap_occupant_find(const struct unit *unit, const char *path, struct occupants *ret_occupants,
			 struct error *err);
int __wrap_sd_bus_match_signal(sd_bus *bus, sd_bus_slot **ret, const char *sender, const char *path,
			       const char *interface, const char *member,
			       sd_bus_message_handler_t callback, void *userdata);
int __wrap_cgroup_find_in_user_managers(const char *unit, const char *owner,
					enum cgroup_found *ret_found, char *ret_who, size_t room,
					struct error *err);

int __wrap_wake_at(struct manager *manager, const char *name, const char *unit,
		   uint64_t realtime_usec, struct error *err);
uint64_t __wrap_memory_of(const char *control_group);
int __wrap_complaint_count(const struct probe_context *context, unsigned int *ret_n,
			   struct error *err);
int __wrap_complaint_last(const struct probe_context *context, char *ret_line, size_t room,
			  struct error *err);

/* ---- the unit ---- */

static void systemd_set(const char *active, const char *sub)
{
	systemd.active = active;
	systemd.sub = sub;
}

UNUSED static void systemd_run(enum slot slot)
{
	systemd.runs = slot;
	systemd.since = systemd.now;
	systemd.ended = 0;
	systemd.restarts = 0;
	(void)snprintf(systemd.invocation, sizeof(systemd.invocation), "inv-%u",
		       ++systemd.invocations);
	systemd_set("active", "running");
	if (systemd.on_run)
		systemd.on_run(slot);
}

static void systemd_end(void)
{
	systemd.ended = systemd.now;
	systemd_set("inactive", "dead");
}

static void systemd_age(void)
{
	const struct systemd_behaviour *how;
	uint64_t age = systemd.now - systemd.since;

	if (systemd.runs == SLOT_NONE || strcmp(systemd.active, "active") != 0)
		return;
	how = &systemd.slots[systemd.runs];
	if (how->dies_after_usec > 0 && age >= how->dies_after_usec)
		systemd_set("failed", "failed");
	else if (how->stops_after_usec > 0 && age >= how->stops_after_usec)
		systemd_set("inactive", "dead");
	else if (how->ends_after_usec > 0 && age >= how->ends_after_usec)
		systemd_end();
}

static void systemd_pass(uint64_t usec)
{
	systemd.now += usec;
	assert_true(++systemd.waits < 100000);
	if (systemd.on_wait)
		systemd.on_wait();
	systemd_age();
}

static struct systemd_sibling *systemd_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(systemd.siblings); i++)
		if (systemd.siblings[i].name && strcmp(systemd.siblings[i].name, name) == 0)
			return &systemd.siblings[i];
	return NULL;
}

static void systemd_set_program(struct unit *unit, const char *path)
{
	unit->exec_start = calloc(1, sizeof(*unit->exec_start));
	unit->n_exec_start = 1;
	(void)text_copy(path, unit->exec_start[0].path, sizeof(unit->exec_start[0].path));
	unit->exec_start[0].argv = calloc(2, sizeof(char *));
	unit->exec_start[0].argv[0] = strdup(path);
}

static int systemd_query_sibling(const struct systemd_sibling *sibling, struct unit *ret_unit)
{
	struct unit unit = { .restarts = sibling->restarts };
	char path[128];

	(void)text_copy(sibling->name, unit.name, sizeof(unit.name));
	(void)text_copy(sibling->load_state ? sibling->load_state : "loaded", unit.load_state,
			sizeof(unit.load_state));
	(void)text_copy(sibling->active, unit.active_state, sizeof(unit.active_state));
	(void)text_copy(sibling->sub, unit.sub_state, sizeof(unit.sub_state));
	(void)text_copy(sibling->invocation ? sibling->invocation : "", unit.invocation,
			sizeof(unit.invocation));
	(void)text_copy("simple", unit.type, sizeof(unit.type));
	if (sibling->ended) {
		unit.exec_main_code = CLD_EXITED;
		unit.main_exit_usec = unit.active_exit_usec = systemd.now;
	}
	unit.drop_in_paths = calloc(1, sizeof(char *));
	(void)text_copy(sibling->user ? sibling->user : "", unit.user, sizeof(unit.user));
	(void)snprintf(path, sizeof(path), "%s/" LAYOUT_CURRENT "/side", check_path);
	systemd_set_program(&unit, sibling->is_of_release ? path : "/usr/sbin/side");
	*ret_unit = unit;
	return 0;
}

int __wrap_unit_query(struct manager *manager, const char *name, struct unit *ret_unit,
		      struct error *err)
{
	bool running = strcmp(systemd.active, "active") == 0;
	struct unit unit = { .restarts = systemd.restarts, .job_pending = systemd.job_pending };
	char path[128];

	assert_ptr_equal(manager, (struct manager *)&systemd);
	if (systemd.gone)
		return error_set(err, FAULT_UNIT, "no manager");
	if (systemd_find(name))
		return systemd_query_sibling(systemd_find(name), ret_unit);
	(void)text_copy(name, unit.name, sizeof(unit.name));
	(void)text_copy(systemd.load_state ? systemd.load_state : "loaded", unit.load_state,
			sizeof(unit.load_state));
	(void)text_copy(systemd.active, unit.active_state, sizeof(unit.active_state));
	(void)text_copy(systemd.sub, unit.sub_state, sizeof(unit.sub_state));
	(void)text_copy(systemd.oneshot ? "oneshot" : "notify", unit.type, sizeof(unit.type));
	(void)text_copy(strcmp(systemd.active, "failed") == 0 ? "exit-code" : "success",
			unit.result, sizeof(unit.result));
	(void)text_copy(systemd.invocation, unit.invocation, sizeof(unit.invocation));
	if (systemd.runs == SLOT_NONE || !systemd.slots[systemd.runs].sick)
		(void)text_copy("ok", unit.status_text, sizeof(unit.status_text));
	unit.conditions_usec = systemd.now;
	unit.conditions_met = !systemd.unmet;
	unit.main_pid = running ? 4711 : 0;
	unit.active_enter_usec = running ? systemd.since : 0;
	unit.inactive_exit_usec = systemd.since;
	unit.main_exit_usec = unit.active_exit_usec = systemd.ended;
	unit.exec_main_code = systemd.ended > 0 ? CLD_EXITED : 0;
	if (systemd.trigger) {
		unit.triggered_by = calloc(2, sizeof(char *));
		unit.triggered_by[0] = strdup(systemd.trigger);
	}
	unit.start_timeout_usec = 90 * USEC_PER_SEC;
	unit.drop_in_paths = calloc(2, sizeof(char *));
	if (systemd.drop_in)
		unit.drop_in_paths[0] = strdup(systemd.drop_in);
	(void)text_copy(systemd.user ? systemd.user : "", unit.user, sizeof(unit.user));
	if (systemd.root_is_current)
		(void)snprintf(unit.root_directory, sizeof(unit.root_directory),
			       "%s/" LAYOUT_CURRENT, check_path);
	(void)snprintf(path, sizeof(path), "%s%s/run", systemd.root_is_current ? "" : check_path,
		       systemd.root_is_current ? "" : "/" LAYOUT_CURRENT);
	if (systemd.is_rewritten)
		(void)text_copy("/opt/run", path, sizeof(path));
	systemd_set_program(&unit, path);
	*ret_unit = unit;
	return 0;
}

int __wrap_unit_reset_failed(struct manager *manager, const char *name, struct error *err)
{
	struct systemd_sibling *sibling = systemd_find(name);

	if (sibling) {
		sibling->restarts = 0;
		return 0;
	}
	if (strcmp(systemd.active, "failed") == 0)
		systemd_set("inactive", "dead");
	systemd.resets++;
	return 0;
}

int __wrap_unit_revive_triggers(struct manager *manager, const struct unit *unit, struct error *err)
{
	return 0;
}

int __wrap_proof_find(const struct unit *unit, const char *slot_path, const char *other_path,
		      const char *current_path, struct proof_verdict *ret_verdict,
		      struct error *err)
{
	const char *dir = systemd.runs == SLOT_NONE ? "?" : slot_dir_name(systemd.runs);
	bool old = systemd.runs != SLOT_NONE && systemd.slots[systemd.runs].keeps_old_code;
	bool runs = strcmp(slot_path + strlen(check_path) + 1, dir) == 0;

	*ret_verdict = (struct proof_verdict){
		.proof = runs && !old ? PROOF_STRONG : PROOF_WEAK,
		.other_slot = old || (!runs && systemd.runs != SLOT_NONE),
	};
	return 0;
}

int __wrap_occupant_find(const struct unit *unit, const char *path, struct occupants *ret_occupants,
			 struct error *err)
{
	struct occupants occupants = {};
	const char *tail = path + strlen(check_path) + 1;

	if (systemd.left > 0 && strcmp(tail, slot_dir_name(systemd.left_in)) == 0) {
		occupants.list[occupants.n++] = (struct occupant){
			.pid = systemd.left, .comm = "run", .service = "gw.service", .ours = true
		};
		occupants.n_ours = 1;
	}
	*ret_occupants = occupants;
	return 0;
}

int __wrap_cgroup_find_in_user_managers(const char *unit, const char *owner,
					enum cgroup_found *ret_found, char *ret_who, size_t room,
					struct error *err)
{
	*ret_found = systemd.user_unit;
	(void)text_copy("alice", ret_who, room);
	return 0;
}

/* ---- jobs ---- */

int __wrap_job_new(struct manager *manager, enum job_type type, const char *unit,
		   struct job **ret_job, struct error *err)
{
	static const char *const names[] = { "start", "stop", "restart" };
	size_t size = strlen(systemd.jobs);
	enum slot slot = app_current();

	systemd.job_sibling = systemd_find(unit);
	(void)snprintf(systemd.jobs + size, sizeof(systemd.jobs) - size, "%s %s%s%s, ", names[type],
		       systemd.job_sibling ? unit : "", systemd.job_sibling ? " " : "",
		       slot_name(slot));
	systemd.job = type;
	if (systemd.job_sibling) {
		systemd.job_ends = systemd.now + USEC_PER_SEC / 10;
		*ret_job = (struct job *)&systemd;
		return 0;
	}
	systemd.job_ends = systemd.now + USEC_PER_SEC / 10;
	if (type != JOB_STOP) {
		systemd.runs = slot;
		systemd.job_ends += slot == SLOT_NONE ? 0 : systemd.slots[slot].takes_usec;
		systemd_set("activating", "start");
	}
	*ret_job = (struct job *)&systemd;
	return 0;
}

void __wrap_job_free(struct job *job)
{
}

static enum job_result systemd_end_start(void)
{
	const struct systemd_behaviour *how = &systemd.slots[systemd.runs];
	unsigned int n = systemd.starts[systemd.runs]++;
	enum job_result result = how->start[n < 4 ? n : 3];

	if (result == JOB_RESULT_DONE)
		systemd_run(systemd.runs);
	else
		systemd_set("failed", "failed");
	return result;
}

int __wrap_job_wait(struct job *job, int fd, uint64_t timeout_usec, enum job_result *ret_result,
		    struct error *err)
{
	if (systemd.now < systemd.job_ends) {
		systemd_pass(timeout_usec < systemd.job_ends - systemd.now ?
				     timeout_usec :
				     systemd.job_ends - systemd.now);
		return JOB_PENDING;
	}
	*ret_result = JOB_RESULT_DONE;
	if (systemd.job_sibling)
		*ret_result = systemd_restart_sibling(systemd.job_sibling);
	else if (systemd.job != JOB_STOP)
		*ret_result = systemd_end_start();
	else {
		systemd.runs = SLOT_NONE;
		systemd_set("inactive", "dead");
	}
	return 0;
}

/* ---- the manager and the clock ---- */

int __wrap_wake_at(struct manager *manager, const char *name, const char *unit,
		   uint64_t realtime_usec, struct error *err)
{
	(void)snprintf(systemd.timer, sizeof(systemd.timer), "%s: %s", name, unit);
	systemd.wakes = realtime_usec;
	return 0;
}

uint64_t __wrap_memory_of(const char *control_group)
{
	return systemd.memory;
}

int __wrap_complaint_count(const struct probe_context *context, unsigned int *ret_n,
			   struct error *err)
{
	assert_string_equal(context->invocation, systemd.invocation);
	systemd.errors_since = context->started;
	*ret_n = systemd.errors;
	return systemd.mute ? COMPLAINT_UNKNOWN : 0;
}

int __wrap_complaint_last(const struct probe_context *context, char *ret_line, size_t room,
			  struct error *err)
{
	if (!systemd.last)
		return COMPLAINT_UNKNOWN;
	(void)text_print(ret_line, room, "%s of %s", systemd.last, context->invocation);
	return 0;
}

uint64_t __wrap_clock_monotonic_usec(void)
{
	return systemd.now;
}

int __wrap_manager_open(struct manager **ret_manager, struct error *err)
{
	if (systemd.gone)
		return error_set(err, FAULT_UNIT, "no manager");
	*ret_manager = (struct manager *)&systemd;
	return 0;
}

void __wrap_manager_free(struct manager *manager)
{
}

sd_bus *__wrap_manager_bus(struct manager *manager)
{
	return NULL;
}

unsigned int __wrap_manager_generation(const struct manager *manager)
{
	return 1;
}

int __wrap_manager_reload(struct manager *manager, struct error *err)
{
	size_t size = strlen(systemd.jobs);

	(void)snprintf(systemd.jobs + size, sizeof(systemd.jobs) - size, "reload %s, ",
		       slot_name(app_current()));
	return 0;
}

int __wrap_manager_is_stopping(struct manager *manager, bool *ret_stopping, struct error *err)
{
	*ret_stopping = systemd.stopping;
	return 0;
}

int __wrap_manager_wait(struct manager *manager, int fd, uint64_t timeout_usec, struct error *err)
{
	systemd_pass(timeout_usec > 0 ? timeout_usec : 1);
	return 0;
}

int __wrap_sd_bus_match_signal(sd_bus *bus, sd_bus_slot **ret, const char *sender, const char *path,
			       const char *interface, const char *member,
			       sd_bus_message_handler_t callback, void *userdata)
{
	return 0;
}

/* cmocka setup: the unit has been running slot a for a minute. */
UNUSED static int systemd_setup(void **state)
{
	int r;

	memset(&systemd, 0, sizeof(systemd));
	systemd.now = 1000 * USEC_PER_SEC;
	r = app_setup(state);
	app_probe.kind = PROBE_NOTIFY;
	app_probe.match = (char *)"ok";
	systemd_run(SLOT_A);
	systemd.now += 60 * USEC_PER_SEC;
	return r;
}

#define systemd_test(test) \
	cmocka_unit_test_setup_teardown(test, systemd_setup, check_teardown_closed)

/* A session in that phase of an update from slot a to slot b, which runs already. */
UNUSED static void systemd_open(struct session *session, enum phase phase)
{
	struct state state;

	systemd_run(SLOT_B);
	state = app_under_way(phase);
	(void)text_copy(systemd.invocation, state.transaction.invocation,
			sizeof(state.transaction.invocation));
	state.transaction.switched = 1;
	app_open(session, &state);
}
