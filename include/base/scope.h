/*
 * Whose flipslot this process is: the machine's, run by root, or that of one user (--user), who has configuration,
 * slots, units and timers of his own and needs no root anywhere. Chosen once, by main, before anything else is done; it is the
 * only thing in the program that is not handed down.
 *
 * Folders of a user are those of the XDG Base Directory Specification 0.8: a variable counts if it is an absolute path; the home is
 * $HOME, else what the user database says.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

enum scope_dir {
	SCOPE_CONFIG, /* /etc/flipslot, ~/.config/flipslot */
	SCOPE_VENDOR, /* /usr/lib/flipslot, /usr/lib/flipslot/user */
	SCOPE_STATE, /* /var/lib/flipslot, ~/.local/state/flipslot: parent of the apps' directories */
	SCOPE_RUN, /* /run/flipslot, $XDG_RUNTIME_DIR/flipslot: gone after a reboot */
	SCOPE_UNITS, /* /etc/systemd/system, ~/.config/systemd/user */
	SCOPE_DIR_MAX,
};

/* From now on it is a user's. FAULT_CONFIG: there is no home, or a folder's path is too long. */
int scope_choose_user(struct error *err);

/* Has the calling user a flipslot of his own (a folder SCOPE_CONFIG)? */
bool scope_has_user(void);

bool scope_is_user(void);

/* Absolute, without a slash at the end. */
const char *scope_dir(enum scope_dir which);

/* May the caller change things here? */
bool scope_may_write(void);

/* What a person types: "systemctl" or "systemctl --user"; "journalctl" or "journalctl --user". */
const char *scope_systemctl(void);
const char *scope_journalctl(void);

/*
 * The same for the unit of an app with Scope=user:`user` (NULL: of the scope's own manager): "systemctl --user -M NAME@", and
 * what shows the unit's log: "journalctl -u UNIT".
 */
#define SCOPE_COMMAND_MAX 96
#define SCOPE_LOG_MAX	  400
const char *scope_systemctl_of(const char *user, char ret_text[static SCOPE_COMMAND_MAX]);
const char *scope_log_of(const char *user, const char *unit, char ret_text[static SCOPE_LOG_MAX]);
