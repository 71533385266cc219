/*
 * What init writes, as texts: the commented configuration, and the drop-in of the app's unit. Private to
 * app/init*.
 */
#pragma once

#include "app/init.h"
#include "base/text.h"

/* Every key with its help, range and default, commented out; what the options give is active. */
void init_text_config(const struct init_options *options, struct text *text);

/*
 * exec_lines: whole "ExecStart=" lines each with a newline, the resetting one first; directory_line: the same for
 * "WorkingDirectory="; NULL: none. with_units: the unit's manager also has the units of flipslot.
 */
void init_text_drop_in(const char *app, bool with_units, const char *directory_line,
		       const char *exec_lines, struct text *text);

/* The lines of `file` that begin with `key` ("ExecStart="), each with its newline, one after the other. */
void init_text_lines_of(const char *file, const char *key, struct text *ret_lines);
