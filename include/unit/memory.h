/*
 * How much memory a service uses: the anonymous memory of all processes of its cgroup, as /proc says. Unlike the manager's MemoryCurrent= it does
 * not count the page cache, and needs no memory controller.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

/* In bytes; 0: there is no process, or nothing can be known. control_group as in struct unit. */
uint64_t memory_of(const char *control_group);
