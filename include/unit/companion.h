/*
 * What a unit needs of the release beside its programs, so that it can be started at all.
 */
#pragma once

#include "unit/unit.h"

/*
 * Looked up in the slot instead of in current_path, are these there: WorkingDirectory= and EnvironmentFile= (those without "-"), and what a
 * interpreter of the machine (node, python3, sh, …) is given to run: its first argument, with an extension, absolute or below
 * WorkingDirectory=, unless a variable ("$") is in it or an ExecStartPre= may make it? Nothing is said of what does not go through current_path, nor with
 * RootDirectory=. FAULT_UNIT says what is missing.
 */
int companion_check(const struct unit *unit, const char *current_path, int slot_fd,
		    struct error *err);
