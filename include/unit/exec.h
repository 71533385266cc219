/*
 * What a unit would execute, looked at before it is: does it go through `current`, and could the release
 * in a slot be executed here at all? Paths that another user's manager names (unit.is_owned) are taken by their letters:
 * they go through current_path if they begin with it; nothing on the way is followed.
 */
#pragma once

#include "unit/unit.h"

/*
 * Follows `path` (absolute) link by link. If it goes through current_path, 0 and the rest behind it is
 * in ret_rest ("bin/app"; empty for current_path itself). > 0: EXEC_ELSEWHERE, it does not.
 */
enum { EXEC_ELSEWHERE = 1 };
int exec_locate(const char *path, const char *current_path, char *ret_rest, size_t room,
		struct error *err);

/* The same of a path that the unit names. */
int exec_locate_of(const struct unit *unit, const char *path, const char *current_path,
		   char *ret_rest, size_t room, struct error *err);

/*
 * Whether a flip of `current` changes what the unit runs: its ExecStart= (a program, an argument, or a
 * path in what a shell is given with -c) or RootDirectory= goes through current_path; or
 * WorkingDirectory= does, and ExecStart= has an argument that can be a file below it.
 */
bool exec_goes_through(const struct unit *unit, const char *current_path);

/*
 * Whether RootDirectory= goes through current_path, and no main process shows that this works here: a
 * systemd that makes a mount namespace of it follows no link on the way there (252: 226/NAMESPACE).
 */
bool exec_has_linked_root(const struct unit *unit, const char *current_path);

/*
 * Checks that the program of each ExecStart=, looked up in the slot instead of in current_path, is
 * there, may be executed, is for this machine (ELF gabi: e_machine, class) and has its interpreter
 * (PT_INTERP, or "#!"). A program that does not go through current_path is passed over; missing
 * libraries are not judged. Then unit/companion.h. FAULT_UNIT says what is missing.
 */
int exec_check(const struct unit *unit, const char *current_path, int slot_fd, struct error *err);

/* A file of the release, for reading. Links may lead about inside the slot, but not out of it (EXDEV). -1, and errno. */
int exec_open_in_slot(int slot_fd, const char *file);

/* Whether all that exec_check() would look at is there, whatever it is worth. */
bool exec_is_complete(const struct unit *unit, const char *current_path, int slot_fd);
