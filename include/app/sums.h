/*
 * Files as sha256sum(1) writes them: "HEX  NAME" or "HEX *NAME", or BSD's "SHA256 (NAME) = HEX"; or a bare HEX.
 */
#pragma once

#include "base/digest.h"

#define SUMS_FILE_MAX (1024 * 1024) /* bytes */

/*
 * The digest that the text gives for the file `name` (compared without directories); a single bare digest is for any
 * name. FAULT_CONFIG: there is none, or there are two that differ.
 */
int sums_find(const char *text, const char *name, struct digest *ret_digest, struct error *err);

/* The same of a file, or of a pipe, as <(sha256sum …) of a shell is one. */
int sums_read(const char *path, const char *name, struct digest *ret_digest, struct error *err);
