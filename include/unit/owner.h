/*
 * The user whose manager has a unit (Scope=user:NAME), seen from the system. He is trusted with nothing but his
 * own service: his manager is reached as he would reach it, and who answers must be a process of his.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

#define OWNER_NAME_MAX	 33 /* useradd(8) allows 32 characters */
#define OWNER_PATH_MAX	 256
#define OWNER_LINGER_DIR "/var/lib/systemd/linger" /* of systemd-logind: a file for each user */

struct owner {
	char name[OWNER_NAME_MAX];
	char home[OWNER_PATH_MAX];
	uid_t uid;
	gid_t gid;
};

/* Could it be the name of a user: a-z 0-9 _ . -, a letter or "_" first? */
bool owner_is_name(const char *name);

/* FAULT_CONFIG: there is no such user, or it is root, whose units are the system's. */
int owner_find(const char *name, struct owner *ret_owner, struct error *err);

bool owner_lingers(const struct owner *owner);

/* "user@1000.service": the unit of his manager, in the system's. Returns ret_unit. */
#define OWNER_UNIT_MAX 32
char *owner_unit(const struct owner *owner, char ret_unit[static OWNER_UNIT_MAX]);

/*
 * Is it a cgroup below his manager's, as the system's manager lays them out? The cgroups of processes are the
 * kernel's word; which of them is a unit's is his manager's, and this bounds it.
 */
bool owner_has_cgroup(const struct owner *owner, const char *control_group);

/*
 * Connects to a stream socket below /run/user/UID, which he fills as he likes: a child becomes him and connects, so that
 * nothing is opened with more rights than his. Then the other end must have been made by a process of his (SO_PEERCRED of
 * unix(7)): a link to a socket of root's leads nowhere. A caller who is not root connects himself, and only as that user.
 * Returns a negative errno: -EPERM, the other end is not his; -EACCES, the caller is neither root nor he.
 */
int owner_connect(const struct owner *owner, const char *name, int *ret_fd);
