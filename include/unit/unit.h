/*
 * What the manager says of a service unit, as one value taken at one moment.
 */
#pragma once

#include "base/clock.h"
#include "unit/manager.h"

#define UNIT_NAME_MAX 256
#define UNIT_TEXT_MAX 1024

struct unit_exec {
	char path[UNIT_TEXT_MAX];
	char **argv; /* NULL-terminated, never NULL */
};

struct unit {
	char name[UNIT_NAME_MAX];
	char load_state[32]; /* loaded not-found bad-setting error masked */
	char load_error[256]; /* why it is not loaded, or empty */
	char active_state[32]; /* active reloading inactive failed activating deactivating */
	char sub_state[32];
	char type[32]; /* simple exec forking oneshot notify … */
	char result[32]; /* success exit-code signal core-dump timeout watchdog start-limit-hit … */
	char restart[32]; /* Restart= */
	char user[64]; /* User=, empty for root */
	char group[64];
	bool dynamic_user;
	uint64_t ambient_capabilities; /* AmbientCapabilities=: bits of linux/capability.h */
	bool remains; /* RemainAfterExit= */
	char fragment_path[UNIT_TEXT_MAX];
	char **drop_in_paths; /* NULL-terminated, never NULL */
	char working_directory[UNIT_TEXT_MAX];
	bool is_working_directory_optional;
	char root_directory[UNIT_TEXT_MAX];
	char search_path[UNIT_TEXT_MAX]; /* PATH of Environment=, or empty */
	bool has_environment_files; /* which may say more */
	char **environment_files; /* that must be there; NULL-terminated or NULL */
	char control_group[UNIT_TEXT_MAX]; /* below the cgroup root; empty: no process */
	char status_text[256]; /* as the service wrote it: escape before showing it */
	char invocation[33]; /* hex; empty: none */
	int main_pid; /* 0: none */
	int exec_main_code; /* CLD_… of the last main process; 0: none */
	int exec_main_status;
	uint64_t main_exit_usec; /* monotonic, when it ended; 0: never */
	char failed_command[UNIT_TEXT_MAX]; /* a command beside the main one that failed, or empty */
	unsigned int restarts; /* NRestarts */
	uint64_t start_timeout_usec, stop_timeout_usec; /* USEC_INFINITY: none */
	uint64_t watchdog_usec; /* 0: none */
	unsigned int start_limit;
	uint64_t start_limit_usec;
	uint64_t active_enter_usec; /* monotonic; 0: never */
	uint64_t active_exit_usec; /* monotonic, when it last left "active"; 0: never */
	uint64_t inactive_exit_usec; /* monotonic, when it last left "inactive"; 0: never */
	uint64_t started_usec; /* the same moment, realtime */
	char **requires, **requisite, **binds_to; /* units it needs; as triggered_by */
	uint64_t conditions_usec, asserts_usec; /* monotonic, when they were asked last; 0: never */
	bool conditions_met, asserts_met; /* then */
	char unmet[UNIT_TEXT_MAX]; /* "ConditionPathExists=/x": the first that was not met, or empty */
	char **triggered_by; /* sockets, timers, paths that start it; NULL-terminated or NULL */
	int start_code; /* CLD_… of an ExecStart= process that failed (Type=forking); 0: none */
	int start_status;
	bool need_daemon_reload;
	bool job_pending; /* the unit has a job in the queue */
	bool is_prepared; /* there is an ExecStartPre=: it may make what ExecStart= needs */
	struct unit_exec *exec_start; /* the merged ExecStart= lines */
	size_t n_exec_start;
	bool is_owned; /* of the manager of another user: paths are his word, and are not followed */
	uid_t uid; /* his */
};

/*
 * Of another user's manager (manager_open_of) it is his word: printable, `user` is him whatever it says, and control_group is
 * below his manager's or empty.
 *
 * Loads the unit if needed; one that does not exist is load_state "not-found", not an error. FAULT_UNIT:
 * no service, or the manager does not answer.
 */
int unit_query(struct manager *manager, const char *name, struct unit *ret_unit, struct error *err);
void unit_done(struct unit *unit);
#define _cleanup_unit_ _cleanup_(unit_done)

bool unit_is_running(const struct unit *unit); /* active, reloading, or activating with a main pid */

/* Down because systemd was not to start it: a Condition…= or an Assert…= of it is not met. */
bool unit_is_unmet(const struct unit *unit);

/* Active, for so long at least. */
bool unit_has_been_up(const struct unit *unit, uint64_t usec);

/*
 * Down, and nothing has failed: somebody may have stopped it. What failed, or crashes again and again, was
 * not stopped by anybody.
 */
bool unit_may_be_stopped(const struct unit *unit);

/*
 * Down, although it was up and nobody asked it to go: its main process had ended before systemd began to stop the
 * unit. Nothing is said of one whose main process systemd does not know.
 */
bool unit_ended_by_itself(const struct unit *unit);

/* Type=oneshot without RemainAfterExit=: it is never up for longer than its commands take. */
bool unit_never_stays(const struct unit *unit);

/* Starting again and again: systemd has restarted it at least once, and it is not up. */
bool unit_is_looping(const struct unit *unit);

/*
 * One line for a person why the unit does not run: "exited with status 1", "could not be executed
 * (203/EXEC): …", "killed by signal 11 (SEGV)", "start limit hit: …". Printable. Returns ret_text.
 */
char *unit_explain(const struct unit *unit, char *ret_text, size_t room);

/*
 * For a job that ended with JOB_RESULT_DEPENDENCY: which of the units that it needs is not up, "it requires
 * db.service, which is failed". > 0: UNIT_REQUIRES_NONE, all are up.
 */
enum { UNIT_REQUIRES_NONE = 1 };
int unit_explain_requirement(struct manager *manager, const struct unit *unit, char *ret_text,
			     size_t room, struct error *err);

/* Sets result back to success and the start limit's count to zero (ResetFailedUnit); no such unit is fine. */
int unit_reset_failed(struct manager *manager, const char *name, struct error *err);

/*
 * The sockets and paths that start the unit, and that its failures have brought down with it (failed):
 * resets and starts them again, without waiting. Without them the unit would run unreachable.
 */
int unit_revive_triggers(struct manager *manager, const struct unit *unit, struct error *err);
