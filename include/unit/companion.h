/*
 * What a unit needs of the release beside its programs, so that it can be started at all.
 */
#pragma once

#include "unit/unit.h"

/*
 * Looked up in the slot instead of in current_path, are these there: WorkingDirectory= and EnvironmentFile= (those without "-"), and what a
 * program of the machine is given to run: its first argument, if that is an absolute path, or, of an interpreter (node, python3, …), one below
 * WorkingDirectory= with an extension? Nothing is said of what does not go through current_path, nor with RootDirectory=. FAULT_UNIT says what is
 * missing.
 */
int companion_check(const struct unit *unit, const char *current_path, int slot_fd,
		    struct error *err);
