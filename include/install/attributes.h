/*
 * What a file has beside its content and its name: mode, time of change, capabilities, owner.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "release/index.h"

/* Gives a new file, which is complete, what the entry says, and lets the disk begin with a large one; 0, or -1 with errno set. */
int attributes_set(int fd, const struct index_entry *file);

/* The same for a file that may have capabilities which it should not have. */
int attributes_mend(int fd, const struct index_entry *file);

/* Has it exactly the capabilities of the entry? 1, 0, or -1 with errno set. */
int attributes_has_capability(int fd, const struct index_entry *file);

/* Mode, time and capabilities are those of the entry (what cannot be read is not). */
bool attributes_match(int fd, const struct stat *st, const struct index_entry *file);
