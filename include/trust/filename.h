/*
 * Names of files, on the disk and in URLs, made from names that others chose (TUF specification
 * 3.1.2, 5.3 to 5.7, 6.2). All bytes but letters, digits and _ . - ~ are percent-encoded (RFC
 * 3986), so that a role's file has no part of a path in it, is never "." or "..", and different
 * roles have different files.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

#define FILENAME_MAX_BYTES 255 /* of one part, as file systems take it */

/*
 * "ROLE.json", or "VERSION.ROLE.json" if version > 0. *ret_name is malloc'ed. An empty role, or one
 * whose name would be too long: FAULT_CORRUPT.
 */
int filename_of_role(const char *role, uint64_t version, char **ret_name, struct error *err);

/*
 * "DIR/NAME", or "DIR/HASH.NAME" if hash is not NULL and not "": relative to where targets are
 * served; slashes stay. *ret_name is malloc'ed. A path that is absolute, or has an empty, "." or
 * ".." part: FAULT_CORRUPT.
 */
int filename_of_target(const char *path, const char *hash, char **ret_name, struct error *err);
