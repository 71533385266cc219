/*
 * The text of a unit file, as far as it says what a service runs: for a unit that the manager has not loaded yet. systemd.syntax(7),
 * systemd.service(5).
 */
#pragma once

#include <stdbool.h>

#include "unit/unit.h"

#define UNITFILE_MAX (256 * 1024) /* bytes of text */

/*
 * What [Service] of the text sets takes the place of what is in *unit: exec_start, working_directory, root_directory, user,
 * group, dynamic_user. What it does not set is emptied. Lines that cannot be read, or need a specifier or a variable to be, are left out:
 * *ret_whole is false then. text ends with a NUL.
 */
int unitfile_take(const char *text, struct unit *unit, bool *ret_whole, struct error *err);

/* The file whose ExecStart= counts: the last drop-in that sets one, else the unit file. It belongs to the unit. */
const char *unitfile_of_exec_start(const struct unit *unit);

/* Does the text set that key of [Service], to anything? */
bool unitfile_sets(const char *text, const char *key);
