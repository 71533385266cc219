/*
 * Control groups as the manager lays them out: the unified hierarchy, or the one of version 1 that is
 * called "name=systemd".
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

#define CGROUP_PROCESSES_MAX 4096
#define CGROUP_DEPTH_MAX     16

/* The cgroup of a process, as in unit.control_group, from /proc/PID/cgroup. */
int cgroup_of(int pid, char *ret_path, size_t room, struct error *err);

/*
 * The directory of the manager's hierarchy, found in /proc/self/mountinfo: the unified one if it has
 * processes of services, else that of "name=systemd". FAULT_UNIT: none is mounted.
 */
int cgroup_open_root(int *ret_fd, struct error *err);

/*
 * The processes of a cgroup (absolute, as in unit.control_group) and of all cgroups below it, at most
 * CGROUP_PROCESSES_MAX. None if there is no such cgroup. *ret_pids is malloc'ed.
 */
int cgroup_list(const char *path, pid_t **ret_pids, size_t *ret_n, struct error *err);

/* Is the calling process in the cgroup of that unit, or below it? By its cgroup, whatever the environment says. */
bool cgroup_is_own(const char *control_group);

/* Has a unit of this name a cgroup in system.slice? */
int cgroup_find_in_system(const char *unit, bool *ret_found, struct error *err);

/*
 * Is a unit of this name active in the manager of some user? *ret_who names the user. It is seen by its cgroup,
 * so that no user's manager is asked anything. CGROUP_OURS: it is root or `owner` ("": nobody else), which
 * counts before CGROUP_OF_OTHERS: what other users call their units, and what runs in them, is up to them.
 */
enum cgroup_found {
	CGROUP_OF_NOBODY,
	CGROUP_OURS,
	CGROUP_OF_OTHERS,
};
int cgroup_find_in_user_managers(const char *unit, const char *owner, enum cgroup_found *ret_found,
				 char *ret_who, size_t room, struct error *err);
