/*
 * The rules for names that come from outside, in one place: archives, directories that are taken over,
 * and indexes all pass here. A path that passed is relative, has no empty, "." or ".." part, is valid
 * UTF-8 without control characters (C0, DEL, C1), and fits what the kernel takes.
 *
 * Everything else is FAULT_CORRUPT with the rule as text; the caller says whose name it is.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"

#define NAMES_PART_MAX	255 /* bytes of one part */
#define NAMES_PATH_MAX	4095 /* bytes of a whole path or of a link's text */
#define NAMES_SHOWN_MAX 160 /* room for a name in a message */

/*
 * The canonical form of a name as archives write it: empty and "." parts go, then the first `strip` parts
 * of the name as it was written (as tar counts: "./a/b" has three). *ret_path is malloc'ed.
 * > 0: NAMES_ROOT, the top directory itself; NAMES_STRIPPED, nothing is left after stripping.
 */
enum { NAMES_ROOT = 1, NAMES_STRIPPED = 2 };
int names_normalise(const char *name, unsigned int strip, char **ret_path, struct error *err);

/* Is it such a path already? */
int names_check_path(const char *path, struct error *err);

/* A link's text: relative, not empty, valid characters, not too long. Where it leads is not its affair. */
int names_check_target(const char *text, struct error *err);

/* Parts of a path. */
unsigned int names_depth(const char *path);

/* A name for a message: escaped, long ones cut. Returns ret_text. */
char *names_show(const char *name, char ret_text[static NAMES_SHOWN_MAX]);
