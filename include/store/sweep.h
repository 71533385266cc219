/*
 * Emptying a directory: whatever a publisher, a crash or an enemy left in it.
 */
#pragma once

#include "base/error.h"

/*
 * Removes everything below the directory fd, which stays itself. Follows no link, crosses no mount (one
 * in it is an error), opens up directories that their owner may not enter, and needs a handful of
 * descriptors for any depth. Nothing is synced.
 */
int sweep_directory(int fd, struct error *err);
