/*
 * On which mount a path lies, by the table of the first process: what systemd sees, not what this process's sandbox makes of it.
 * proc_pid_mountinfo(5).
 */
#pragma once

#include <stddef.h>

#include "base/error.h"

#define MOUNTS_TABLE "/proc/1/mountinfo"

/* path: absolute, without links and "..". The mount point is put into ret_point ("/", "/var"). */
int mounts_find(const char *table, const char *path, char *ret_point, size_t room,
		struct error *err);
