/*
 * Canonical JSON as signatures are made over it (TUF specification 4.1, "Canonical JSON" of OLPC):
 *
 *     no white space; the names of an object in the order of their bytes (UTF-8: that of the code
 *     points); integers in plain decimal; in strings only " and \ are escaped, by a \, and every
 *     other character, control characters too, stands as it is; no reals.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"

/*
 * *ret_bytes is malloc'ed and ends with a NUL that *ret_size does not count. A real, or a value
 * nested deeper than JREAD_DEPTH_MAX, is FAULT_CORRUPT.
 */
int canonical_encode(const json_t *value, char **ret_bytes, size_t *ret_size, struct error *err);
