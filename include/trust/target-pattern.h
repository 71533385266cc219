/*
 * TargetPattern=: which target files of a repository are releases of an app, and what their versions
 * are, told by their paths.
 *
 *     gateway/gateway-*-{arch}.tar.zst
 *
 * The one `*` stands for the version: a letter v or none, then a digit, then letters, digits and . + ~ ^ _ -
 * (so that gateway-*.tar does not take gateway-tools-1.0.tar). `{arch}` stands for the machine as `uname
 * -m` says. Everything else stands for itself. A pattern without `*` names one file.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define TARGET_PATTERN_MAX	   512 /* bytes, with the final NUL; also of an expanded one */
#define TARGET_PATTERN_VERSION_MAX 128 /* bytes of a version, with the final NUL */

/* Is it one? FAULT_CONFIG says what is wrong. */
int target_pattern_check(const char *pattern, struct error *err);

/* Puts the machine in. FAULT_CONFIG: too long. */
int target_pattern_expand(const char *pattern, const char *machine,
			  char ret_pattern[static TARGET_PATTERN_MAX], struct error *err);

/* Has the (expanded) pattern a `*`? */
bool target_pattern_is_open(const char *pattern);

/* Does the expanded, open pattern match the whole path? ret_version is what the `*` stands for. */
bool target_pattern_match(const char *pattern, const char *path,
			  char ret_version[static TARGET_PATTERN_VERSION_MAX]);

/* As version_compare (base/version.h); the v before the first digit does not count. */
int target_pattern_compare(const char *a, const char *b);

/* How many bytes all paths that match begin with. */
size_t target_pattern_prefix(const char *pattern);
