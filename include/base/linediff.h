/*
 * The lines in which two short texts differ.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"

#define LINEDIFF_LINES_MAX 400 /* of either text */

/*
 * Calls take for each line that only one of both has, in order: sign '-' for the old text, '+' for the new one; the line is without
 * its newline and not terminated. What stays is not told. > 0: LINEDIFF_TOO_LONG, a text has too many lines, nothing was told.
 */
enum { LINEDIFF_TOO_LONG = 1 };
int linediff_tell(const char *old_text, const char *new_text,
		  void (*take)(void *data, char sign, const char *line, size_t size), void *data,
		  struct error *err);
