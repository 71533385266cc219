/*
 * The one door to inih. Its version 55 in Debian 12 cuts lines at 200 bytes and parses the tail as a
 * new line, cuts section names at 49, and takes a blank and a semicolon for a comment. Here the bytes
 * are checked before it sees them, and what it read is compared with the line before the caller gets
 * it: a value comes whole and as it stands, or there is an error with file:line.
 *
 * The dialect (systemd.syntax(7), without line continuation): "[Section name]", "Key=Value",
 * comments are whole lines that begin with # or ;. Values are trimmed; nothing in a value is a
 * comment. UTF-8, Unix line ends, no control character but the tab. A key (1 to 48 letters, digits,
 * - and _) before the first section, a repeated section header in one file, a repeated key in one
 * section and a line that ends with a backslash are errors with file:line (FAULT_CONFIG).
 */
#pragma once

#include <stddef.h>

#include "base/error.h"

#define INI_FILE_MAX	(64 * 1024) /* bytes */
#define INI_LINE_MAX	4096 /* bytes, without the newline */
#define INI_SECTION_MAX 48 /* bytes */

/*
 * Called once per key, in the order of the file; `where` is "file:line" for messages. Returns 0, or
 * < 0 with err set to stop (the wrapper puts `where` before the text).
 */
typedef int (*ini_handler)(void *data, const char *section, const char *key, const char *value,
			   const char *where, struct error *err);

/* Parses text (NUL-terminated, size bytes; a NUL inside is an error). `file` is for messages. */
int ini_parse_text(const char *file, const char *text, size_t size, ini_handler handler, void *data,
		   struct error *err);
