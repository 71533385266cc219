/*
 * What the manager says of a unit, as one value taken at one moment.
 */
#pragma once

#include "unit/manager.h"

#define UNIT_NAME_MAX 256
#define UNIT_TEXT_MAX 1024

struct unit_exec {
	char path[UNIT_TEXT_MAX];
	char **argv;
};

struct unit {
	char name[UNIT_NAME_MAX];
	char load_state[32];   /* loaded not-found bad-setting error masked */
	char active_state[32]; /* active reloading inactive failed activating deactivating */
	char sub_state[32];
	char type[32];	  /* simple exec forking oneshot notify … */
	char result[32];  /* success exit-code signal core-dump timeout watchdog start-limit-hit … */
	char restart[32]; /* Restart= */
	char user[64];	  /* User=, empty for root */
	char group[64];
	char fragment_path[UNIT_TEXT_MAX];
	char **drop_in_paths; /* NULL-terminated, never NULL */
	char working_directory[UNIT_TEXT_MAX];
	char root_directory[UNIT_TEXT_MAX];
	char control_group[UNIT_TEXT_MAX]; /* below the cgroup root; empty: no process */
	char status_text[256];
	char invocation[33]; /* hex; empty: none */
	int main_pid;	     /* 0: none */
	int exec_main_code;  /* CLD_… of the last main process; 0: none */
	int exec_main_status;
	unsigned int restarts; /* NRestarts */
	uint64_t start_timeout_usec, stop_timeout_usec; /* USEC_INFINITY: none */
	uint64_t active_enter_usec; /* monotonic; 0: never */
	bool need_daemon_reload;
	bool job_pending; /* the unit has a job in the queue */
	struct unit_exec *exec_start; /* the merged ExecStart= lines */
	size_t n_exec_start;
};

/* Loads the unit if needed; one that does not exist is load_state "not-found", not an error. */
int unit_query(struct manager *manager, const char *name, struct unit *ret_unit, struct error *err);
void unit_done(struct unit *unit);
#define _cleanup_unit_ _cleanup_(unit_done)

bool unit_is_running(const struct unit *unit); /* active, reloading, or activating with a main pid */

/* One line for a person why the unit is not running: "exited with status 203 (EXEC)", "killed by SIGSEGV",
 * "start limit hit", … Returns ret_text. */
char *unit_explain(const struct unit *unit, char *ret_text, size_t room);

/* Sets result back to success and the start limit's count to zero (ResetFailedUnit); no such unit is fine. */
int unit_reset_failed(struct manager *manager, const char *name, struct error *err);

/* The cgroup of a process, as in control_group, from /proc/PID/cgroup (the v2 or systemd line). */
int unit_cgroup_of(int pid, char *ret_path, size_t room, struct error *err);

/* Is a unit of this name active in the manager of some logged-in user? *ret_who names the user. */
int unit_find_in_user_managers(const char *name, bool *ret_found, char *ret_who, size_t room,
			       struct error *err);

/* Checks that argv[0] of ExecStart, looked up in the slot instead of in current_path, is there, may be executed,
 * is for this machine (ELF e_machine, class; gabi) and has its interpreter (ELF PT_INTERP or #!). An ExecStart that
 * does not go through current_path is passed over. FAULT_UNIT says what is missing. */
int unit_check_exec(const struct unit *unit, const char *current_path, int slot_fd, struct error *err);
